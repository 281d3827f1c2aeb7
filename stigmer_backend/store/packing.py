"""A database file copied without what cannot be reached any more, while the old one goes on.

Transactions keep their ids, and what they wrote since the copy began is copied whole: whoever looks at the database as of then, or later, sees
the same in both files. Every byte that is copied is checked on the way. Blocking: for a thread of its own.
"""

import os
import zlib
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from ZODB.fsIndex import fsIndex
from ZODB.utils import z64

from stigmer_backend.store.database_format import (
    FINISHED,
    LENGTH,
    MAGIC,
    RECORD,
    TRANSACTION,
    WholeTransaction,
    read_damaged,
    read_transaction,
)
from stigmer_backend.store.digest import DigestEntry, DigestFile, digest_path
from stigmer_backend.store.errors import PackAbandoned, StoreDamaged
from stigmer_backend.store.files import FileLayer
from stigmer_backend.store.index_file import index_path, save_index
from stigmer_backend.store.inspection import Inspection
from stigmer_backend.store.reach import reach, references_of
from stigmer_backend.store.seal import SEAL_BYTES, open_seal, seal

WRITE_BYTES = 256 << 10
SYNC_BYTES = 8 << 20
"""The copy is synced each time it has grown by this, so that no sync of anybody else waits for much of it."""

RecordOf = tuple[bytes, bytes, bytes]
"""Object, the transaction of the version before, and its state."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How far a copy came in its source."""

    position: int
    chain: int


