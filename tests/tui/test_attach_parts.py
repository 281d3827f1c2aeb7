"""What attaching is made of: the chord, the modes that a program switched, the replay."""

import pyte
import pytest

from stigmer_tui.terminal.chord import Chord
from stigmer_tui.terminal.modes import TerminalModes
from stigmer_tui.terminal.replay import REPLAYED, Replay


@pytest.mark.parametrize(
    ("keys", "sent", "left"),
    [
        ([b"ls\r"], b"ls\r", False),
        ([b"\x1dd"], b"", True),
        ([b"\x1d", b"d"], b"", True),
        ([b"ab\x1ddrest"], b"ab", True),
        ([b"\x1d\x1d"], b"\x1d", False),
        ([b"\x1d\x1dd"], b"\x1dd", False),
        ([b"\x1d\x1d\x1dd"], b"\x1d", True),
        ([b"\x1dx"], b"\x1dx", False),
        ([b"\x1d", b"x"], b"\x1dx", False),
        ([b"d"], b"d", False),
        ([b"\x1b[93;5u", b"d"], b"", True),
        ([b"\x1b[93;5u\x1b[93;5:3u\x1b[100;1u"], b"", True),
        ([b"\x1b[27;5;93~d"], b"", True),
        ([b"\x1b[93;5u\x1b[93;5u"], b"\x1b[93;5u", False),
        ([b"\x00\xff\x1b[A"], b"\x00\xff\x1b[A", False),
    ],
)
def test_only_the_chord_leaves(keys: list[bytes], sent: bytes, left: bool) -> None:
    """Every other byte is the program's, in whatever pieces it comes; also under newer keyboard protocols."""
    chord = Chord()
    assert b"".join(chord.feed(data) for data in keys) == sent
    assert chord.left is left


def test_what_was_switched_on_is_switched_off() -> None:
    """Whatever the program left behind; the alternate screen is only left where it was entered."""
    modes = TerminalModes()
    for data in (b"\x1b[?1049h\x1b[?1h\x1b=\x1b[?25", b"l\x1b[?1000;1006h", b"\x1b[>1u"):
        modes.feed(data)
    assert modes.alternate_screen
    undo = modes.undo()
    for sequence in (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l", b"\x1b[?1006l", b"\x1b[?1l", b"\x1b>", b"\x1b[<u"):
        assert sequence in undo
    assert undo.endswith(b"\x1b[?1049l")
    plain = TerminalModes()
    plain.feed(b"text \x1b[?1049h\x1b[?1049l")
    assert b"1049" not in plain.undo()


def test_a_replay_begins_in_the_modes_that_were_on() -> None:
    """Where the beginning was cut, what it switched on is switched on."""
    replay = Replay(limit=1000)
    replay.add(b"\x1b[?1049h\x1b[?25l\x1b[?2004h")
    for number in range(200):
        replay.add(b"line %03d \r\n" % number)
    screen = replay.screen()
    assert screen.startswith(b"\x1b[?1049h")
    assert b"\x1b[?25l" in screen
    assert screen.endswith(b"line 199 \r\n")
    assert len(screen) < 1100
    assert screen.count(b"line ") == screen.count(b"\r\n")


def test_a_replay_is_bounded() -> None:
    """However much was printed, in however large pieces."""
    replay = Replay()
    for _ in range(40):
        replay.add(b"x" * 99 + b"\n" + b"y" * 99_899 + b"\n")
    assert len(replay.screen()) <= REPLAYED
    short = Replay()
    short.add(b"all of it\r\n")
    assert short.screen() == b"all of it\r\n"


@pytest.mark.parametrize(
    "question",
    [b"\x1b[c", b"\x1b[>c", b"\x1b[0c", b"\x1b[6n", b"\x1b[?6n", b"\x1b[?2026$p", b"\x1b[>q", b"\x1b[?u", b"\x1b[18t", b"\x1b[21t",
     b"\x1b]11;?\x07", b"\x1b]10;?\x1b\\", b"\x1b]4;1;?\x07", b"\x1b]52;c;?\x07", b"\x1b]52;c;b3duZWQ=\x07", b"\x1bP+q544e\x1b\\", b"\x05", b"\x07"],
)  # fmt: skip
def test_a_replay_asks_the_terminal_nothing(question: bytes) -> None:
    """An answer would be typed into the program."""
    replay = Replay()
    replay.add(b"before" + question + b"after")
    assert replay.screen() == b"beforeafter"


def test_a_replay_draws_what_the_program_drew() -> None:
    """Read by a terminal emulator."""
    screen = pyte.Screen(40, 5)
    replay = Replay()
    replay.add(b"\x1b[2J\x1b[3;5Hhere\x1b[6n\x1b[1;1Hthere \x1b[31mred\x1b[0m")
    pyte.ByteStream(screen).feed(replay.screen())
    assert [row.rstrip() for row in screen.display[:3]] == ["there red", "", "    here"]
