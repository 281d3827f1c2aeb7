"""How an execution that has not ended is written down, so that opening it again reads only what came since.

One record of the table `live_execution` for each: it is there from the creation to the end, and is how an opening finds what lives.
"""

import struct
from dataclasses import dataclass

from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import FoldState
from stigmer_backend.executions.ledger import Ledger
from stigmer_backend.executions.terminals import Terminals
from stigmer_backend.resources.removal import LIVE

__all__ = ["LIVE", "Snapshot", "decode_snapshot", "encode_snapshot"]

_VERSION = 1
_HEAD = struct.Struct(">BIII")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A live execution as it stood after the event `fold.seq`."""

    fold: FoldState
    ledger: Ledger
    terminals: Terminals


def encode_snapshot(snapshot: Snapshot) -> bytes:
    """The record's bytes."""
    parts = (snapshot.fold.SerializeToString(), snapshot.ledger.encode(), snapshot.terminals.encode())
    return b"".join((_HEAD.pack(_VERSION, *(len(part) for part in parts)), *parts))


def decode_snapshot(data: bytes) -> Snapshot | None:
    """What `encode_snapshot` wrote; None where nothing was written down yet. Raises `ValueError` for another version."""
    if not data:
        return None
    version, fold, ledger, terminals = _HEAD.unpack_from(data)
    if version != _VERSION:
        raise ValueError(f"snapshot of version {version}")
    start = _HEAD.size
    middle, last = start + fold, start + fold + ledger
    return Snapshot(
        FoldState.FromString(data[start:middle]),
        Ledger.decode(data[middle:last]),
        Terminals.decode(data[last : last + terminals]),
    )
