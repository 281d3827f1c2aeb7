"""The nouns of the store: what is appended, what is read, what a record and a row of a list are."""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

EXECUTION_ID_LIMIT = 64
"""Longest execution id, in ASCII bytes."""

PRODUCER_LIMIT = 255
"""Longest name of a producer, in UTF-8 bytes."""

BODY_LIMIT = 64 << 20
"""Most bytes in one group of appends. Messages on the wire are far below; a declared length above it is damage."""


NEWEST = (1 << 63) - 1
"""Times are stored as their distance to this, so that a list's first key is its newest row."""


class Lane(IntEnum):
    """The two sequences of an execution. The number is part of the journal's format."""

    EVENTS = 1
    """What happened, for anybody to read."""
    ENGINE = 2
    """The runner's own journal, for the holder of the lease alone."""


@dataclass(frozen=True, slots=True)
class Append:
    """One body to put at the end of a lane.

    `body` is opaque: messages that stay valid when bodies are joined. `count` is how many of them it holds; 0, with an
    empty body, appends nothing and moves the producer's mark alone (it fences lower epochs).
    `(producer, epoch, producer_seq)` makes a repeat harmless: a producer counts its steps from 1 in each epoch, once for both
    lanes, and all appends of one call with the same step are that step. An empty `producer` is not numbered: such an
    append is never taken for a repeat, and its epoch and step are 0.
    """

    execution: str
    lane: Lane
    body: bytes
    count: int
    producer: str
    epoch: int
    producer_seq: int


@dataclass(frozen=True, slots=True)
class Appended:
    """The place of an append. Of a duplicate, which was stored before, the place is no longer known: `first_seq` is 0."""

    first_seq: int
    duplicate: bool


@dataclass(frozen=True, slots=True)
class Batch:
    """Neighbouring messages of a lane: `count` of them, joined in `body`, the first of which is number `first_seq`."""

    first_seq: int
    count: int
    body: bytes

    @property
    def last_seq(self) -> int:
        """Number of the last message."""
        return self.first_seq + self.count - 1


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a producer came: its epoch, and its last step in it."""

    epoch: int
    producer_seq: int


class Record(NamedTuple):
    """A record of the state. `version` counts from 1 with each `put`; `created_ns` and the order of `parents` are kept."""

    data: bytes
    version: int
    created_ns: int
    slug: str
    parents: tuple[str, ...]


class Row(NamedTuple):
    """A row of a list. `key` is its place, to continue from; `summary` is what the list shows."""

    key: bytes
    summary: bytes

    @property
    def id(self) -> str:
        """The record's id."""
        return self.key[8:].decode()

    @property
    def created_ns(self) -> int:
        """When the record was made."""
        return NEWEST - int.from_bytes(self.key[:8])


@dataclass(frozen=True, slots=True)
class Span:
    """A range of times of creation, in nanoseconds since 1970: from `from_ns` up to, and without, `before_ns`."""

    from_ns: int = 0
    before_ns: int = NEWEST + 1

    @property
    def first(self) -> bytes:
        """The smallest key that a row of this time may have: of the newest one."""
        return (NEWEST + 1 - min(self.before_ns, NEWEST + 1)).to_bytes(8)

    @property
    def end(self) -> bytes:
        """A key behind those of all rows of this time, and not behind any other."""
        return (NEWEST + 1 - max(self.from_ns, 0)).to_bytes(8)


@dataclass(frozen=True, slots=True)
class Changed:
    """A record that was written or deleted."""

    kind: str
    id: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What was written after some revision. What is in it twice is told once."""

    revision: int
    """Everything up to here is told."""
    records: tuple[Changed, ...]
    """The longest ago first."""
