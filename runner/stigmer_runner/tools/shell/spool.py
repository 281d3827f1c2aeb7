"""The output of a command as the model may come back to it: its beginning and its end at hand, the rest in a file."""

import os
from pathlib import Path

AT_HAND = 64 * 1024
"""Bytes of the beginning, and as many of the end, that are kept in memory."""
LARGEST = 256 * 1024 * 1024
"""Bytes that are kept in the file: of what comes after them only the end is at hand. The events keep everything."""


class Spool:
    """Takes bytes in order. Nothing touches the disk for an output that fits in memory."""

    def __init__(self, path: Path, *, largest: int = LARGEST) -> None:
        self._path = path
        self._largest = largest
        self._head = bytearray()
        self._tail = bytearray()
        self._file = -1
        self._broken = False
        self.total = 0
        """Bytes taken so far."""
        self.kept = 0
        """Bytes of the beginning that can be read again."""

    def take(self, data: bytes) -> None:
        """More output."""
        start = self.total
        self.total += len(data)
        if start < AT_HAND:
            self._head += data[: AT_HAND - start]
        self._tail += data[-AT_HAND:]
        if len(self._tail) > 2 * AT_HAND:
            del self._tail[:-AT_HAND]
        if self.total > AT_HAND:
            self._write(data, start)
        self.kept = max(self.kept, min(self.total, AT_HAND))

    def ends(self, head: int, tail: int) -> tuple[bytes, int, bytes]:
        """The first `head` bytes, how many are left out, and the last `tail`; all of it, and 0, where that is everything."""
        head, tail = min(head, AT_HAND), min(tail, AT_HAND)
        if self.total <= head + tail:
            return (
                (bytes(self._head), 0, bytes(self._tail)[-(self.total - AT_HAND) :])
                if self.total > AT_HAND
                else (bytes(self._head), 0, b"")
            )
        return bytes(self._head[:head]), self.total - head - tail, bytes(self._tail[-tail:])

    def since(self, start: int, most: int) -> tuple[bytes, int]:
        """The output from the byte `start` on, at most `most` bytes of its end, and how many were left out for that."""
        wanted = self.total - start
        if wanted <= min(most, AT_HAND):
            return bytes(self._tail[-wanted:]) if wanted > 0 else b"", 0
        kept = min(most, AT_HAND)
        return bytes(self._tail[-kept:]), wanted - kept

    def read(self, start: int, length: int) -> bytes:
        """Up to `length` bytes from `start` on; less where they are not kept any more. Blocks."""
        if start + length <= len(self._head) or self._file < 0:
            found = bytes(self._head[start : start + length])
        else:
            found = os.pread(self._file, min(length, max(0, self.kept - start)), start)
        if not found and start >= self.total - len(self._tail):
            offset = start - (self.total - len(self._tail))
            found = bytes(self._tail[offset : offset + length])
        return found

    def close(self) -> None:
        """Give up the file, and remove it."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
            self._path.unlink(missing_ok=True)

    def _write(self, data: bytes, start: int) -> None:
        """Keep `data`, which begins at `start`; a disk that is full ends the keeping, not the command."""
        if self._broken or start >= self._largest:
            return
        try:
            if self._file < 0:
                self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
                os.write(self._file, self._head[:start])
            os.write(self._file, data[: self._largest - start])
        except OSError:
            self._broken = True
            return
        self.kept = min(self.total, self._largest)
