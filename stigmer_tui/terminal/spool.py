"""Output of any size: the bytes in a file without a name, and the place of one row in each 16 KiB; the rows between are counted out when they are looked at."""

import os
import re
import tempfile
import threading
from array import array
from bisect import bisect_right
from collections import OrderedDict
from pathlib import Path

BLOCK = 1 << 14
"""Bytes after which the place of the next row is kept: sixteen bytes for each block, a megabyte for a gigabyte."""
_KEPT = 16
_LINE_END = re.compile(b"\n")


class Spool:
    """Rows of bytes, appended at the end, read anywhere. The file is gone with the process.

    Writing belongs to one thread; reading may happen on others meanwhile: what a reader sees is whole, and at worst a moment old.
    """

    def __init__(self, directory: Path, *, block: int = BLOCK) -> None:
        """Make the file in `directory`, or in the system's temporary directory where that cannot be. Raises OSError where neither can.

        `block`: bytes after which the place of the next row is kept.
        """
        try:
            self._fd, path = tempfile.mkstemp(dir=directory, prefix="output-")
        except OSError:
            self._fd, path = tempfile.mkstemp(prefix="stigmer-output-")
        os.unlink(path)
        self._block = block
        self._lock = threading.Lock()
        self._mark_rows = array("Q")
        self._mark_starts = array("Q")
        self._blocks: OrderedDict[tuple[int, int], list[int]] = OrderedDict()
        self._rows = 0
        self._size = 0
        self._open = False
        self._break = True
        self._closed = False

    def close(self) -> None:
        """Give the file back."""
        self._closed = True
        os.close(self._fd)

    def __len__(self) -> int:
        """Rows, the unfinished last one included."""
        return self._rows

    @property
    def size(self) -> int:
        """Bytes in all."""
        return self._size

    @property
    def marks(self) -> int:
        """Rows whose place is kept in memory."""
        return len(self._mark_rows)

    @property
    def last_row_open(self) -> bool:
        """Whether more bytes would still belong to the last row."""
        return self._open

    def append(self, data: bytes) -> None:
        """Add bytes. Raises OSError where the disk is full: then nothing was added."""
        self._write(data)
        with self._lock:
            for start in range(0, len(data), self._block):
                self._count(data, start, min(len(data), start + self._block))

    def _count(self, data: bytes, start: int, end: int) -> None:
        """Count the rows of at most a block, and keep the place of the first that begins there where the last place that is kept is far."""
        first = start if not self._open else data.find(b"\n", start, end) + 1 or end
        if first < end:
            place = self._size + first - start
            if self._break or place - self._mark_starts[-1] >= self._block:
                self._mark(place)
        self._rows += data.count(b"\n", start, end) + (not self._open)
        self._open = data[end - 1] != ord("\n")
        self._rows -= not self._open
        self._size += end - start

    def _mark(self, place: int) -> None:
        self._mark_rows.append(self._rows)
        self._mark_starts.append(place)
        self._break = False

    def add_empty_row(self) -> int:
        """Add a row without bytes, for a note of the screen's own; return its number. An unfinished row before it is finished."""
        with self._lock:
            self._mark(self._size)
            self._rows += 1
            self._open, self._break = False, True
            return self._rows - 1

    def length(self, row: int) -> int:
        """Bytes of a row, its line end included."""
        return self._end(row) - self.start(row)

    def start(self, row: int) -> int:
        """Place of a row's first byte. Raises IndexError where there is no such row."""
        with self._lock:
            if not 0 <= row < self._rows:
                raise IndexError(row)
            mark = bisect_right(self._mark_rows, row) - 1
            places = self._places(mark)
            return places[min(row - self._mark_rows[mark], len(places) - 1)]

    def row_at(self, offset: int) -> int:
        """The row that the byte at `offset` belongs to."""
        with self._lock:
            mark = bisect_right(self._mark_starts, offset) - 1
            return self._mark_rows[mark] + bisect_right(self._places(mark), offset) - 1 if mark >= 0 else mark

    def _places(self, mark: int) -> list[int]:
        """Where the rows from a kept one to before the next one begin: never further behind it than two blocks."""
        start = self._mark_starts[mark]
        end = self._mark_starts[mark + 1] if mark + 1 < len(self._mark_starts) else self._size
        places = self._blocks.get((mark, end))
        if places is None:
            data = self.read_at(start, min(end - start, 2 * self._block))
            places = [start, *(start + found.end() for found in _LINE_END.finditer(data) if start + found.end() < end)]
            self._blocks[mark, end] = places
            while len(self._blocks) > _KEPT:
                self._blocks.popitem(last=False)
        return places

    def read(self, row: int, limit: int) -> bytes:
        """At most `limit` first bytes of a row, without its line end."""
        data = self.read_at(self.start(row), min(limit, self.length(row)))
        return data.removesuffix(b"\n").removesuffix(b"\r")

    def read_end(self, row: int, limit: int) -> bytes:
        """At most `limit` last bytes of a row, without its line end."""
        end = self._end(row)
        start = max(self.start(row), end - limit)
        return self.read_at(start, end - start).removesuffix(b"\n").removesuffix(b"\r")

    def read_at(self, offset: int, count: int) -> bytes:
        """`count` bytes from `offset`, fewer at the end; none where the file was given back."""
        return os.pread(self._fd, count, offset) if count > 0 and not self._closed else b""

    def _end(self, row: int) -> int:
        return self.start(row + 1) if row + 1 < self._rows else self._size

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        offset = self._size
        while view:
            written = os.pwrite(self._fd, view, offset)
            view = view[written:]
            offset += written
