"""After the same bytes of real programs the emulator shows what tmux shows: text and attributes."""

import random
import tempfile
from pathlib import Path

import pytest

from stigmer_tui.emulator import Emulator
from tests.emulator.tmux import Cell, judge, padded, picture, same
from tests.support.require import require_tool
from tests.support.scale import scaled

RECORDINGS = sorted((Path(__file__).parent / "recordings").iterdir())


def cells_shown(emulator: Emulator) -> list[list[Cell]]:
    """The emulator's screen as the judge gives its own."""
    return [
        padded(
            [(character, pen) for cell, pen in zip(row.chars, row.pens, strict=True) for character in cell],
            emulator.columns,
        )
        for row in emulator.grid.lines
    ]


def moments(data: bytes, count: int) -> list[bytes]:
    """Beginnings of a recording, cut where a sequence or a character may be cut too, and all of it."""
    return [data[: len(data) * part // count] for part in range(1, count + 1)]


@pytest.mark.parametrize("size", [(80, 24), (100, 30)], ids=["80x24", "100x30"])
def test_the_screen_is_that_of_tmux(size: tuple[int, int]) -> None:
    """At several moments of each program."""
    require_tool("tmux")
    assert len(RECORDINGS) >= 12
    wrong: list[str] = []
    with judge(*size) as tmux, tempfile.TemporaryDirectory(prefix="stg-", dir="/tmp") as directory:
        for recording in RECORDINGS:
            windows: list[tuple[bytes, str]] = []
            for number, data in enumerate(moments(recording.read_bytes(), scaled(4, 24))):
                path = Path(directory) / f"{number}"
                path.write_bytes(data)
                windows.append((data, tmux.begin(path)))
            for number, (data, window) in enumerate(windows):
                emulator = Emulator(*size)
                emulator.feed(data)
                theirs, ours = tmux.screen(window), cells_shown(emulator)
                wrong += [
                    f"{recording.name} {number} row {y}\n\n  tmux {picture(their)}\n  ours {picture(our)}"
                    for y, (their, our) in enumerate(zip(theirs, ours, strict=True))
                    if not same(their, our)
                ]
    assert not wrong, "\n".join(wrong[:10])


def test_chunks_make_no_difference() -> None:
    """Cut at every byte, or anywhere, the screen is the same."""
    chance = random.Random(1)
    for recording in RECORDINGS:
        data = recording.read_bytes()
        whole = Emulator(80, 24)
        whole.feed(data)
        for longest in (1, *(chance.choice((3, 17, 200, 3000)) for _ in range(scaled(2, 10)))):
            chopped = Emulator(80, 24)
            position = 0
            while position < len(data):
                count = chance.randint(1, longest)
                chopped.feed(data[position : position + count])
                position += count
            assert cells_shown(chopped) == cells_shown(whole), (recording.name, longest)
            assert chopped.cursor == whole.cursor
            assert chopped.modes == whole.modes
