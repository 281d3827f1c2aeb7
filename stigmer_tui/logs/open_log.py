"""A log that somebody looks at: a thread counts its lines, looks for what is wanted, and sees what comes."""

import threading
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from stigmer_tui.logs.index import LineIndex
from stigmer_tui.logs.patterns import Filter
from stigmer_tui.logs.scan import Scan
from stigmer_tui.logs.sources import Source
from stigmer_tui.logs.store import Change

POLL_SECONDS = 0.03
STEP_SECONDS = 0.03
COUNT_BYTES = 1 << 23
"""Bytes whose lines are counted between two looks at everything else."""
LONGEST_SHOWN = 1 << 16
"""Bytes of a line that are drawn and copied."""


class OpenLog:
    """Rows of a source: all its lines, or those that filters leave. Asked on the screen's thread; `changed` is called on the other one."""

    def __init__(self, source: Source, changed: Callable[[], None]) -> None:
        self.source = source
        self.index = LineIndex(source.store)
        self.filters: tuple[Filter, ...] = ()
        self.context = 0
        self.scan: Scan | None = None
        """Looks for what is shown; None while everything is."""
        self.search: Scan | None = None
        """Looks for what is searched."""
        self.problem = ""
        """Why it cannot be read on, in words."""
        self._wanted: Filter | None = None
        self._changed = changed
        self._dropped: list[Scan] = []
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._woken = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stigmer-log", daemon=True)

    def start(self) -> None:
        """Begin to count and to look."""
        self._thread.start()

    def close(self) -> None:
        """Give everything back."""
        self._stop.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join()
        for scan in (*self._dropped, self.scan, self.search):
            if scan is not None:
                scan.close()
        self.source.close()

    # Rows.

    @property
    def row_count(self) -> int:
        """Rows; a guess until all lines were counted."""
        return len(self.index) if self.scan is None else len(self.scan.rows)

    def offset(self, row: int) -> int | None:
        """Where a row begins; None where that is not known yet."""
        if self.scan is None:
            return self.index.start(row)
        return self.scan.rows[row] if 0 <= row < len(self.scan.rows) else None

    def row_near(self, offset: int) -> int | None:
        """The row at this place, or the next one that is shown; None where that is not known yet."""
        if self.scan is None:
            return self.index.row_at(min(offset, max(0, self.source.store.size - 1)))
        return min(bisect_left(self.scan.rows, offset), max(0, len(self.scan.rows) - 1))

    def line(self, row: int, limit: int = LONGEST_SHOWN) -> bytes | None:
        """A row without its line end, `limit` bytes of it at most; None where it is not known yet."""
        offset = self.offset(row)
        if offset is None:
            return None
        data = b""
        while len(data) < limit:
            piece = self.source.store.read_at(offset + len(data), min(limit - len(data), 1024 if not data else limit))
            end = piece.find(b"\n")
            data += piece if end < 0 else piece[:end]
            if end >= 0 or not piece:
                break
        return data.removesuffix(b"\r")

    def is_neighbour(self, row: int) -> bool:
        """Whether a row is there only because of the one beside it."""
        return self.scan is not None and row < len(self.scan.neighbours) and bool(self.scan.neighbours[row])

    def lines(self, first: int = 0) -> Iterator[bytes]:
        """All rows from one on, with line ends, in pieces; for a file or a pager, on any thread."""
        if self.scan is None:
            position, end = self.offset(first) or 0, self.source.store.size
            while position < end and (data := self.source.store.read_at(position, min(1 << 18, end - position))):
                yield data
                position += len(data)
            return
        for row in range(first, len(self.scan.rows)):
            yield (self.line(row) or b"") + b"\n"

    def save(self, path: Path) -> int:
        """Write what is shown to a new file; how many bytes. A file that is there stays as it is: raises OSError."""
        with path.open("xb") as file:
            return sum(file.write(piece) for piece in self.lines())

    # What is wanted.

    def show_only(self, filters: Sequence[Filter], context: int) -> None:
        """Show other lines."""
        with self._lock:
            self.filters, self.context = tuple(filters), context
            self._drop(self.scan)
            self.scan = Scan(self.source.store, self.filters, context) if filters else None
        self._woken.set()

    def look_for(self, wanted: Filter | None) -> None:
        """Search for something else."""
        with self._lock:
            self._wanted = wanted
            self._drop(self.search)
            self.search = Scan(self.source.store, [wanted]) if wanted is not None else None
        self._woken.set()

    def _drop(self, scan: Scan | None) -> None:
        if scan is not None:
            self._dropped.append(scan)

    # The thread.

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                busy = self._look()
            except OSError as error:
                self.problem = f"cannot be read on: {error.strerror or error}"
                self._changed()
                return
            if not busy:
                self._woken.wait(POLL_SECONDS)
                self._woken.clear()

    def _look(self) -> bool:
        """Whether there is more to do at once."""
        change = self.source.store.refresh()
        if change is Change.CUT:
            self._begin_anew()
        with self._lock:
            scans = [scan for scan in (self.scan, self.search) if scan is not None]
            dropped, self._dropped = self._dropped, []
        for scan in dropped:
            scan.close()
        counting = self.index.counted < self.source.store.size
        if counting:
            self.index.advance(COUNT_BYTES)
        elif not self.index.complete:
            self.index.advance(1)
        moved = [scan.step(STEP_SECONDS) for scan in scans if not scan.through]
        if counting or change is not Change.NOTHING or any(moved):
            self._changed()
        return self.index.counted < self.source.store.size or any(moved)

    def _begin_anew(self) -> None:
        with self._lock:
            self.index = LineIndex(self.source.store)
            self._drop(self.scan)
            self._drop(self.search)
            self.scan = Scan(self.source.store, self.filters, self.context) if self.filters else None
            self.search = Scan(self.source.store, [self._wanted]) if self._wanted is not None else None
