"""What happens to a database file before ZODB opens it: it is checked from the saved index on, and a torn end is cut off.

Up to the length that was synced, anything wrong is damage. Where it is certain whose records it is in, those are set apart and everything else is
answered; else the file is refused. Behind it, the first transaction that is not whole is
where the store stopped: it and what follows are kept aside and cut. A whole transaction is taken in, whatever its status says.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ZODB.fsIndex import fsIndex

from stigmer_backend.store.database_format import (
    FINISHED,
    LENGTH,
    MAGIC,
    STATUS_OFFSET,
    WholeTransaction,
    read_damaged,
    read_transaction,
)
from stigmer_backend.store.digest import DigestEntry, DigestFile
from stigmer_backend.store.errors import StoreDamaged
from stigmer_backend.store.files import FileLayer
from stigmer_backend.store.index_file import SavedIndex, index_path, load_index, save_index
from stigmer_backend.store.report import Damage, RecoveryReport
from stigmer_backend.store.side_files import cut_file, keep_cut

EMPTY = DigestEntry(len(MAGIC), bytes(8), 0)
"""A database without a transaction. The digest's CRC starts behind the magic."""


@dataclass(slots=True)
class Inspection:
    """A file that is whole: its index, its end, and the digest that goes on from there."""

    index: fsIndex
    end: DigestEntry
    digest: DigestFile
    damaged: bool = False
    """Whether records in it are not what was written. Its index is not saved then: each opening finds them again, and says so."""


def inspect(
    path: Path,
    files: FileLayer,
    random_bytes: Callable[[int], bytes],
    report: RecoveryReport,
    *,
    each_synced: bool,
) -> Inspection:
    """Check and repair the database file at `path`.

    `each_synced` says that every transaction was synced before the next one began, so that a whole one behind a bad one is damage
    too. Raises `StoreDamaged`, with nothing changed.
    """
    digest = DigestFile(path, files, random_bytes)
    try:
        return _inspect(path, files, digest, report, each_synced)
    except BaseException:
        digest.close()
        raise


