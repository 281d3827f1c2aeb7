"""Events at rest: what `events.fs` holds, how tails are moved into it, and how it is read.

    root
    ├── journal    Cell: number of the oldest journal file that is still needed
    ├── standings  NameTree: execution -> Cell (`standing.py`)
    └── chunks     NameTree: "<lane>/<execution>" -> ChunkTree: first number -> Chunk

One flush is one transaction: chunks, standings and the journal's number change together.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import cast

from ZODB.DB import DB

from stigmer_backend.store.database import Database, Session
from stigmer_backend.store.errors import StoreDamaged
from stigmer_backend.store.model import Batch, Lane
from stigmer_backend.store.persistent_classes import Cell, Chunk, ChunkTree, NameTree
from stigmer_backend.store.standing import Standing, decode_standing, encode_standing
from stigmer_backend.store.timeline import Tail, Timeline

_NUMBER = struct.Struct(">Q")


def _lane_name(execution: str, lane: Lane) -> str:
    return f"{lane.value}/{execution}"


@dataclass(frozen=True, slots=True)
class Archive:
    """A look at `events.fs` through one connection, inside a transaction of its session."""

    session: Session
    fresh: list[Chunk] = field(default_factory=list[Chunk])
    """Chunks of this transaction."""

    def prepare(self, journal: int) -> None:
        """Make the empty structure. Inside a transaction that the caller commits."""
        root = self.session.root
        root["journal"] = Cell(_NUMBER.pack(journal))
        root["standings"] = NameTree()
        root["chunks"] = NameTree()

    @property
    def is_prepared(self) -> bool:
        """Whether the structure is there."""
        return "journal" in self.session.root

    @property
    def journal(self) -> int:
        """Number of the oldest journal file that is still needed."""
        (number,) = _NUMBER.unpack(cast(Cell, self.session.root["journal"]).data)
        return number

    def standing(self, execution: str) -> Standing | None:
        """How `execution` stands, or None if it is not here."""
        cell = self._standings.get(execution)
        return None if cell is None else decode_standing(cast(Cell, cell).data)

    def timeline(self, execution: str) -> Timeline | None:
        """A timeline as it would be with nothing in memory, or None if the execution is not here."""
        standing = self.standing(execution)
        if standing is None:
            return None
        lanes = {
            Lane.EVENTS: Tail(standing.heads[Lane.EVENTS]),
            Lane.ENGINE: Tail(standing.heads[Lane.ENGINE], standing.engine_floor),
        }
        return Timeline(execution, lanes, dict(standing.marks))

    def read(self, execution: str, lane: Lane, after_seq: int, max_bytes: int) -> list[Batch]:
        """Chunks from the one that holds `after_seq + 1`, at least one and up to `max_bytes`; none if it is not here."""
        tree = self._chunks.get(_lane_name(execution, lane))
        if tree is None:
            return []
        chunks = cast(ChunkTree, tree)
        try:
            start = chunks.maxKey(after_seq + 1)
        except ValueError:
            start = None
        found: list[Batch] = []
        size = 0
        try:
            for first, chunk in chunks.items(start):
                if first + chunk.count - 1 <= after_seq:
                    continue
                if found and size + len(chunk.body) > max_bytes:
                    break
                found.append(Batch(first, chunk.count, chunk.body))
                size += len(chunk.body)
        except StoreDamaged:
            if not found:
                raise  # What came before is told first.
        return found

    def flush(
        self, timelines: Iterable[Timeline], removed: Iterable[str], journal: int | None, chunk_bytes: int
    ) -> None:
        """Put what the timelines hold in memory into the database, in chunks of about `chunk_bytes`.

        Inside a transaction that the caller commits.
        """
        standings, chunks = self._standings, self._chunks
        for timeline in timelines:
            for lane, tail in timeline.lanes.items():
                self._flush_lane(_lane_name(timeline.execution, lane), tail, chunk_bytes)
            data = encode_standing(
                Standing(
                    {lane: tail.head for lane, tail in timeline.lanes.items()},
                    timeline.lanes[Lane.ENGINE].floor,
                    timeline.marks,
                )
            )
            cell = standings.get(timeline.execution)
            if cell is None:
                standings[timeline.execution] = Cell(data)
            else:
                cast(Cell, cell).data = data
        for execution in removed:
            standings.pop(execution, None)
            for lane in Lane:
                chunks.pop(_lane_name(execution, lane), None)
        if journal is not None:
            cast(Cell, self.session.root["journal"]).data = _NUMBER.pack(journal)

    def _flush_lane(self, name: str, tail: Tail, chunk_bytes: int) -> None:
        tree = cast("ChunkTree | None", self._chunks.get(name))
        if tree is not None and tail.floor:
            for first in list(tree.keys(None, tail.floor)):
                del tree[first]
            if not tree:
                del self._chunks[name]
                tree = None
        if not tail.parts:
            return
        if tree is None:
            tree = self._chunks[name] = ChunkTree()
        for chunk in in_chunks(tail.parts, chunk_bytes):
            stored = Chunk(chunk[-1].last_seq - chunk[0].first_seq + 1, b"".join([part.body for part in chunk]))
            tree[chunk[0].first_seq] = stored
            self.fresh.append(stored)

    @property
    def _standings(self) -> NameTree:
        return cast(NameTree, self.session.root["standings"])

    @property
    def _chunks(self) -> NameTree:
        return cast(NameTree, self.session.root["chunks"])


def in_chunks(parts: Iterable[Batch], chunk_bytes: int) -> Iterator[list[Batch]]:
    """Neighbouring parts, together as long as they stay within `chunk_bytes`."""
    chunk: list[Batch] = []
    size = 0
    for part in parts:
        if chunk and size + len(part.body) > chunk_bytes:
            yield chunk
            chunk, size = [], 0
        chunk.append(part)
        size += len(part.body)
    if chunk:
        yield chunk


class EventsSession(Session):
    """A connection to `events.fs`."""

    def __init__(self, db: DB) -> None:
        super().__init__(db)
        self._archive = Archive(self)

    @property
    def archive(self) -> Archive:
        """What it shows, inside a transaction."""
        return self._archive

    def commit(self) -> None:
        """As `Session.commit`. Bodies of chunks are let go of at once: whoever wrote them does not read them."""
        super().commit()
        for chunk in self._archive.fresh:
            chunk._p_deactivate()
        self._archive.fresh.clear()

    def abort(self) -> None:
        """As `Session.abort`."""
        super().abort()
        self._archive.fresh.clear()


class EventsFile(Database):
    """`events.fs` as a database."""

    def session(self) -> EventsSession:
        """A new connection."""
        return EventsSession(self._db)
