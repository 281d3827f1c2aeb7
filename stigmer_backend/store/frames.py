"""The journal's bytes: a file header, then frames. Pure: bytes in, values out. `docs/store.md` has the layout.

A frame is one group, whole or absent: one CRC over its header and all its records. The CRC starts from a random salt of the
file, and the header holds the frame's own offset and the CRC of the frame before it. So bytes of another journal, of a copy
of this one inside a body, an exchange of frames, and a stale tail are all seen.
"""

import hashlib
import struct
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum

from stigmer_backend.store.model import BODY_LIMIT

MAGIC = b"STGJRNL1"
FRAME_MAGIC = b"\xa5SGF"
SALT_BYTES = 16
_BOND = b"STGB"
_BOND_BYTES = 6

_FILE = struct.Struct(">8sQ16sI")
_FRAME = struct.Struct(">4sIIQQII")
_RECORD = struct.Struct(">BBBBIIQQQ")
_CRC = struct.Struct(">I")

FILE_HEADER_BYTES = _FILE.size
FRAME_HEADER_BYTES = _FRAME.size
FRAME_LIMIT = 256 << 20
"""Largest payload of a frame; a declared length above it is damage."""


class RecordKind(IntEnum):
    """What a record does when the journal is replayed."""

    EVENTS = 1
    """Appends to the lane of events."""
    ENGINE = 2
    """Appends to the engine's lane."""
    DROP_ENGINE = 3
    """Forgets the engine's lane up to and including `first_seq`."""
    REMOVE = 4
    """Forgets the execution."""


class RecordFlag(IntEnum):
    """Bits of a record's flags."""

    BIRTH = 1
    """The first record of its execution."""


@dataclass(frozen=True, slots=True)
class JournalRecord:
    """One record. `first_seq` is the number of the first of the `count` messages in `body`."""

    kind: RecordKind
    execution: str
    first_seq: int
    count: int
    producer: str
    epoch: int
    producer_seq: int
    body: bytes
    birth: bool = False


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """The fixed part of a frame. `synced` is the length of the file that was on the disk when the frame was written."""

    payload_bytes: int
    records: int
    offset: int
    synced: int
    previous_crc: int
    crc: int


def encode_file_header(number: int, salt: bytes) -> bytes:
    """The first bytes of journal file `number`."""
    start = _FILE.pack(MAGIC, number, salt, 0)[: -_CRC.size]
    return start + _CRC.pack(zlib.crc32(start))


def decode_file_header(data: bytes) -> tuple[int, bytes] | None:
    """Number and salt of a journal file, or None if `data` does not begin with a whole header."""
    if len(data) < FILE_HEADER_BYTES:
        return None
    magic, number, salt, crc = _FILE.unpack_from(data)
    if magic != MAGIC or crc != zlib.crc32(data[: FILE_HEADER_BYTES - _CRC.size]):
        return None
    return number, salt


def bound_salt(store: str, random_bytes: Callable[[int], bytes]) -> bytes:
    """A salt for a journal of the store with this id: it says whose the file is, and six bytes of it are random."""
    return _BOND + _bond_of(store) + random_bytes(SALT_BYTES - len(_BOND) - _BOND_BYTES)


def is_foreign(salt: bytes, store: str) -> bool:
    """Whether a file with this salt is of another store. One of before salts said whose they are is never taken for foreign, nor any where `store` is "", unknown."""
    return bool(store) and salt.startswith(_BOND) and salt[len(_BOND) : len(_BOND) + _BOND_BYTES] != _bond_of(store)


def _bond_of(store: str) -> bytes:
    return hashlib.blake2b(store.encode(), digest_size=_BOND_BYTES).digest()


def seed_of(salt: bytes) -> int:
    """The CRC that the chain of a file starts from."""
    return zlib.crc32(salt)