def damage_in(path: Path, synced: DigestEntry, breathe: Callable[[], None]) -> list[Damage]:
    """What of the file at `path` is not what was written, up to `synced`; also while it is open, and where a saved index kept an opening from looking.

    `breathe` is called after each transaction. Raises `StoreDamaged` where it is not certain whose records are lost.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if _is_whole(descriptor, synced, breathe):
            return []
        scan = _Scan(path, descriptor, fsIndex(), EMPTY, synced, breathe)
        scan.size = min(scan.size, synced.end)
        scan.run()
        return scan.damage
    finally:
        os.close(descriptor)


def _is_whole(descriptor: int, synced: DigestEntry, breathe: Callable[[], None]) -> bool:
    """Whether every transaction is, and all of them together. Takes no memory for an index."""
    position, chain = EMPTY.end, EMPTY.chain
    while position < synced.end:
        found = read_transaction(
            lambda length, offset: os.pread(descriptor, length, offset), synced.end, position, None
        )
        if found is None:
            return False
        position, chain = found.end, found.chain(chain)
        breathe()
    return (position, chain) == (synced.end, synced.chain)


def _inspect(path: Path, files: FileLayer, digest: DigestFile, report: RecoveryReport, each_synced: bool) -> Inspection:
    saved = _usable_index(path, report)
    if digest.was_lost and not report.created:
        report.notes.append(f"{digest.path.name} was missing or unreadable; it was made again from {path.name}.")
    begun = saved.at if saved is not None else EMPTY
    index = saved.index if saved is not None else fsIndex()
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if os.pread(descriptor, len(MAGIC), 0) != MAGIC:
            raise StoreDamaged(path, "offset 0", "it does not begin as a database")
        scan = _Scan(path, descriptor, index, begun, digest.last)
        scan.run()
        if scan.position < scan.size and each_synced:
            scan.refuse_later()
    finally:
        os.close(descriptor)
    if scan.position < scan.size:
        report.cuts.append(keep_cut(path, scan.position, files))
        cut_file(path, scan.position, files)
    if scan.voted or scan.position > scan.known:
        _finish(path, scan.voted, files)
    end = DigestEntry(scan.position, scan.tid, scan.chain)
    report.damage += scan.damage
    if not scan.damage and (saved is None or end.end > begun.end):
        save_index(path, index, end, files)
    digest.add(end, anew=bool(scan.damage))
    return Inspection(index, end, digest, bool(scan.damage))


def _usable_index(path: Path, report: RecoveryReport) -> SavedIndex | None:
    saved = load_index(path)
    if saved is None and index_path(path).exists():
        report.notes.append(f"{index_path(path).name} was damaged; it was made again from {path.name}.")
        index_path(path).unlink()
    return saved


def _finish(path: Path, voted: list[int], files: FileLayer) -> None:
    """Mark whole transactions as finished, since ZODB cuts a file at one that is not, and sync what was found to be whole.

    It is in the file, and need not be on the disk: from here on, index and digest say that it is.
    """
    descriptor = files.open(path, os.O_RDWR)
    try:
        for start in voted:
            files.write_at(descriptor, FINISHED, start + STATUS_OFFSET)
        files.sync(descriptor)
    finally:
        files.close(descriptor)


class _Scan:
    """A walk over whole transactions, from a place that is known to be right."""

    def __init__(
        self,
        path: Path,
        descriptor: int,
        index: fsIndex,
        begun: DigestEntry,
        synced: DigestEntry | None,
        breathe: Callable[[], None] = lambda: None,
    ) -> None:
        self._breathe = breathe
        self.size = os.fstat(descriptor).st_size
        self.position, self.tid, self.chain = begun.end, begun.tid, begun.chain
        self.voted: list[int] = []
        self.damage: list[Damage] = []
        self._path = path
        self._index = index
        self._read: Callable[[int, int], bytes] = lambda length, offset: os.pread(descriptor, length, offset)
        self.known = max(begun.end, synced.end if synced is not None else 0)
        self._synced = synced
        if self.size < self.known:
            raise StoreDamaged(path, f"offset {self.size}", f"it ends there, and {self.known} bytes were on the disk")

    def run(self) -> None:
        """Walk as far as transactions are whole. Raises `StoreDamaged` for a bad one that was on the disk."""
        self._compare()
        while self.position < self.size:
            found = read_transaction(self._read, self.size, self.position, self._previous)
            if found is None and self.position < self.known:
                found = read_damaged(self._read, self.known, self.position, self._previous)
            if found is None or found.tid <= self.tid:
                break
            self._take(found)
            self._breathe()
        if self.position < self.known:
            raise StoreDamaged(
                self._path,
                f"offset {self.position}",
                "the transaction there is not what was written, and it was on the disk",
            )

    def _previous(self, oid: bytes) -> int:
        return self._index.get(oid, 0)

    def refuse_later(self) -> None:
        """Raise `StoreDamaged` if the file ends with a whole transaction, though the one here is not."""
        closing = self._read(LENGTH.size, self.size - LENGTH.size)
        (length,) = LENGTH.unpack(closing) if len(closing) == LENGTH.size else (0,)
        start = self.size - LENGTH.size - length
        if start > self.position and read_transaction(self._read, self.size, start, None) is not None:
            raise StoreDamaged(
                self._path,
                f"offset {self.position}",
                f"it is not what was written, and a later one at {start} is whole",
            )

    def _take(self, found: WholeTransaction) -> None:
        self._index.update(found.records)
        self.damage += [Damage(self._path, found.start, oid) for oid in sorted(found.damaged)]
        if not found.finished:
            self.voted.append(found.start)
        self.chain = found.chain(self.chain)
        self.position, self.tid = found.end, found.tid
        self._compare()

    def _compare(self) -> None:
        """Where the digest ends, its CRC has to be that of the file."""
        synced = self._synced
        if self.damage:
            return  # What it says is known to be so no more.
        if synced is not None and synced.end == self.position and (synced.chain, synced.tid) != (self.chain, self.tid):
            raise StoreDamaged(
                self._path, f"a place before offset {synced.end}", "its digest is not that of what was written"
            )
