"""What is read from the terminal: a paste is text, whatever is in it and however it is cut in pieces."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import constants, events

from stigmer_tui.actions.registry import ACTIONS
from stigmer_tui.frame.terminal import mouse_is_safe
from stigmer_tui.terminal.escape_keys import ESCAPE, EscapeParser, WordKey
from tests.tui.hostile_corpus import EVERYTHING

BEGINS, ENDS = "\x1b[200~", "\x1b[201~"
PASTED = "".join(EVERYTHING).replace(ENDS, "").replace("\0", "")


def read(*pieces: str) -> list[tuple[str, str]]:
    """Kinds of events and their texts; a slow machine is no pause between pieces."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(constants, "ESCAPE_DELAY", 60.0)
        parser = EscapeParser()
        found = [event for piece in pieces for event in parser.feed(piece)]
    return [
        ("paste", event.text) if isinstance(event, events.Paste) else ("key", event.key)
        for event in found
        if isinstance(event, events.Paste | events.Key)
    ]


@pytest.mark.parametrize("apart", [False, True])
def test_what_is_pasted_does_nothing(apart: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole corpus at once: one paste, no key; keys before and behind it are keys."""
    monkeypatch.setattr(EscapeParser, "apart", apart)
    assert read(f"a{BEGINS}{PASTED}{ENDS}b") == [("key", "a"), ("paste", PASTED), ("key", "b")]
    assert read(f"{BEGINS}one{ENDS}{BEGINS}two{ENDS}") == [("paste", "one"), ("paste", "two")]


def test_alt_with_a_key() -> None:
    """As most terminals send it, an escape before the key: it is read as the key that the app means by it, and writes nothing."""
    sent = {"full_stop": ".", "comma": ",", "enter": "\r"}
    keys = {key for action in ACTIONS for key in action.keys if key.startswith("alt+")}
    letters = {key: sent.get(key[4:], key[4:]) for key in keys}
    one = {key: letter for key, letter in letters.items() if len(letter) == 1}
    assert {"alt+1", "alt+full_stop", "alt+enter", "alt+l"} <= set(one)
    for key, letter in one.items():
        found = read(ESCAPE + letter, "")
        assert found == [("key", "ctrl+left" if letter == "b" else key)]
    assert [WordKey("b").meant(writing).key for writing in (True, False)] == ["ctrl+left", "alt+b"]
    assert read("\x1b[1;3D") == [("key", "alt+left")]


def test_no_mouse_within_screen() -> None:
    """GNU screen keeps a lone escape while a program has the mouse."""
    assert mouse_is_safe({"TERM": "xterm", "TMUX": "x"})
    assert not mouse_is_safe({"TERM": "tmux", "TMUX": "x", "STY": "1.pts"})


@given(st.lists(st.integers(0, 60), max_size=12))
def test_however_it_is_cut(cuts: list[int]) -> None:
    """Reads end anywhere, in the middle of a mark too; other sequences go on."""
    data = f"a{BEGINS}x\x1bx\x1b[20\x1b[A{ENDS}b\x1b[20~\x1b[A"
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[begin:end] for begin, end in pairwise(places) if end > begin]
    assert read(*pieces) == [("key", "a"), ("paste", "x\x1bx\x1b[20\x1b[A"), ("key", "b"), ("key", "f9"), ("key", "up")]
