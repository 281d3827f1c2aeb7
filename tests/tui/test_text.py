"""Widths and times, as a person reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from stigmer_tui.text.times import ago, exact, running_for, size, span, thousands
from stigmer_tui.text.width import fit, fit_right, wrap

WORDS = st.text(alphabet="ab -日本é", max_size=60)


@given(WORDS, st.integers(-3, 40))
def test_fitted_text_has_exactly_its_width(text: str, width: int) -> None:
    """Padded or cut, on either side; wide characters included."""
    assert cell_len(fit(text, width)) == max(0, width)
    assert cell_len(fit_right(text, width)) == max(0, width)


def test_cut_text_says_that_it_is_cut() -> None:
    """By an ellipsis."""
    assert fit("command", 5) == "comm…"
    assert fit("日本語", 4) == "日 …"
    assert fit_right("7", 3) == "  7"


@given(WORDS, st.integers(2, 30))
def test_wrapped_text_keeps_every_letter(text: str, width: int) -> None:
    """No row is too wide, and nothing but spaces at the edges is lost."""
    rows = wrap(text, width)
    assert rows
    assert all(cell_len(row) <= width for row in rows)
    assert "".join(rows).replace(" ", "") == text.replace(" ", "")


def test_text_wraps_at_words_and_at_its_own_lines() -> None:
    """Within a word only where it must."""
    assert wrap("the quick brown fox", 9) == ["the quick", "brown fox"]
    assert wrap("one\n\ntwo", 9) == ["one", "", "two"]
    assert wrap("abcdefghij k", 4) == ["abcd", "efgh", "ij k"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "now"),
        (0.4, "now"),
        (1, "1s"),
        (59.9, "59s"),
        (60, "1m"),
        (3599, "59m"),
        (3600, "1h"),
        (86_400, "1d"),
        (7 * 86_400, "1w"),
    ],
)
def test_ages_are_short(seconds: float, words: str) -> None:
    """Four characters at most."""
    assert ago(seconds) == words


@given(st.floats(-1e6, 1e12))
def test_no_age_is_longer_than_its_column(seconds: float) -> None:
    """Whatever the clocks say."""
    assert len(ago(seconds)) <= 4


def test_spans_sizes_and_moments() -> None:
    """In units that a person would use."""
    assert [span(n) for n in (0, 35_000, 1_240_000, 42_000_000, 187_000_000, 7_500_000_000)] == [
        "0 ms",
        "35 ms",
        "1.2 s",
        "42 s",
        "3m 07s",
        "2h 05m",
    ]
    assert [running_for(n) for n in (0, 999_999, 1_999_999, 61_000_000)] == ["0 s", "0 s", "1 s", "1m 01s"]
    assert [size(n) for n in (0, 999, 1_000, 10_000_000, 9_960_000)] == ["0 B", "999 B", "1.0 kB", "10 MB", "10 MB"]
    assert exact(0) == "–"
    assert exact(1_795_229_000_000_000) == "2026-11-21 02:43:20"
    assert thousands(1_204_000) == "1,204,000"
