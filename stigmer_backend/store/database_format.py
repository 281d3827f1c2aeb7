"""The bytes of a database file (ZODB's FileStorage, with sealed records), read without ZODB. Pure.

The layout is ZODB's and documented in its `FileStorage/format.py`: a magic, then transactions, each with its records and its
length at both ends. A transaction is whole when every part of it says the same and every seal holds; its status byte is not
believed, since it may reach the disk before what it speaks of.
"""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from stigmer_backend.store.seal import open_seal

MAGIC = b"FS30"
TRANSACTION = struct.Struct(">8sQcHHH")
RECORD = struct.Struct(">8s8sQQHQ")
LENGTH = struct.Struct(">Q")
STATUS_OFFSET = 16
FINISHED = b" "
VOTED = b"c"
FIRST_DESCRIPTION = b"initial database creation"
"""The only text in a header: ZODB's own, of the transaction that makes the root. A wrong length of one could hide a record."""


@dataclass(frozen=True, slots=True)
class WholeTransaction:
    """A transaction whose every seal holds."""

    start: int
    end: int
    """Just behind its closing length."""
    tid: bytes
    finished: bool
    """Whether its status byte says so."""
    records: dict[bytes, int]
    """Where each object's record is."""
    data: bytes
    """All its bytes, with the status as it should be."""
    damaged: frozenset[bytes] = frozenset()
    """Objects whose records in it are not what was written; none of a whole one."""

    def chain(self, before: int) -> int:
        """The digest of the file up to the end of this transaction, from the one up to its start."""
        return zlib.crc32(self.data, before)


def read_transaction(
    read: Callable[[int, int], bytes], size: int, start: int, previous: Callable[[bytes], int] | None
) -> WholeTransaction | None:
    """The transaction at `start`, or None if it is not whole.

    `read` gives bytes by (length, offset), `size` is the file's, and `previous` says where an object's record was before; without
    it, that is not checked.
    """
    header = read(TRANSACTION.size, start)
    if len(header) < TRANSACTION.size:
        return None
    tid, length, status, *texts = TRANSACTION.unpack(header)
    end = start + length
    if status not in (FINISHED, VOTED) or length < TRANSACTION.size + sum(texts) or end + LENGTH.size > size:
        return None
    if any(texts) and (start != len(MAGIC) or read(sum(texts), start + TRANSACTION.size) != FIRST_DESCRIPTION):
        return None
    if read(LENGTH.size, end) != LENGTH.pack(length):
        return None
    raw = bytearray(read(length + LENGTH.size, start))
    raw[STATUS_OFFSET : STATUS_OFFSET + 1] = FINISHED
    data = bytes(raw)
    records = _records(data, start, tid, TRANSACTION.size + sum(texts), length, previous)
    if records is None:
        return None
    return WholeTransaction(start, end + LENGTH.size, tid, status == FINISHED, records, data)


def read_damaged(
    read: Callable[[int, int], bytes], size: int, start: int, previous: Callable[[bytes], int]
) -> WholeTransaction | None:
    """The transaction at `start` of which some records are not what was written, but which objects those are of is certain.

    None where that is not: then an older version of something could be taken for the present one. Every length has to agree with every other,
    and each bad record to say where its object's record was before. And one record at least has to say the same of the transaction's number as its
    header: of a smaller number than it had, what it wrote would be later than the present, and what was before it would be answered.
    """
    header = read(TRANSACTION.size, start)
    if len(header) < TRANSACTION.size:
        return None
    tid, length, status, *texts = TRANSACTION.unpack(header)
    end = start + length
    if status not in (FINISHED, VOTED) or any(texts) or end + LENGTH.size > size or length < TRANSACTION.size:
        return None
    if read(LENGTH.size, end) != LENGTH.pack(length):
        return None
    data = read(length + LENGTH.size, start)
    found: dict[bytes, int] = {}
    damaged: set[bytes] = set()
    confirmed = False
    position = TRANSACTION.size
    view = memoryview(data)
    while position < length:
        if position + RECORD.size > length:
            return None
        oid, record_tid, before, transaction, version, record_bytes = RECORD.unpack_from(data, position)
        state = position + RECORD.size
        if state + record_bytes > length or before != previous(oid) or oid in found:
            return None
        confirmed = confirmed or record_tid == tid
        whole = record_tid == tid and transaction == start and not version
        if not whole or open_seal(oid, tid, view[state : state + record_bytes]) is None:
            damaged.add(oid)
        found[oid] = start + position
        position = state + record_bytes
    if not damaged or not confirmed:
        return None
    return WholeTransaction(start, end + LENGTH.size, tid, status == FINISHED, found, data, frozenset(damaged))


def _records(
    data: bytes, start: int, tid: bytes, position: int, length: int, previous: Callable[[bytes], int] | None
) -> dict[bytes, int] | None:
    found: dict[bytes, int] = {}
    view = memoryview(data)
    while position < length:
        if position + RECORD.size > length:
            return None
        oid, record_tid, before, transaction, version, size = RECORD.unpack_from(data, position)
        state = position + RECORD.size
        if record_tid != tid or transaction != start or version or state + size > length:
            return None
        if previous is not None and before != previous(oid):
            return None
        if open_seal(oid, tid, view[state : state + size]) is None:
            return None
        found[oid] = start + position
        position = state + size
    return found
