"""The seal in front of each record's state in a database file.

It is a CRC over the object's id, the transaction, the transaction of the version before, and the state. The CRC of the state alone
is not enough: a flipped bit in a header then still answers with an older version, or with another object.
"""

import struct
import zlib

_SEAL = struct.Struct(">I8s")
SEAL_BYTES = _SEAL.size


def seal(oid: bytes, tid: bytes, previous: bytes, state: bytes) -> bytes:
    """`state` behind its seal. `previous` is the transaction of the version before, eight zero bytes for the first."""
    return _SEAL.pack(zlib.crc32(state, zlib.crc32(oid + tid + previous)), previous) + state


def open_seal(oid: bytes, tid: bytes, sealed: bytes | memoryview) -> bytes | None:
    """The transaction of the version before if the seal holds, or None if anything of it is not what was written."""
    if len(sealed) < SEAL_BYTES:
        return None
    crc, previous = _SEAL.unpack_from(sealed)
    return previous if crc == zlib.crc32(memoryview(sealed)[SEAL_BYTES:], zlib.crc32(oid + tid + previous)) else None
