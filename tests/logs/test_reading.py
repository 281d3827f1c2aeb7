"""Lines of a log, wherever they are: counted, found by time, in a file that grows, is rotated or cut."""

import gzip
import os
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stigmer_apis.errors import InvalidArgument, NotFound
from stigmer_apis.home import Home
from stigmer_tui.logs.index import BLOCK, LineIndex
from stigmer_tui.logs.levels import Level, level_of
from stigmer_tui.logs.printing import pieces
from stigmer_tui.logs.sources import open_sources
from stigmer_tui.logs.store import Change, LogStore
from stigmer_tui.logs.times import moment_of, offset_of_time, time_of

START = 1_795_000_000


def stamped(number: int, words: str = "went on") -> bytes:
    """A line a second."""
    moment = datetime.fromtimestamp(START + number, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.250Z INFO app: {number} {words}\n".encode()


def lines_of(index: LineIndex, store: LogStore) -> list[bytes]:
    """All lines by the index."""
    return [store.read_at(index.start(row) or 0, index.end(row) - (index.start(row) or 0)) for row in range(len(index))]


@pytest.mark.parametrize("seed", range(6))
def test_lines_are_those_of_the_file(tmp_path: Path, seed: int) -> None:
    """Empty ones, long ones, ones over the edges of blocks, with an end or without; found by row and by byte."""
    random.seed(seed)
    lines = [b"x" * random.choice([0, 1, 80, 200, BLOCK - 1, BLOCK, 2 * BLOCK + 3]) + b"\n" for _ in range(60)]
    lines += [b"y" * random.randrange(300) + b"\n" for _ in range(3000)]
    random.shuffle(lines)
    if seed % 2:
        lines.append(b"without an end")
    path = tmp_path / "log"
    path.write_bytes(b"".join(lines))
    store = LogStore(path)
    index = LineIndex(store)
    while not index.advance(random.randrange(1, 300_000)):
        pass
    assert lines_of(index, store) == lines
    offset = 0
    for row, line in enumerate(lines):
        assert index.row_at(offset) == row
        assert index.row_at(offset + len(line) - 1) == row
        offset += len(line)
    store.close()


def test_both_ends_are_known_before_all_is_counted(tmp_path: Path) -> None:
    """The end is numbered by a guess, and rightly once all is counted."""
    path = tmp_path / "log"
    path.write_bytes(b"".join(stamped(number) for number in range(200_000)))
    store = LogStore(path)
    index = LineIndex(store)
    assert not index.complete
    guessed = len(index)
    assert line_at_row(index, store, 0) == stamped(0)
    assert line_at_row(index, store, guessed - 1) == stamped(199_999)
    assert line_at_row(index, store, guessed - 500) == stamped(199_500)
    assert index.start(guessed // 2) is None
    while not index.advance(1 << 20):
        pass
    shift = len(index) - guessed
    assert line_at_row(index, store, guessed - 500 + shift) == stamped(199_500)
    assert line_at_row(index, store, 123_456) == stamped(123_456)
    store.close()


def line_at_row(index: LineIndex, store: LogStore, row: int) -> bytes:
    """A line."""
    start = index.start(row)
    assert start is not None
    return store.read_at(start, index.end(row) - start)


def test_a_file_that_grows_is_rotated_and_is_cut(tmp_path: Path) -> None:
    """What was rotated away stays; behind a line without an end the new file begins a line. What was cut is read anew."""
    path = tmp_path / "log"
    path.write_bytes(b"one\n")
    store = LogStore(path)
    assert store.refresh() is Change.NOTHING
    with path.open("ab") as log:
        log.write(b"two")
    assert store.refresh() is Change.GREW
    path.rename(tmp_path / "log.1")
    assert store.refresh() is Change.NOTHING
    path.write_bytes(b"three\n")
    assert store.refresh() is Change.ROTATED
    index = LineIndex(store)
    assert lines_of(index, store) == [b"one\n", b"two\n", b"three\n"]
    generation = store.generation
    os.truncate(path, 0)
    assert store.refresh() is Change.CUT
    path.write_bytes(b"four\n")
    store.refresh()
    assert store.generation > generation
    assert store.read_at(0, 100) == b"four\n"
    store.close()


def test_a_moment_is_found_without_reading_all(tmp_path: Path) -> None:
    """Lines without a time belong to the one before."""
    path = tmp_path / "log"
    path.write_bytes(b"".join(stamped(n) + (b"  a traceback\n" * 3 if n % 5 == 0 else b"") for n in range(5000)))
    store = LogStore(path)
    for wanted in (0, 1, 5, 777, 4999):
        place = offset_of_time(store, START + wanted)
        assert store.read_at(place, len(stamped(wanted))) == stamped(wanted)
    assert offset_of_time(store, START + 99_999) == store.size
    store.close()


@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        (b"2026-11-21T10:00:00Z x", 1795255200.0),
        (b"2026-11-21 10:00:00,500 +0200 x", 1795248000.5),
        (b'{"ts": 1795255200.25, "m": "x"}', 1795255200.25),
        (b'{"time":1795255200250}', 1795255200.25),
        (b"[2026-11-21T10:00:00.123456789Z] x", 1795255200.123456),
        (b"2026-99-21T10:00:00Z", None),
        (b"nothing of the kind 12345", None),
    ],
)
def test_times_of_lines(line: bytes, seconds: float | None) -> None:
    """In the forms that logs have."""
    assert time_of(line) == seconds


