"""How an execution stands in `events.fs`, as bytes: its heads, what was dropped, and the marks of its producers."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from stigmer_backend.store.model import Lane, Mark

VERSION = 1
_FIXED = struct.Struct(">BQQQH")
_MARK = struct.Struct(">BQQ")


@dataclass(frozen=True, slots=True)
class Standing:
    """The last message of each lane, the last one dropped from the engine's, and where each producer is."""

    heads: Mapping[Lane, int]
    engine_floor: int
    marks: Mapping[str, Mark]

    def floor(self, lane: Lane) -> int:
        """Number of the last message of `lane` that was dropped."""
        return self.engine_floor if lane is Lane.ENGINE else 0


def encode_standing(standing: Standing) -> bytes:
    """The bytes of `standing`."""
    heads = standing.heads
    pieces = [
        _FIXED.pack(VERSION, heads[Lane.EVENTS], heads[Lane.ENGINE], standing.engine_floor, len(standing.marks)),
    ]
    for producer, mark in standing.marks.items():
        name = producer.encode()
        pieces += (_MARK.pack(len(name), mark.epoch, mark.producer_seq), name)
    return b"".join(pieces)


def decode_standing(data: bytes) -> Standing:
    """What `encode_standing` wrote. Raises `ValueError` for a version that is not known."""
    version, events, engine, floor, count = _FIXED.unpack_from(data)
    if version != VERSION:
        raise ValueError(f"standing of version {version}")
    marks: dict[str, Mark] = {}
    position = _FIXED.size
    for _ in range(count):
        length, epoch, producer_seq = _MARK.unpack_from(data, position)
        position += _MARK.size
        marks[data[position : position + length].decode()] = Mark(epoch, producer_seq)
        position += length
    return Standing({Lane.EVENTS: events, Lane.ENGINE: engine}, floor, marks)
