"""The persistent classes. Their names and this module's are written into every database: never move, rename or remove one.

All else that is stored is bytes. Node sizes are measured: small leaves make a commit write less and a cold read load less.
"""

from typing import TYPE_CHECKING

from BTrees import family64
from persistent import Persistent


class Cell(Persistent):
    """Bytes in a database record of their own, and nothing else."""

    __slots__ = ("data",)

    def __init__(self, data: bytes = b"") -> None:
        self.data = data

    def __getstate__(self) -> bytes:
        return self.data

    def __setstate__(self, state: bytes) -> None:
        self.data = state


class Chunk(Persistent):
    """Neighbouring messages of a lane: how many, and their joined bytes. Never changed once stored."""

    __slots__ = ("body", "count")

    def __init__(self, count: int = 0, body: bytes = b"") -> None:
        self.count = count
        self.body = body

    def __getstate__(self) -> tuple[int, bytes]:
        return self.count, self.body

    def __setstate__(self, state: tuple[int, bytes]) -> None:
        self.count, self.body = state


if TYPE_CHECKING:
    _Names = family64.OO.BTree[str, object]
    _Rows = family64.OO.BTree[bytes, bytes]
    _Ranks = family64.OO.BTree[bytes, int]
    _Chunks = family64.IO.BTree[Chunk]
else:
    _Names = _Rows = _Ranks = family64.OO.BTree
    _Chunks = family64.IO.BTree


class NameTree(_Names):
    """From a name to a persistent object, or to another name."""

    max_leaf_size = 16
    max_internal_size = 64


class ListTree(_Rows):
    """A list in its order: from the key of a row to its summary, inline."""

    max_leaf_size = 32
    max_internal_size = 64


class RankTree(_Ranks):
    """Blocks of a long list: from the first key that one may hold to the number of its rows."""

    max_leaf_size = 64
    max_internal_size = 64


class ChunkTree(_Chunks):
    """From the number of a chunk's first message to the chunk.

    A connection that has read a node holds a stub of each node below it. It only ever grows at its end, so its nodes are half full and its last ones
    are always read: small ones are as many after some minutes of a run as after hours.
    """

    max_leaf_size = 16
    max_internal_size = 16
