"""The emulator by itself: nothing that a program prints breaks it or makes it grow, a keyframe is the whole of it, and programs get their answers."""

import random
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stigmer_tui.emulator import Emulator, MouseReports
from tests.emulator.test_like_tmux import RECORDINGS, cells_shown
from tests.support.scale import scaled


def _sequence(private: str, numbers: list[int], final: str) -> bytes:
    return f"\x1b[{private}{';'.join(map(str, numbers))}{final}".encode()


_PIECES = st.one_of(
    st.binary(max_size=40),
    st.text(max_size=20).map(str.encode),
    st.builds(
        _sequence,
        st.sampled_from(["", "?", ">", "=", "<", "!"]),
        st.lists(st.sampled_from([0, 1, 2, 4, 5, 6, 7, 20, 25, 38, 48, 80, 1000, 1049, 2004, 65535, 10**9, 10**30]), max_size=6),
        st.sampled_from("@ABCDEFGHIJKLMPSTXZ`abcdefghlmnqrstu"),
    ),
    st.sampled_from([b"\x1b]0;title", b"\x1bP", b"\x1b\\", b"\x07", b"\x1b(0", b"\x1b(B", b"\x0e", b"\x0f", b"\x1b7", b"\x1b8", b"\x1bM", b"\x1bD", b"\x1bc", b"\r\n", b"\t", "日本é\u0301".encode(), b"\xe6\x97", b"\x1b#8", b"\x1b[4h", b"\x1b[?1049h", b"\x1b[3;5r", b"\n" * 100]),
)  # fmt: skip


def well_formed(emulator: Emulator) -> None:
    """Everything is within its bounds."""
    grid = emulator.grid
    for lines in [grid.lines, *([grid.main] if grid.main else [])]:
        assert len(lines) == grid.rows
        for row in lines:
            assert len(row.chars) == len(row.pens) == grid.columns
            assert not any(
                "\x00" <= character < " " or "\x7f" <= character < "\xa0" for cell in row.chars for character in cell
            )
    assert 0 <= grid.x <= grid.columns
    assert 0 <= grid.y < grid.rows
    assert 0 <= grid.top <= grid.bottom < grid.rows
    assert emulator.take_dirty() <= set(range(grid.rows))


@settings(max_examples=scaled(150, 5000), deadline=None)
@given(st.lists(_PIECES, max_size=30), st.integers(1, 12), st.integers(1, 6), st.integers(0, 1000))
def test_anything_can_be_fed(pieces: list[bytes], columns: int, rows: int, chance: int) -> None:
    """Garbage, huge numbers, tiny screens, resizing, keyframes in between; in one piece or in many the screen is the same."""
    emulator, whole = Emulator(columns, rows), Emulator(columns, rows)
    for number, piece in enumerate(pieces):
        emulator.feed(piece)
        well_formed(emulator)
        if number % 7 == chance % 7:
            emulator = Emulator.restore(emulator.snapshot())
    whole.feed(b"".join(pieces))
    assert cells_shown(whole) == cells_shown(emulator)
    assert (whole.cursor, whole.modes) == (emulator.cursor, emulator.modes)
    emulator.resize(chance % 20 + 1, chance % 9 + 1)
    well_formed(emulator)
    emulator.feed(b"".join(pieces))
    well_formed(emulator)


def test_a_keyframe_is_the_whole_of_it() -> None:
    """At any byte of a recording: what goes on from it ends as what was never interrupted; and it is small."""
    chance = random.Random(2)
    for recording in RECORDINGS:
        data = recording.read_bytes()
        whole = Emulator(80, 24)
        whole.feed(data)
        for _ in range(scaled(3, 30)):
            cut = chance.randrange(len(data))
            first = Emulator(80, 24)
            first.feed(data[:cut])
            snapshot = first.snapshot()
            assert len(snapshot) < 8192
            second = Emulator.restore(snapshot)
            second.feed(data[cut:])
            assert cells_shown(second) == cells_shown(whole), (recording.name, cut)
            assert (second.cursor, second.modes) == (whole.cursor, whole.modes)