class PackedCopy:
    """One copy under way, from `source` to `target`. `close` it, or take over what `finished` gives."""

    def __init__(
        self,
        source: Path,
        target: Path,
        files: FileLayer,
        random_bytes: Callable[[int], bytes],
        breathe: Callable[[], None],
    ) -> None:
        self.target = target
        self._source = source
        self._files = files
        self._random_bytes = random_bytes
        self._breathe = breathe
        self._index = fsIndex()
        self._size = self._synced = len(MAGIC)
        self._tid = z64
        self._chain = 0
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._from = Ended(len(MAGIC), 0)
        self._digest: DigestFile | None = None
        with ExitStack() as undo:
            self._reading = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
            undo.callback(os.close, self._reading)
            remove_database(target, files)
            self._writing = files.open(target, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
            undo.callback(files.close, self._writing)
            files.write_at(self._writing, MAGIC, 0)
            undo.pop_all()

    def begin(self, until: DigestEntry) -> None:
        """Copy what can be reached as of `until`. Raises `StoreDamaged`, also where the source does not fit `until`."""
        reached = reach(self._source, self._reading, until.end, self._breathe).places

        def keep(found: WholeTransaction) -> list[RecordOf]:
            here = [(oid, place) for oid, place in found.records.items() if reached.get(oid, 0) == place]
            for oid, _ in here:
                if oid in found.damaged:
                    raise StoreDamaged(self._source, f"offset {found.start}", "a record there is needed and damaged")
            return [(oid, z64, _state(found, place)[1]) for oid, place in here]

        self._walk(until, keep, keep_empty=False)

    def follow(self, until: DigestEntry) -> int:
        """Copy every transaction since, up to `until`, and return how many bytes of the source that were.

        Raises `StoreDamaged`, and `PackAbandoned` where one refers to what was left out.
        """
        before = self._from.position

        def keep(found: WholeTransaction) -> list[RecordOf]:
            records: list[RecordOf] = []
            for oid, place in found.records.items():
                previous, state = _state(found, place)
                for referred in references_of(state):
                    if referred not in self._index and referred not in found.records:
                        raise PackAbandoned(self._source, "something came back that nothing had referred to")
                records.append((oid, previous if oid in self._index else z64, state))
            return records

        self._walk(until, keep, keep_empty=True)
        return until.end - before

    def prepare(self) -> None:
        """Put digest and index beside the copy, and sync all of it: what `finished` leaves to do is little."""
        self._sync()
        self._digest = DigestFile(self.target, self._files, self._random_bytes)
        save_index(self.target, self._index, self._end, self._files)
        self._files.sync_directory(self.target.parent)

    def finished(self) -> Inspection:
        """The copy, on the disk. It is the caller's from now on."""
        self._sync()
        digest, self._digest = self._digest, None
        if digest is None:
            raise ValueError("a copy has to be prepared before it is finished")
        digest.add(self._end)
        return Inspection(self._index, self._end, digest)

    def close(self) -> None:
        """Close its files."""
        if self._digest is not None:
            self._digest.close()
            self._digest = None
        if self._reading >= 0:
            os.close(self._reading)
            self._files.close(self._writing)
            self._reading = -1

    @property
    def copied(self) -> int:
        """How far the source is copied, in bytes."""
        return self._from.position

    @property
    def size(self) -> int:
        """Bytes of the copy that are written."""
        return self._size

    @property
    def _end(self) -> DigestEntry:
        return DigestEntry(self._size, self._tid, self._chain)

    def _walk(
        self, until: DigestEntry, keep: Callable[[WholeTransaction], list[RecordOf]], *, keep_empty: bool
    ) -> None:
        position, chain = self._from.position, self._from.chain
        seen = fsIndex()
        while position < until.end:
            found = read_transaction(self._read, until.end, position, None)
            if found is None and not keep_empty:
                found = read_damaged(self._read, until.end, position, lambda oid: seen.get(oid, 0))
            if found is None:
                raise StoreDamaged(self._source, f"offset {position}", "the transaction there is not what was written")
            position, chain = found.end, found.chain(chain)
            seen.update(found.records)
            records = keep(found)
            if records or keep_empty or position == until.end:
                self._add(found.tid, records)
            self._breathe()
        if (position, chain) != (until.end, until.chain):
            raise StoreDamaged(self._source, f"a place before offset {until.end}", "it is not what was written")
        self._from = Ended(position, chain)

    def _read(self, length: int, offset: int) -> bytes:
        return os.pread(self._reading, length, offset)

    def _add(self, tid: bytes, records: list[RecordOf]) -> None:
        """Write a transaction of `records` at the end."""
        start = self._size + self._held_bytes
        position = start + TRANSACTION.size
        pieces: list[bytes] = []
        places: dict[bytes, int] = {}
        for oid, previous, state in records:
            sealed = seal(oid, tid, previous, state)
            pieces += (RECORD.pack(oid, tid, self._index.get(oid, 0), start, 0, len(sealed)), sealed)
            places[oid] = position
            position += RECORD.size + len(sealed)
        length = position - start
        data = b"".join((TRANSACTION.pack(tid, length, FINISHED, 0, 0, 0), *pieces, LENGTH.pack(length)))
        self._index.update(places)
        self._tid = tid
        self._chain = zlib.crc32(data, self._chain)
        self._held.append(data)
        self._held_bytes += len(data)
        if self._held_bytes >= WRITE_BYTES:
            self._write()

    def _write(self) -> None:
        data = b"".join(self._held)
        self._held.clear()
        self._held_bytes = 0
        for begin in range(0, len(data), WRITE_BYTES):
            self._files.write_at(self._writing, data[begin : begin + WRITE_BYTES], self._size + begin)
            if self._size + begin - self._synced >= SYNC_BYTES:
                self._files.sync(self._writing)
                self._synced = self._size + begin
        self._size += len(data)

    def _sync(self) -> None:
        self._write()
        self._files.sync(self._writing)
        self._synced = self._size


def remove_database(path: Path, files: FileLayer) -> None:
    """Remove a database file and what stands beside it. What is not there is left out."""
    sides = (digest_path(path), index_path(path), path.with_name(path.name + ".lock"), path)
    for each in sides:
        for there in (each.with_name(each.name + ".new"), each):
            with suppress(FileNotFoundError):
                files.remove(there)


def _state(found: WholeTransaction, place: int) -> tuple[bytes, bytes]:
    """The transaction of the version before, and the state, of the record at `place`, whose seal was found to hold."""
    position = place - found.start
    oid, tid, _, _, _, size = RECORD.unpack_from(found.data, position)
    sealed = found.data[position + RECORD.size : position + RECORD.size + size]
    previous = open_seal(oid, tid, sealed)
    if previous is None:
        raise ValueError("a record of a whole transaction is not whole")
    return previous, sealed[SEAL_BYTES:]
