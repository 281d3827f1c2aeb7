"""The bytes of a log: one file, or the files that took its place one after the other, as one run of bytes.

Bytes are read where they are wanted (`pread`), never mapped: a mapped file that somebody cuts kills the reader, and its pages count as our memory.
"""

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path


class Change(Enum):
    """What happened to a file since it was looked at last."""

    NOTHING = "nothing"
    GREW = "grew"
    ROTATED = "rotated"
    """Another file has its name; the old one stays readable, the new one follows it."""
    CUT = "cut"
    """It was truncated: what was shown is gone, and it is read from its beginning."""


@dataclass(slots=True)
class Segment:
    """A file in the run of bytes."""

    fd: int
    base: int
    """Where its first byte stands in the run."""
    begin: int
    """The byte of the file that is its first here."""
    size: int
    """Bytes of it."""
    device: int
    inode: int


class LogStore:
    """Reads anywhere; `refresh` looks whether there is more. Reading is safe on any thread, refreshing belongs to one."""

    def __init__(self, path: Path, *, begin: int = 0) -> None:
        """`begin`: the byte to begin with. Raises OSError where the file cannot be read."""
        self.path = path
        self.generation = 0
        """Grows whenever offsets of before mean nothing any more."""
        self._closed = False
        self._lock = threading.Lock()
        """Around reading, and around giving files back."""
        self._segments = [self._open(0, begin)]

    def _open(self, base: int, begin: int) -> Segment:
        fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        found = os.fstat(fd)
        begin = min(begin, found.st_size)
        return Segment(fd, base, begin, found.st_size - begin, found.st_dev, found.st_ino)

    @property
    def segments(self) -> list[Segment]:
        """The files, the oldest first."""
        return list(self._segments)

    @property
    def size(self) -> int:
        """Bytes in all."""
        last = self._segments[-1]
        return last.base + last.size

    def close(self) -> None:
        """Give the files back; nothing can be read from here on."""
        with self._lock:
            if not self._closed:
                self._closed = True
                for segment in self._segments:
                    os.close(segment.fd)

    def refresh(self) -> Change:
        """See what is new. Raises OSError where the file cannot be read any more for a reason other than that it is gone."""
        if self._closed:
            return Change.NOTHING
        last = self._segments[-1]
        size = os.fstat(last.fd).st_size - last.begin
        if size < last.size:
            return self._begin_anew()
        if size > last.size:
            last.size = size
            return Change.GREW
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return Change.NOTHING
        if (found.st_dev, found.st_ino) == (last.device, last.inode):
            return Change.NOTHING
        self._segments.append(self._open(self._after(last), 0))
        return Change.ROTATED

    def _after(self, last: Segment) -> int:
        """Where the next file stands: behind a line break of ours where the last line has none."""
        open_line = last.size > 0 and os.pread(last.fd, 1, last.begin + last.size - 1) != b"\n"
        return last.base + last.size + (1 if open_line else 0)

    def _begin_anew(self) -> Change:
        fresh = self._open(0, 0)
        with self._lock:
            old, self._segments = self._segments, [fresh]
            self.generation += 1
            for segment in old:
                os.close(segment.fd)
        return Change.CUT

    def read_at(self, offset: int, count: int) -> bytes:
        """`count` bytes from `offset`, fewer at the end."""
        with self._lock:
            return b"" if self._closed else b"".join(self._pieces(offset, count))

    def _pieces(self, offset: int, count: int) -> Iterator[bytes]:
        for segment in self._segments:
            end = segment.base + segment.size
            if offset >= end:
                continue
            if count > 0 and offset < segment.base:
                yield b"\n"
                count, offset = count - 1, segment.base
            while count > 0 and offset < end:
                data = os.pread(segment.fd, min(count, end - offset), segment.begin + offset - segment.base)
                if not data:
                    return
                yield data
                count, offset = count - len(data), offset + len(data)
