"""A log on standard output: its last lines, those that filters leave, and what comes."""

import sys
import time
from collections.abc import Iterable, Iterator, Sequence

from stigmer_tui.logs.fields import in_columns
from stigmer_tui.logs.index import LineIndex
from stigmer_tui.logs.patterns import Filter
from stigmer_tui.logs.scan import Scan
from stigmer_tui.logs.sources import Source
from stigmer_tui.logs.store import Change

POLL_SECONDS = 0.03
PIECE = 1 << 18
LONGEST_SHOWN = 1 << 20
"""Bytes of a filtered line that are printed."""


def pieces(source: Source, *, last: int | None, follow: bool) -> Iterator[bytes]:
    """The last so many lines, all where that is None, then what comes."""
    wait_for_spool(source, follow=follow or last is None)
    position = 0 if last is None else _start_of_last(source, last)
    while True:
        while data := source.store.read_at(position, PIECE):
            yield data
            position += len(data)
        if not _more(source, follow):
            return
        if source.store.refresh() is Change.CUT:
            position = 0


def filtered(
    source: Source, filters: Sequence[Filter], context: int, *, last: int | None, follow: bool
) -> Iterator[bytes]:
    """The lines that the filters leave: the last so many, all where that is None, then what comes. Raises `TimeoutError` where an expression takes too long."""
    scan = Scan(source.store, filters, context)
    shown = 0
    try:
        while True:
            scan.step(POLL_SECONDS)
            if scan.problem:
                raise TimeoutError(scan.problem)
            if last is not None and scan.through and not _spooling(source):
                shown, last = max(shown, len(scan.rows) - last), None
            if last is None:
                while shown < len(scan.rows):
                    yield line_at(source, scan.rows[shown])
                    shown += 1
            if scan.through and not _more(source, follow):
                return
            if source.store.refresh() is Change.CUT:
                scan.close()
                scan, shown = Scan(source.store, filters, context), 0
    finally:
        scan.close()


def counted(source: Source, filters: Sequence[Filter]) -> list[int]:
    """How many lines each filter leaves of what those before it left. Raises `TimeoutError` where an expression takes too long."""
    wait_for_spool(source, follow=False)
    scan = Scan(source.store, filters)
    try:
        while not scan.through:
            scan.step(1.0)
        if scan.problem:
            raise TimeoutError(scan.problem)
        return scan.counts
    finally:
        scan.close()


def chosen(data: Iterable[bytes], fields: Sequence[str]) -> Iterator[bytes]:
    """Of lines in pieces of any size these fields alone, a piece for each; all of them as they are where none are named."""
    if not fields:
        yield from data
        return
    rest = b""
    for piece in data:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield in_columns(line + b"\n", fields)
        if len(rest) > LONGEST_SHOWN:
            yield rest
            rest = b""
    if rest:
        yield in_columns(rest, fields)


def line_at(source: Source, offset: int) -> bytes:
    """The line that begins there, with a line break."""
    line = b""
    while len(line) < LONGEST_SHOWN:
        data = source.store.read_at(offset + len(line), 4096 if not line else PIECE)
        end = data.find(b"\n")
        line += data[: end + 1] if end >= 0 else data
        if end >= 0 or not data:
            break
    return line if line.endswith(b"\n") else line + b"\n"


def wait_for_spool(source: Source, *, follow: bool) -> None:
    """Wait until what is no plain file was read to its end; not where what comes is shown as it comes."""
    while _spooling(source) and not follow:
        time.sleep(POLL_SECONDS)
    source.store.refresh()


def _spooling(source: Source) -> bool:
    return source.spooled is not None and not source.spooled.done


def _more(source: Source, follow: bool) -> bool:
    """Whether more may come; waits a moment for it."""
    sys.stdout.flush()
    spooling = _spooling(source)
    if not follow and not spooling:
        return source.spooled is not None and source.store.refresh() is Change.GREW
    time.sleep(POLL_SECONDS)
    return True


def _start_of_last(source: Source, count: int) -> int:
    index = LineIndex(source.store)
    if not index.complete and count < 10_000:
        start = index.start(len(index) - count)
        if start is not None:
            return start
    while not index.advance(1 << 24):
        pass
    return index.start(max(0, len(index) - count)) or 0 if count else source.store.size
