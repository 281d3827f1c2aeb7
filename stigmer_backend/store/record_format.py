"""The bytes of a record in `state.fs`: what the store knows of it, then its data, which the store does not look into."""

import struct
from collections.abc import Sequence
from typing import cast

from stigmer_backend.store.model import NEWEST, Record

VERSION = 1
_FIXED = struct.Struct(">BQQHH")
_LENGTH = struct.Struct(">H")
NAME_LIMIT = 1024
"""Longest kind, id, slug or parent, in UTF-8 bytes."""


def check_name(what: str, name: str) -> str:
    """Return `name` if it can stand in a key. Raises `ValueError`."""
    if "\0" in name or len(name.encode()) > NAME_LIMIT:
        raise ValueError(f"{what} {name[:80]!r} holds a zero byte or is longer than {NAME_LIMIT} bytes")
    return name


def row_key(created_ns: int, record_id: str) -> bytes:
    """Where a record stands in a list: newest first, equal times by id."""
    if not 0 <= created_ns <= NEWEST:
        raise ValueError(f"created_ns {created_ns} is not a time in nanoseconds since 1970")
    return (NEWEST - created_ns).to_bytes(8) + record_id.encode()


def row_id(key: bytes) -> str:
    """The id in a row's key."""
    return key[8:].decode()


def just_below(key: bytes) -> bytes:
    """A bound below `key` and not below any smaller key: no key holds the byte 0xff after its first eight."""
    if key[-1] == 0:
        return key[:-1]
    return key[:-1] + bytes((key[-1] - 1,)) + b"\xff" * 2


def encode_record(version: int, created_ns: int, slug: str, parents: Sequence[str], data: bytes) -> bytes:
    """The bytes of a record."""
    pieces = [_FIXED.pack(VERSION, version, created_ns, len(slug.encode()), len(parents)), slug.encode()]
    for parent in parents:
        name = parent.encode()
        pieces += (_LENGTH.pack(len(name)), name)
    pieces.append(data)
    return b"".join(pieces)


def record_data(stored: bytes) -> bytes:
    """The data alone of what `encode_record` wrote. Raises `ValueError` for a format that is not known."""
    form, _, _, slug_bytes, count = cast("tuple[int, int, int, int, int]", _FIXED.unpack_from(stored))
    if form != VERSION:
        raise ValueError(f"record of format {form}")
    position = _FIXED.size + slug_bytes
    for _ in range(count):
        position += _LENGTH.size + (stored[position] << 8 | stored[position + 1])
    return stored[position:]


def decode_record(stored: bytes) -> Record:
    """What `encode_record` wrote. Raises `ValueError` for a format that is not known."""
    form, version, created_ns, slug_bytes, count = _FIXED.unpack_from(stored)
    if form != VERSION:
        raise ValueError(f"record of format {form}")
    position = _FIXED.size + slug_bytes
    slug = stored[_FIXED.size : position].decode()
    parents: list[str] = []
    for _ in range(count):
        (length,) = _LENGTH.unpack_from(stored, position)
        position += _LENGTH.size
        parents.append(stored[position : position + length].decode())
        position += length
    return Record(stored[position:], version, created_ns, slug, tuple(parents))
