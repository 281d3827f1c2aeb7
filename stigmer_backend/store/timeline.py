"""An execution in memory: how far each lane and producer came, and the tail that is not yet in `events.fs`.

`Timeline` is shared: the writer thread changes it under the event log's lock, readers look at it under the same lock.
`Draft` is the writer's own: what a group would do to a timeline, kept apart until the group is written.
"""

from bisect import bisect_right
from dataclasses import dataclass, field

from stigmer_backend.store.errors import ProducerGap, StaleEpoch
from stigmer_backend.store.model import Append, Batch, Lane, Mark


class Tail:
    """The end of a lane. Messages up to `flushed` are in `events.fs`, later ones in `parts`; those up to `floor` were dropped."""

    __slots__ = ("durable", "firsts", "floor", "flushed", "head", "parts", "size")

    def __init__(self, head: int = 0, floor: int = 0) -> None:
        self.head = self.durable = self.flushed = head
        self.floor = floor
        self.firsts: list[int] = []
        self.parts: list[Batch] = []
        self.size = 0

    def add(self, part: Batch) -> None:
        """Put `part` at the end."""
        self.firsts.append(part.first_seq)
        self.parts.append(part)
        self.size += len(part.body)
        self.head = part.last_seq

    def forget_flushed(self) -> None:
        """All parts are in `events.fs` now."""
        self.flushed = self.head
        self.firsts.clear()
        self.parts.clear()
        self.size = 0

    def drop(self, through: int) -> None:
        """Forget every message up to `through`."""
        self.floor = max(self.floor, through)
        keep = [part for part in self.parts if part.first_seq > through]
        self.parts, self.firsts = keep, [part.first_seq for part in keep]
        self.size = sum(len(part.body) for part in keep)
        self.flushed = max(self.flushed, min(through, self.head))

    def read(self, after_seq: int, max_bytes: int) -> list[Batch]:
        """Parts from the one that holds `after_seq + 1`, joined, at least one and up to `max_bytes`."""
        start = max(0, bisect_right(self.firsts, after_seq + 1) - 1)
        chosen: list[Batch] = []
        size = 0
        for part in self.parts[start:]:
            if part.last_seq <= after_seq:
                continue
            if chosen and size + len(part.body) > max_bytes:
                break
            chosen.append(part)
            size += len(part.body)
        if len(chosen) < 2:
            return chosen
        body = b"".join([part.body for part in chosen])
        return [Batch(chosen[0].first_seq, chosen[-1].last_seq - chosen[0].first_seq + 1, body)]


@dataclass(slots=True)
class Timeline:
    """An execution: its lanes, the marks of its producers, and whether something is not yet in `events.fs`."""

    execution: str
    lanes: dict[Lane, Tail] = field(default_factory=lambda: {lane: Tail() for lane in Lane})
    marks: dict[str, Mark] = field(default_factory=dict[str, Mark])
    dirty: bool = False

    @property
    def size(self) -> int:
        """Bytes in memory that are not yet in `events.fs`."""
        return sum(tail.size for tail in self.lanes.values())


class Draft:
    """What the groups of one write add to a timeline."""

    __slots__ = ("_heads_before", "_marks_before", "_parts_before", "heads", "is_new", "marks", "parts", "timeline")

    def __init__(self, timeline: Timeline, is_new: bool = False) -> None:
        self.timeline = timeline
        self.is_new = is_new
        self.heads = {lane: tail.head for lane, tail in timeline.lanes.items()}
        self.marks: dict[str, Mark] = {}
        self.parts: list[tuple[Lane, Batch]] = []
        self.begin_call()

    def begin_call(self) -> None:
        """Remember this place for `undo_call`."""
        self._heads_before = dict(self.heads)
        self._marks_before: dict[str, Mark | None] = {}
        self._parts_before = len(self.parts)

    def undo_call(self) -> None:
        """Be as at the last `begin_call`: the call was refused."""
        self.heads = self._heads_before
        del self.parts[self._parts_before :]
        for producer, mark in self._marks_before.items():
            if mark is None:
                del self.marks[producer]
            else:
                self.marks[producer] = mark

    def admit(self, append: Append, begun: set[tuple[str, str]]) -> int | None:
        """Take `append` and return its first number, or None if it was stored before.

        `begun` holds the (execution, producer) whose current step was begun by the call itself.
        Raises `StaleEpoch` and `ProducerGap`.
        """
        if append.producer and not self._advance(append, begun):
            return None
        self.is_new = False
        first = self.heads[append.lane] + 1
        if append.count:
            self.parts.append((append.lane, Batch(first, append.count, append.body)))
            self.heads[append.lane] += append.count
        return first

    def apply(self) -> None:
        """Make the timeline what the draft says."""
        timeline = self.timeline
        for lane, part in self.parts:
            timeline.lanes[lane].add(part)
        timeline.marks.update(self.marks)
        timeline.dirty = True

    def _advance(self, append: Append, begun: set[tuple[str, str]]) -> bool:
        """Move the producer's mark to the append's step; False if the step was stored before."""
        drafted = self.marks.get(append.producer)
        known = drafted or self.timeline.marks.get(append.producer)
        if known is not None and append.epoch < known.epoch:
            raise StaleEpoch(append.execution, append.producer, append.epoch, known.epoch)
        last = known.producer_seq if known is not None and known.epoch == append.epoch else 0
        step = (append.execution, append.producer)
        if append.producer_seq == last and step in begun:
            return True
        if append.producer_seq <= last:
            return False
        if append.producer_seq != last + 1:
            raise ProducerGap(append.execution, append.producer, append.producer_seq, last + 1)
        self._marks_before.setdefault(append.producer, drafted)
        self.marks[append.producer] = Mark(append.epoch, append.producer_seq)
        begun.add(step)
        return True
