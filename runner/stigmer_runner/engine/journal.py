"""Where a run's records and events go: the port, and a journal in memory for tests."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import JournalRecord
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_runner.engine.errors import LeaseLost


class JournalSink(Protocol):
    """The durable log of one execution, for as long as its lease is held."""

    def append(
        self, records: Sequence[JournalRecord], events: Sequence[Event], *, urgent: bool, final: bool = False
    ) -> "asyncio.Future[None]":
        """Take records and events as one group, whole or absent, in the order of the calls.

        The future is done once the group, and with it all before it, is durable; it fails with `LeaseLost` where that
        will never be. `urgent` says that somebody waits; `final` that the events end the execution.
        """
        ...


@dataclass(slots=True)
class Group:
    """What one append held."""

    records: list[JournalRecord]
    events: list[Event]
    urgent: bool
    final: bool


@dataclass
class MemoryJournal:
    """A journal in memory: durable at the next turn of the loop, or when released. For tests and experiments."""

    groups: list[Group] = field(default_factory=list[Group])
    """What was appended, in order; what a journal is made with is durable."""
    held: bool = False
    """While set, nothing becomes durable."""
    _waiting: list[tuple[int, "asyncio.Future[None]"]] = field(
        default_factory=list[tuple[int, "asyncio.Future[None]"]], init=False
    )
    _durable: int = field(default=0, init=False)
    _settling: bool = field(default=False, init=False)
    _lost: LeaseLost | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._durable = len(self.groups)

    def append(
        self, records: Sequence[JournalRecord], events: Sequence[Event], *, urgent: bool, final: bool = False
    ) -> "asyncio.Future[None]":
        """See `JournalSink.append`."""
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        if self._lost is not None:
            _fail(done, self._lost)
            return done
        self.groups.append(Group(list(records), list(events), urgent, final))
        self._waiting.append((len(self.groups), done))
        if not self.held and not self._settling:
            self._settling = True
            loop.call_soon(self.release)
        return done

    def release(self, count: int | None = None) -> None:
        """Make the first `count` groups durable, all of them without a number."""
        self._settling = False
        self._durable = max(self._durable, len(self.groups) if count is None else count)
        while self._waiting and self._waiting[0][0] <= self._durable:
            _, done = self._waiting.pop(0)
            if not done.done():
                done.set_result(None)

    def lose(self, reason: str) -> None:
        """End the lease: what is not durable is gone, and nothing more is taken."""
        self._lost = LeaseLost(reason)
        del self.groups[self._durable :]
        for _, done in self._waiting:
            if not done.done():
                _fail(done, self._lost)
        self._waiting.clear()

    @property
    def durable(self) -> int:
        """How many groups are durable."""
        return self._durable

    @property
    def records(self) -> list[JournalRecord]:
        """All records, in order."""
        return records_of(self.groups)

    @property
    def events(self) -> list[Event]:
        """All events, in order."""
        return [event for group in self.groups for event in group.events]


def records_of(groups: Iterable[Group]) -> list[JournalRecord]:
    """The records of `groups`, in order."""
    return [record for group in groups for record in group.records]


def _fail(future: "asyncio.Future[None]", error: LeaseLost) -> None:
    future.set_exception(error)
    future.exception()  # counts as seen: whoever awaits it still gets it, nobody need to