def test_times_of_people() -> None:
    """Ages, clocks, dates."""
    assert moment_of("10m", 1000.0) == 400.0
    assert moment_of("2026-11-21T10:00:00Z", 0) == 1795255200.0
    assert moment_of("25:99", 0) is None
    assert moment_of("soon", 0) is None


@pytest.mark.parametrize(
    ("line", "level"),
    [
        (b"10:00 ERROR x", Level.ERROR),
        (b'{"level":"warn"}', Level.WARNING),
        (b"level=info x", Level.INFO),
        (b"[DEBUG] x", Level.DEBUG),
        (b"error: no such file", Level.ERROR),
        (b"terrors of the deep", Level.NONE),
        (b"", Level.NONE),
    ],
)
def test_levels(line: bytes, level: Level) -> None:
    """By the word that a line says it with."""
    assert level_of(line) is level


def test_compressed_and_merged(tmp_path: Path) -> None:
    """Several files stand in the order of their times, lines without one behind theirs."""
    with gzip.open(tmp_path / "old.log.gz", "wb") as old:
        old.write(stamped(0) + stamped(4) + b"  trace\n")
    (tmp_path / "new.log").write_bytes(stamped(2) + stamped(6, "no end")[:-1])
    os.utime(tmp_path / "new.log", (1, 1))
    home = Home(root=tmp_path, run=tmp_path)
    merged = open_sources([str(tmp_path / "old.log.gz"), str(tmp_path / "new.log")], home, follow=False)
    shown = b"".join(pieces(merged, last=None, follow=False)).decode().splitlines()
    merged.close()
    assert [line.split(" │ ")[1].partition("app: ")[2] or line.split(" │ ")[1] for line in shown] == [
        "0 went on", "2 went on", "4 went on", "  trace", "6 no end"
    ]  # fmt: skip
    assert [line[:3] for line in shown] == ["old", "new", "old", "old", "new"]
    alone = open_sources([str(tmp_path / "old.log.gz")], home)
    assert b"".join(pieces(alone, last=1, follow=False)) == b"  trace\n"
    alone.close()
    assert not alone.spooled or not alone.spooled.path.exists()


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    """With what to do."""
    home = Home(root=tmp_path, run=tmp_path)
    for name, words in (("server", "no log yet"), (str(tmp_path / "x"), "no file"), (str(tmp_path), "directory")):
        with pytest.raises((NotFound, InvalidArgument), match=words):
            open_sources([name], home)