def test_what_scrolled_away_is_not_drawn_and_makes_no_difference() -> None:
    """A flood in one piece ends as the same flood byte by byte, colours and all, from wherever the cursor was."""
    chance = random.Random(3)
    words = [
        b"plain",
        b"\x1b[31m",
        b"\x1b[0m",
        b"\x1b[48;5;20m",
        b"\t",
        "日本".encode(),
        b"\x1b[1m",
        b"a line that is longer than the screen",
        b"\x08",
    ]
    for moving in (b"", b"\x1b[2;4r", b"\x1b[?1049h", b"\x1b[4h", b"\x1b(0", b"\x1b[3;3H"):
        flood = moving + b"".join(chance.choice([*words, b"\r\n", b"\r\n"]) for _ in range(3000)) + b"\x1b[5;1Hhere"
        at_once, slowly = Emulator(20, 6), Emulator(20, 6)
        at_once.feed(b"begin\r\n")
        slowly.feed(b"begin\r\n")
        at_once.feed(flood)
        for place in range(0, len(flood), 7):
            slowly.feed(flood[place : place + 7])
        assert cells_shown(at_once) == cells_shown(slowly), moving
        assert at_once.grid.pen == slowly.grid.pen


@pytest.mark.parametrize("beginning", [b"\x1b]0;", b"\x1bP", b"\x1b[", b"\x1b_", b"e\xcc\x81", b"\x1b[38;2;1;2;"])
def test_what_never_ends_is_not_kept(beginning: bytes) -> None:
    """16 MB of a sequence without an end: memory stays, and the terminal works on."""
    emulator = Emulator(80, 24)
    emulator.feed(beginning)
    junk = (b"\xcc\x81" if beginning[0] == ord("e") else b"1") * (1 << 16)
    tracemalloc.start()
    try:
        for _ in range(scaled(32, 256)):
            emulator.feed(junk)
        assert tracemalloc.get_traced_memory()[0] < 2_000_000
    finally:
        tracemalloc.stop()
    emulator.feed(b"\x18\x1b\\\x07\x1bcstill here")
    assert emulator.text()[0] == "still here"


def test_programs_get_their_answers() -> None:
    """Where the cursor is, what this is, which modes are on; and no more than fits."""
    emulator = Emulator(80, 24)
    emulator.feed(b"\x1b[5;7H\x1b[6n\x1b[c\x1b[>c\x1b[5n\x1b[?2004h\x1b[?2004$p\x1b[?9999$p\x1b[18t")
    assert emulator.take_answers() == (
        b"\x1b[5;7R\x1b[?62;22c\x1b[>1;10;0c\x1b[0n\x1b[?2004;1$y\x1b[?9999;0$y\x1b[8;24;80t"
    )
    assert emulator.take_answers() == b""
    emulator.feed(b"\x1b[6n" * 100_000)
    assert len(emulator.take_answers()) < 5000


def test_modes_are_told() -> None:
    """Those that whoever sends keys must know."""
    emulator = Emulator(80, 24)
    emulator.feed(b"\x1b[?1049;1;2004;1004;1002;1006h\x1b[?25l\x1b=\x1b[5 q")
    modes = emulator.modes
    assert emulator.alternate
    assert all((modes.application_cursor, modes.application_keypad, modes.bracketed_paste, modes.focus_reports))
    assert (modes.mouse, modes.sgr_mouse, modes.cursor_visible) == (MouseReports.DRAGS, True, False)
    assert modes.cursor_shape == 5
    emulator.feed(b"\x1bc")
    assert emulator.modes == Emulator(80, 24).modes
    assert not emulator.alternate


def test_only_what_changed_is_told() -> None:
    """Lines that were drawn into, or all where the screen scrolled."""
    emulator = Emulator(80, 24)
    emulator.take_dirty()
    emulator.feed(b"\x1b[3;1Habc\x1b[7;1H\x1b[K")
    assert emulator.take_dirty() == {2, 6}
    emulator.feed(b"\x1b[24;1H\n")
    assert emulator.take_dirty() == set(range(24))
    assert emulator.take_dirty() == set()