def encode_record(record: JournalRecord) -> tuple[bytes, bytes]:
    """A record as its head and its body, to be joined with others into a payload."""
    execution = record.execution.encode("ascii")
    producer = record.producer.encode()
    head = _RECORD.pack(
        record.kind,
        RecordFlag.BIRTH if record.birth else 0,
        len(execution),
        len(producer),
        record.count,
        len(record.body),
        record.first_seq,
        record.epoch,
        record.producer_seq,
    )
    return head + execution + producer, record.body


def encode_frame(
    records: Iterable[JournalRecord], offset: int, synced: int, previous_crc: int, seed: int
) -> tuple[bytes, int]:
    """The bytes of the frame that holds `records` at `offset`, and its CRC, which the next frame names."""
    pieces: list[bytes] = []
    count = 0
    for record in records:
        pieces += encode_record(record)
        count += 1
    payload = b"".join(pieces)
    start = _FRAME.pack(FRAME_MAGIC, len(payload), count, offset, synced, previous_crc, 0)[: -_CRC.size]
    crc = zlib.crc32(payload, zlib.crc32(start, seed))
    return b"".join((start, _CRC.pack(crc), payload)), crc


def decode_frame_header(data: bytes | memoryview, position: int) -> FrameHeader | None:
    """The frame header at `position` of `data`, or None if there is none that could be true."""
    if position + FRAME_HEADER_BYTES > len(data):
        return None
    magic, payload_bytes, records, offset, synced, previous_crc, crc = _FRAME.unpack_from(data, position)
    if magic != FRAME_MAGIC or offset != position or payload_bytes > FRAME_LIMIT or synced > offset:
        return None
    return FrameHeader(payload_bytes, records, offset, synced, previous_crc, crc)


def read_frame(data: bytes, position: int, seed: int) -> FrameHeader | None:
    """The header of the frame at `position` if it is whole and unharmed, whatever came before it; else None."""
    header = decode_frame_header(data, position)
    if header is None:
        return None
    view = memoryview(data)
    start, end = position + FRAME_HEADER_BYTES, position + FRAME_HEADER_BYTES + header.payload_bytes
    if end > len(data):
        return None
    crc = zlib.crc32(view[start:end], zlib.crc32(view[position : start - _CRC.size], seed))
    return header if crc == header.crc else None


def decode_record(data: bytes, position: int, end: int) -> tuple[JournalRecord, int]:
    """The record at `position`, and where it ends. Raises `ValueError` if it is none, or runs past `end`."""
    names = position + _RECORD.size
    if names > end:
        raise ValueError("a record runs past its frame")
    kind, flags, execution_bytes, producer_bytes, count, body_bytes, first_seq, epoch, producer_seq = (
        _RECORD.unpack_from(data, position)
    )
    body = names + execution_bytes + producer_bytes
    position = body + body_bytes
    if position > end or body_bytes > BODY_LIMIT:
        raise ValueError("a record runs past its frame")
    execution = data[names : names + execution_bytes].decode("ascii")
    producer = data[names + execution_bytes : body].decode()
    birth = bool(flags & RecordFlag.BIRTH)
    record = JournalRecord(
        RecordKind(kind), execution, first_seq, count, producer, epoch, producer_seq, data[body:position], birth
    )
    return record, position


def decode_records(data: bytes, header: FrameHeader) -> list[JournalRecord]:
    """The records of a frame whose CRC was right. Raises `ValueError` if they do not fill it exactly."""
    position = header.offset + FRAME_HEADER_BYTES
    end = position + header.payload_bytes
    found: list[JournalRecord] = []
    for _ in range(header.records):
        record, position = decode_record(data, position, end)
        found.append(record)
    if position != end:
        raise ValueError("a frame has bytes after its last record")
    return found


def find_later_frame(data: bytes, position: int, seed: int) -> FrameHeader | None:
    """The first whole frame after `position`, found by its magic: what tells damage in the middle from a torn tail."""
    position = data.find(FRAME_MAGIC, position)
    while position >= 0:
        header = read_frame(data, position, seed)
        if header is not None:
            return header
        position = data.find(FRAME_MAGIC, position + 1)
    return None
