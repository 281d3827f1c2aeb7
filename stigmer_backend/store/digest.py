"""The digest beside a database file: how long it was when it was last synced, and the CRC of all of it up to there.

An entry is written after each sync and before anybody is told. It is not synced itself: it survives a killed process, and after a
power cut it may be behind, never ahead.
"""

import os
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stigmer_backend.store.files import FileLayer, is_full

MAGIC = b"STGDIG01"
_HEADER = struct.Struct(">8s12sI")
_ENTRY = struct.Struct(">Q8sII")
_CRC = struct.Struct(">I")
KEEP_BYTES = 1 << 20
"""A longer file is shortened to its last entry when it is opened."""


@dataclass(frozen=True, slots=True)
class DigestEntry:
    """The file was on the disk up to `end`, `tid` is its last transaction, and `chain` the CRC of everything before `end`."""

    end: int
    tid: bytes
    chain: int


def digest_path(database: Path) -> Path:
    """Where the digest of `database` is."""
    return database.with_name(database.name + ".digest")


def read_digest(database: Path) -> DigestEntry | None:
    """The last entry of the digest of `database`, or None if there is none."""
    found = _read(digest_path(database))
    return None if found is None else found[1]


def write_digest(database: Path, end: int, tid: bytes, chain: int, files: FileLayer) -> None:
    """Put a digest with this one entry beside `database`, which was put there whole from elsewhere."""
    salt = os.urandom(12)
    header = _HEADER.pack(MAGIC, salt, zlib.crc32(MAGIC + salt))
    files.write_whole(digest_path(database), header + _pack(DigestEntry(end, tid, chain), salt))


class DigestFile:
    """The digest of one database file."""

    def __init__(self, database: Path, files: FileLayer, random_bytes: Callable[[int], bytes]) -> None:
        """Read it, or make it. `was_lost` says that it was not there or could not be read."""
        self.path = digest_path(database)
        self._files = files
        found = _read(self.path)
        self.was_lost = found is None
        salt, self.last, size = found or (random_bytes(12), None, 0)
        self._salt = salt
        if size > KEEP_BYTES or size < _HEADER.size:
            self._write_fresh()
            size = self.path.stat().st_size
        self._descriptor = files.open(self.path, os.O_RDWR)
        self._size = size - (size - _HEADER.size) % _ENTRY.size

    def add(self, entry: DigestEntry, *, anew: bool = False) -> None:
        """Note that the database is on the disk up to `entry.end`, `anew` also where that is noted already.

        On a full disk the note is left out: it is behind then.
        """
        if entry == self.last or (not anew and self.last is not None and self.last.end == entry.end):
            return
        try:
            self._files.write_at(self._descriptor, _pack(entry, self._salt), self._size)
        except OSError as error:
            if not is_full(error):
                raise
            return
        self._size += _ENTRY.size
        self.last = entry

    def close(self) -> None:
        """Close the file, if it is open."""
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            self._files.close(descriptor)

    def _write_fresh(self) -> None:
        header = _HEADER.pack(MAGIC, self._salt, zlib.crc32(MAGIC + self._salt))
        self._files.write_whole(self.path, header + (b"" if self.last is None else _pack(self.last, self._salt)))


def _pack(entry: DigestEntry, salt: bytes) -> bytes:
    start = _ENTRY.pack(entry.end, entry.tid, entry.chain, 0)[: -_CRC.size]
    return start + _CRC.pack(zlib.crc32(start, zlib.crc32(salt)))


def _read(path: Path) -> tuple[bytes, DigestEntry | None, int] | None:
    """Salt, last whole entry and size of a digest file; None if it is not there or its header is bad."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    if len(data) < _HEADER.size:
        return None
    magic, salt, crc = _HEADER.unpack_from(data)
    if magic != MAGIC or crc != zlib.crc32(MAGIC + salt):
        return None
    position = _HEADER.size + (len(data) - _HEADER.size) // _ENTRY.size * _ENTRY.size
    while position > _HEADER.size:
        position -= _ENTRY.size
        end, tid, chain, _ = _ENTRY.unpack_from(data, position)
        entry = DigestEntry(end, tid, chain)
        if data[position : position + _ENTRY.size] == _pack(entry, salt):
            return salt, entry, len(data)
    return salt, None, len(data)
