"""Things of a few bytes to some hundred kilobytes, kept in a file without a name, at most so many bytes of them."""

import os
import tempfile
from array import array
from pathlib import Path

BUFFERED = 1 << 16


class Records:
    """Records in the order in which they came, each under its number from 0. The file is gone with the process."""

    def __init__(self, directory: Path, limit: int) -> None:
        """`limit`: bytes at most; what would be more is not kept. Raises OSError where no file can be made."""
        try:
            self._fd, path = tempfile.mkstemp(dir=directory, prefix="moments-")
        except OSError:
            self._fd, path = tempfile.mkstemp(prefix="stigmer-moments-")
        os.unlink(path)
        self._limit = limit
        self._ends = array("Q")
        self._written = 0
        self._waiting = bytearray()
        self._closed = False

    def __len__(self) -> int:
        return len(self._ends)

    def add(self, data: bytes) -> bool:
        """Keep a record; whether there was room. Raises OSError where the disk is full: it was not kept then."""
        end = self._ends[-1] if self._ends else 0
        if end + len(data) > self._limit:
            return False
        if len(self._waiting) >= BUFFERED:
            self._write()
        self._waiting += data
        self._ends.append(end + len(data))
        return True

    def _write(self) -> None:
        while self._waiting:
            count = os.pwrite(self._fd, self._waiting, self._written)
            del self._waiting[:count]
            self._written += count

    def get(self, number: int) -> bytes:
        """A record. IndexError where it is not there."""
        return self.span(number, number + 1)

    def span(self, first: int, end: int) -> bytes:
        """Records from `first` to before `end`, one behind the other."""
        if first >= end:
            return b""
        start, stop = self.place(first), self._ends[end - 1]
        data = os.pread(self._fd, min(stop, self._written) - start, start) if start < self._written else b""
        return data + bytes(self._waiting[max(0, start - self._written) : max(0, stop - self._written)])

    def place(self, number: int) -> int:
        """Where a record begins, in bytes."""
        return self._ends[number - 1] if number else 0

    def close(self) -> None:
        """Give the file back."""
        if not self._closed:
            self._closed = True
            os.close(self._fd)
