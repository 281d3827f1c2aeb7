"""Output of any size: the bytes in a file without a name, the beginnings of the rows in an array, eight bytes a row."""

import os
import tempfile
from array import array
from bisect import bisect_right
from pathlib import Path


class Spool:
    """Rows of bytes, appended at the end, read anywhere. The file is gone with the process.

    Writing belongs to one thread; reading may happen on others meanwhile: what a reader sees is whole, and at worst a moment old.
    """

    def __init__(self, directory: Path) -> None:
        """Make the file in `directory`, or in the system's temporary directory where that cannot be. Raises OSError where neither can."""
        try:
            self._fd, path = tempfile.mkstemp(dir=directory, prefix="output-")
        except OSError:
            self._fd, path = tempfile.mkstemp(prefix="stigmer-output-")
        os.unlink(path)
        self._starts = array("Q")
        self._size = 0
        self._open = False
        self._closed = False

    def close(self) -> None:
        """Give the file back."""
        self._closed = True
        os.close(self._fd)

    def __len__(self) -> int:
        """Rows, the unfinished last one included."""
        return len(self._starts)

    @property
    def size(self) -> int:
        """Bytes in all."""
        return self._size

    @property
    def last_row_open(self) -> bool:
        """Whether more bytes would still belong to the last row."""
        return self._open

    def append(self, data: bytes) -> None:
        """Add bytes. Raises OSError where the disk is full: then nothing was added."""
        if not data:
            return
        self._write(data)
        starts = self._starts
        base = self._size
        if not self._open:
            starts.append(base)
        position = data.find(b"\n") + 1
        while position:
            starts.append(base + position)
            position = data.find(b"\n", position) + 1
        self._open = not data.endswith(b"\n")
        self._size = base + len(data)
        if not self._open:
            starts.pop()

    def add_empty_row(self) -> int:
        """Add a row without bytes, for a note of the screen's own; return its number. An unfinished row before it is finished."""
        self._open = False
        self._starts.append(self._size)
        return len(self._starts) - 1

    def length(self, row: int) -> int:
        """Bytes of a row, its line end included."""
        return self._end(row) - self._starts[row]

    def start(self, row: int) -> int:
        """Place of a row's first byte."""
        return self._starts[row]

    def row_at(self, offset: int) -> int:
        """The row that the byte at `offset` belongs to."""
        return bisect_right(self._starts, offset) - 1

    def read(self, row: int, limit: int) -> bytes:
        """At most `limit` first bytes of a row, without its line end."""
        data = self.read_at(self._starts[row], min(limit, self.length(row)))
        return data.removesuffix(b"\n").removesuffix(b"\r")

    def read_end(self, row: int, limit: int) -> bytes:
        """At most `limit` last bytes of a row, without its line end."""
        end = self._end(row)
        start = max(self._starts[row], end - limit)
        return self.read_at(start, end - start).removesuffix(b"\n").removesuffix(b"\r")

    def read_at(self, offset: int, count: int) -> bytes:
        """`count` bytes from `offset`, fewer at the end; none where the file was given back."""
        return os.pread(self._fd, count, offset) if count > 0 and not self._closed else b""

    def _end(self, row: int) -> int:
        return self._starts[row + 1] if row + 1 < len(self._starts) else self._size

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        offset = self._size
        while view:
            written = os.pwrite(self._fd, view, offset)
            view = view[written:]
            offset += written
