"""The files of an open store as of one moment, held open: what a backup copies while the store goes on.

Nothing is copied here. Databases and journal only grow, so a length says what they were; a journal file that is removed meanwhile
can still be read through its descriptor.
"""

import asyncio
import os
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, cast

from stigmer_backend.store.database_format import MAGIC
from stigmer_backend.store.digest import DigestEntry
from stigmer_backend.store.journal import journal_numbers, journal_path
from stigmer_backend.store.manifest import manifest_path
from stigmer_backend.store.sealed_storage import SealedStorage

JOURNALS = "journal"


@dataclass(frozen=True, slots=True)
class SnapshotFile:
    """A file as it was."""

    path: str
    """Below the store's directory, with slashes."""
    size: int
    """Bytes of it that count."""
    descriptor: int
    """Open for reading, at no place of its own: use `os.pread`."""
    written: DigestEntry | None = None
    """Of a database: the CRC, from behind its magic, of what was written, as it was noted at the writing, and the last transaction."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a store held at one moment, as if it had been killed then. Close it: it holds files open."""

    files: tuple[SnapshotFile, ...]
    manifest: bytes
    opened: ExitStack

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close its files. Again: nothing."""
        self.opened.close()


def take_snapshot(directory: Path, state: SealedStorage, events: SealedStorage) -> Snapshot:
    """Open what the store consists of now. On the thread of the event log, with the journal synced and `events` settled.

    The state is taken up to its last sync: with the log standing still, what it has beyond nobody was told. Raises `OSError` where a file cannot
    be opened, with nothing left open.
    """
    with ExitStack() as opened:
        files = [_database(opened, directory, state), _database(opened, directory, events)]
        for number in journal_numbers(directory / JOURNALS):
            path = journal_path(directory / JOURNALS, number)
            descriptor = _open(opened, path)
            files.append(SnapshotFile(f"{JOURNALS}/{path.name}", os.fstat(descriptor).st_size, descriptor))
        manifest = manifest_path(directory).read_bytes()
        return Snapshot(tuple(files), manifest, opened.pop_all())


def close_unwanted(taken: "asyncio.Future[object]") -> None:
    """Close a snapshot that nobody waits for any more."""
    if not taken.cancelled() and taken.exception() is None:
        cast(Snapshot, taken.result()).close()


def checked_from(file: SnapshotFile) -> int:
    """Where the CRC of `file` begins."""
    return 0 if file.written is None else len(MAGIC)


def _database(opened: ExitStack, directory: Path, storage: SealedStorage) -> SnapshotFile:
    settled = storage.settled
    path = directory / storage.file_name
    return SnapshotFile(path.name, settled.end, _open(opened, path), settled)


def _open(opened: ExitStack, path: Path) -> int:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    opened.callback(os.close, descriptor)
    return descriptor
