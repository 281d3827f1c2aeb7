"""Which bytes of a snapshot somebody lacks who has an earlier backup, and the list of files at the end. Blocking: for a thread."""

import os
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from stigmer_apis.backups import BackupFile
from stigmer_apis.errors import FailedPrecondition
from stigmer_backend.maintenance.kept_files import kept_files
from stigmer_backend.store import Snapshot, SnapshotFile, checked_from

PIECE = 512 << 10
"""Bytes of one message."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of a file, at a place."""

    path: str
    offset: int
    data: bytes


class Sending:
    """One backup being sent. `pieces` first, then `files`."""

    def __init__(self, directory: Path, snapshot: Snapshot, have: Mapping[str, BackupFile]) -> None:
        """Raises `FailedPrecondition` if what the caller has is more than there is: it is no earlier backup of this store."""
        self._directory = directory
        self._snapshot = snapshot
        self._have = have
        self._kept = list(kept_files(directory))
        self._files: list[BackupFile] = []
        for file in snapshot.files:
            if self._begin(file) > file.size:
                raise FailedPrecondition(
                    f"the backup has more of {file.path} than the store: the store was put back to an earlier state meanwhile",
                    remedy="take a new backup into an empty directory",
                )

    @property
    def size(self) -> int:
        """Bytes that will be sent."""
        grown = sum(file.size - self._begin(file) for file in self._snapshot.files)
        return grown + sum(size for path, size in self._kept if not self._has(path, size))

    @property
    def files(self) -> list[BackupFile]:
        """All files of the backup; once the pieces are sent."""
        return self._files

    def pieces(self) -> Iterator[Piece]:
        """What the caller lacks, file by file, each in order."""
        for file in self._snapshot.files:
            yield from _pieces(file.path, file.descriptor, self._begin(file), file.size)
            self._files.append(self._described(file))
        for path, size in self._kept:
            if self._has(path, size):
                self._files.append(self._have[path])
                continue
            with suppress(FileNotFoundError):  # It went with its run.
                yield from self._whole(path)

    def _begin(self, file: SnapshotFile) -> int:
        found = self._have.get(file.path)
        return 0 if found is None else found.size

    def _has(self, path: str, size: int) -> bool:
        found = self._have.get(path)
        return found is not None and found.size == size

    def _described(self, file: SnapshotFile) -> BackupFile:
        """Of a database its CRC is what was noted when it was written, so that what its disk has changed since is noticed."""
        if file.written is not None:
            written = file.written
            return BackupFile(file.path, file.size, checked_from(file), written.chain, written.tid)
        crc = 0
        for piece in _pieces(file.path, file.descriptor, 0, file.size):
            crc = zlib.crc32(piece.data, crc)
        return BackupFile(file.path, file.size, 0, crc)

    def _whole(self, path: str) -> Iterator[Piece]:
        descriptor = os.open(self._directory / path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            found = BackupFile(path, 0, 0, 0)
            for piece in _pieces(path, descriptor, 0, os.fstat(descriptor).st_size):
                yield piece
                found = replace(found, size=found.size + len(piece.data), crc=zlib.crc32(piece.data, found.crc))
            self._files.append(found)
        finally:
            os.close(descriptor)


def _pieces(path: str, descriptor: int, begin: int, end: int) -> Iterator[Piece]:
    """Bytes from `begin` to `end`; fewer, if the file is shorter, which its list will not fit then."""
    while begin < end and (data := os.pread(descriptor, min(PIECE, end - begin), begin)):
        yield Piece(path, begin, data)
        begin += len(data)
