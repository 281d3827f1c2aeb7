"""The bytes of kept files, named by their hash. What is written is synced before it has its name.

A file comes in a piece at a time into a place of its own, and is renamed once it is whole. Nothing here knows who wants it: `unused`
files are found by whoever does.
"""

import errno
import hashlib
import os
import re
import secrets
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from stigmer_apis.errors import DataLoss, NotFound, ResourceExhausted

PIECE = 256 * 1024
"""Bytes that are read at once."""

_MODE = 0o600
_FOLDER_MODE = 0o700
_INCOMING = "incoming"
_HASH = re.compile(r"[0-9a-f]{64}")
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class Incoming:
    """A file that is being taken in. Blocking: for a thread. Removed by `discard`, unless it was put into its place."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / _INCOMING / secrets.token_hex(8)
        self._digest = hashlib.sha256()
        self._descriptor = -1
        self.size = 0

    def open(self) -> Self:
        """Make it. Raises `ResourceExhausted` on a full disk, else `OSError`."""
        with _full_disk_told():
            self._path.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
        return self

    def write(self, data: bytes) -> None:
        """Add bytes. Raises `ResourceExhausted` on a full disk, else `OSError`."""
        self._digest.update(data)
        self.size += len(data)
        rest = memoryview(data)
        with _full_disk_told():
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]

    def sync(self) -> str:
        """Let the disk have all of it; returns its hash. Raises as `write`."""
        with _full_disk_told():
            os.fsync(self._descriptor)
        return self._digest.hexdigest()

    def content(self) -> bytes:
        """All of it, once it is whole."""
        return self._path.read_bytes()

    def place(self, digest: str) -> None:
        """Give it the name that `sync` returned, and sync the folders that name it. The same bytes that are there already stay."""
        path = place_of(self._folder, digest)
        path.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        self._path.replace(path)
        for folder in path.parents[:4]:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def discard(self) -> None:
        """Close it, and remove it where it has no name."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        self._path.unlink(missing_ok=True)


def place_of(folder: Path, digest: str) -> Path:
    """Where the bytes with this hash are."""
    return folder / digest[:2] / digest


def pieces(folder: Path, digest: str, size: int) -> Generator[bytes]:
    """The bytes with this hash, in order. Raises `NotFound`, and `DataLoss` at the end where they are not what was kept."""
    found = hashlib.sha256()
    told = 0
    try:
        with place_of(folder, digest).open("rb") as file:
            while piece := file.read(PIECE):
                found.update(piece)
                told += len(piece)
                yield piece
    except FileNotFoundError as error:
        raise NotFound("its bytes are gone from the disk", remedy="restore the home from a backup") from error
    if told != size or found.hexdigest() != digest:
        raise DataLoss(
            "its bytes on the disk are damaged", remedy="do not use what came; restore the home from a backup"
        )


def remove(folder: Path, digest: str) -> None:
    """Remove the bytes with this hash, if they are there."""
    place_of(folder, digest).unlink(missing_ok=True)


def left_over(folder: Path) -> Iterator[str]:
    """Remove what was being taken in when a daemon stopped; gives the hashes of all that is kept."""
    for path in (folder / _INCOMING).glob("*"):
        path.unlink(missing_ok=True)
    for path in folder.glob("[0-9a-f][0-9a-f]/*"):
        if _HASH.fullmatch(path.name):
            yield path.name


@contextmanager
def _full_disk_told() -> Generator[None]:
    """Say of a full disk what it means."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise ResourceExhausted(
            "the disk is full, so the file was not kept", remedy="free some space and hand it over again"
        ) from error
