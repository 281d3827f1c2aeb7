"""Text that we did not write is harmless after `safe`, and the guard holds where somebody forgot it."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import ControlType, Segment
from textual.color import Color

from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.egress import EgressGuard, safe_in_place
from tests.tui.hostile import HOSTILE, is_harmless

BLACK = Color.parse("black")


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("lines", [False, True])
def test_hostile_text_is_harmless(text: str, lines: bool) -> None:
    """Nothing of the corpus survives; line breaks only where lines are wanted."""
    clean = safe(Untrusted(text), lines=lines)
    assert is_harmless(clean.replace("\n", "") if lines else clean)


@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=80))
def test_any_text_is_harmless(text: str) -> None:
    """Whatever the characters, lone surrogates included; and again, without change."""
    clean = safe(Untrusted(text))
    assert is_harmless(clean)
    assert safe(Untrusted(clean)) == clean
    clean.encode()


def test_ordinary_text_is_unchanged() -> None:
    """Accents, other scripts, wide characters, brackets."""
    for text in ("", "make test", "naïve – ‘quotes’", "日本語 עברית हिन्दी", "[bold]not markup[/bold]", "a" * 10_000):
        assert safe(Untrusted(text)) == text


def test_control_codes_are_shown_as_pictures() -> None:
    """A person sees that there was one."""
    assert safe(Untrusted("a\x1b[31mb\x07\x7f")) == "a␛[31mb␇␡"
    assert safe(Untrusted("two\nlines\tand a tab")) == "two⏎lines    and a tab"
    assert safe(Untrusted("two\r\nlines"), lines=True) == "two\nlines"


def test_deception_is_shown() -> None:
    """Text that reads backwards, hides or carries invisible letters shows a mark in its place."""
    assert safe(Untrusted("user\u202etxt.exe")) == "user\ufffdtxt.exe"
    assert safe(Untrusted("a\U000e0041b")) == "a\ufffdb"
    assert safe(Untrusted("👩\u200d👧 ❤\ufe0f")) == "👩👧 ❤"
    marks = safe(Untrusted("e" + "\u0301" * 500))
    assert sum(map(unicodedata.combining, marks)) <= 8 * 230


def test_untrusted_text_turned_into_a_string_is_safe() -> None:
    """Also by accident, in an f-string."""
    assert f"{Untrusted('a' + chr(27) + 'b')}" == "a␛b"


@pytest.mark.parametrize("text", HOSTILE)
def test_the_guard_takes_control_codes_out_of_every_segment(text: str) -> None:
    """And leaves the width as it was laid out."""
    segments = EgressGuard().apply([Segment("before "), Segment(text), Segment(" after")], BLACK)
    drawn = "".join(segment.text for segment in segments)
    assert not any(unicodedata.category(letter) in ("Cc", "Cs") for letter in drawn)
    assert is_harmless(drawn)
    assert cell_len(drawn) == sum(
        cell_len(segment.text) for segment in (Segment("before "), Segment(text), Segment(" after"))
    )


@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=80))
def test_any_text_is_harmless_where_it_stands(text: str) -> None:
    """Whatever a person writes or pastes: in as many cells, so that the cursor is where it says."""
    drawn = safe_in_place(text)
    assert is_harmless(drawn)
    assert cell_len(drawn) == cell_len(text)


def test_what_is_pasted_is_drawn_in_place() -> None:
    """Joined letters and pictures keep their room; ordinary text is the same object."""
    assert safe_in_place("می\u200cخواهم") == "میخواهم"
    assert safe_in_place("👩\u200d👧 ❤\ufe0f.") == "👩 ❤ ."
    assert safe_in_place("a\U000e0041b\u202e") == "ab"
    ordinary = "make test – 日本語"
    assert safe_in_place(ordinary) is ordinary


def test_the_guard_leaves_textuals_own_control_segments() -> None:
    """They are how it draws."""
    own = Segment("\x1b[2J", None, [(ControlType.CLEAR,)])
    assert EgressGuard().apply([own], BLACK) == [own]
