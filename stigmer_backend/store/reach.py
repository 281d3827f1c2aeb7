"""What of a database file can still be reached: where the last record of each such object is, and how many bytes they take.

Headers alone say where records are; of records that hold bytes and no references, which most of `events.fs` is, only the beginning is read.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ZODB.fsIndex import fsIndex
from ZODB.serialize import referencesf

from stigmer_backend.store import persistent_classes
from stigmer_backend.store.database_format import LENGTH, MAGIC, RECORD, TRANSACTION
from stigmer_backend.store.errors import StoreDamaged
from stigmer_backend.store.persistent_classes import Cell, Chunk
from stigmer_backend.store.seal import SEAL_BYTES, open_seal

ROOT = bytes(8)
FIRST_READ = 4096
STEP = 256
"""Records after which others may run."""

_LEAVES = tuple(
    b"\x80\x03c%s\n%s\n" % (persistent_classes.__name__.encode(), leaf.__name__.encode()) for leaf in (Cell, Chunk)
)
"""How the pickles begin that refer to nothing."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What can be reached in a file up to `end`."""

    end: int
    live: int
    """Bytes of a file with these records alone, at most."""
    places: fsIndex
    """Where the last record of each object is that can be reached."""

    @property
    def dead(self) -> int:
        """Bytes that a packed file would not have."""
        return max(0, self.end - self.live)


def reach(path: Path, descriptor: int, end: int, breathe: Callable[[], None]) -> Reach:
    """Look at the database file `path` up to `end`, a place between two transactions.

    `breathe` is called now and then. Raises `StoreDamaged` where something is not what was written; not all of it is looked at.
    """
    last, transactions = _last_records(path, descriptor, end, breathe)
    places = fsIndex()
    waiting = [ROOT]
    live, count = len(MAGIC), 0
    while waiting:
        oid = waiting.pop()
        if oid in places:
            continue
        position = last.get(oid, 0)
        if not position:
            raise StoreDamaged(path, f"object {oid.hex()}", "it is referred to and is not there")
        places[oid] = position
        size, references = _references(path, descriptor, oid, position)
        live += size
        waiting += references
        count += 1
        if not count % STEP:
            breathe()
    return Reach(end, live + min(count, transactions) * (TRANSACTION.size + LENGTH.size), places)


def references_of(state: bytes) -> list[bytes]:
    """Ids of the objects that a record's state refers to."""
    return [] if state.startswith(_LEAVES) else referencesf(state)


def _last_records(path: Path, descriptor: int, end: int, breathe: Callable[[], None]) -> tuple[fsIndex, int]:
    """Where the last record of each object is, by the headers, and how many transactions there are."""
    index = fsIndex()
    position, count, transactions = len(MAGIC), 0, 0
    while position < end:
        header = os.pread(descriptor, TRANSACTION.size, position)
        if len(header) < TRANSACTION.size:
            raise StoreDamaged(path, f"offset {position}", "the file ends there")
        _, length, _, *texts = TRANSACTION.unpack(header)
        closing = position + length
        place = position + TRANSACTION.size + sum(texts)
        while place < closing:
            record = os.pread(descriptor, RECORD.size, place)
            if len(record) < RECORD.size:
                raise StoreDamaged(path, f"offset {place}", "the file ends there")
            oid, _, _, transaction, _, size = RECORD.unpack(record)
            if transaction != position:
                raise StoreDamaged(path, f"offset {place}", "its header is not what was written")
            index[oid] = place
            place += RECORD.size + size
            count += 1
            if not count % STEP:
                breathe()
        if place != closing or os.pread(descriptor, LENGTH.size, closing) != LENGTH.pack(length):
            raise StoreDamaged(path, f"offset {position}", "its length is not what was written")
        position = closing + LENGTH.size
        transactions += 1
    if position != end:
        raise StoreDamaged(path, f"offset {end}", "it is in the middle of a transaction")
    return index, transactions


def _references(path: Path, descriptor: int, oid: bytes, position: int) -> tuple[int, list[bytes]]:
    """Bytes of the record at `position`, and what it refers to."""
    data = os.pread(descriptor, FIRST_READ, position)
    found, tid, _, _, _, size = RECORD.unpack_from(data)
    whole = RECORD.size + size
    if data[RECORD.size + SEAL_BYTES :].startswith(_LEAVES):
        return whole, []
    if whole > len(data):
        data += os.pread(descriptor, whole - len(data), position + len(data))
    sealed = memoryview(data)[RECORD.size : whole]
    if found != oid or open_seal(oid, tid, sealed) is None:
        raise StoreDamaged(path, f"offset {position} (object {oid.hex()})", "its bytes are not what was written")
    return whole, referencesf(bytes(sealed[SEAL_BYTES:]))
