"""The saved index of a database file: ZODB's own format with a trailer that says what it belongs to and that it is unharmed.

ZODB accepts a flipped index and fails on the loads; this one is thrown away and made again from the database.
"""

import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from ZODB.fsIndex import fsIndex

from stigmer_backend.store.digest import DigestEntry
from stigmer_backend.store.files import FileLayer, is_full

MAGIC = b"STGIDX01"
_TRAILER = struct.Struct(">8sQ8sII")
_CRC = struct.Struct(">I")


def index_path(database: Path) -> Path:
    """Where the index of `database` is."""
    return database.with_name(database.name + ".index")


@dataclass(slots=True)
class SavedIndex:
    """Where each object's last record is, as of a place in the file that was on the disk."""

    index: fsIndex
    at: DigestEntry


def load_index(database: Path) -> SavedIndex | None:
    """The saved index, or None if there is none or it is not as it was written."""
    path = index_path(database)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    if len(data) < _TRAILER.size:
        return None
    magic, end, tid, chain, crc = _TRAILER.unpack_from(data, len(data) - _TRAILER.size)
    if magic != MAGIC or crc != zlib.crc32(memoryview(data)[: -_CRC.size]):
        return None
    found = fsIndex.load(str(path))
    return SavedIndex(found["index"], DigestEntry(end, tid, chain))


def save_index(database: Path, index: fsIndex, at: DigestEntry, files: FileLayer) -> bool:
    """Save the index, durably; False if there is no space for it, and then the old one stands."""
    path = index_path(database)
    fresh = path.with_name(path.name + ".new")
    try:
        files.close(files.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC))
        index.save(at.end, str(fresh))
        descriptor = files.open(fresh, os.O_RDWR)
        try:
            _finish(fresh, descriptor, at, files)
        finally:
            files.close(descriptor)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        if not is_full(error):
            raise
        return False
    files.rename(fresh, path)
    files.sync_directory(path.parent)
    return True


def _finish(path: Path, descriptor: int, at: DigestEntry, files: FileLayer) -> None:
    body = path.read_bytes()
    start = _TRAILER.pack(MAGIC, at.end, at.tid, at.chain, 0)[: -_CRC.size]
    files.write_at(descriptor, start + _CRC.pack(zlib.crc32(start, zlib.crc32(body))), len(body))
    files.sync(descriptor)
