"""The appends of one lease: numbered, held until they are durable, sent again after a broken connection."""

import asyncio
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import JournalBatch, JournalRecord
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event, EventBatch
from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import LinkRequest
from stigmer_runner.engine.errors import LeaseLost
from stigmer_runner.link.pressure import Pressure


@dataclass(slots=True)
class _Held:
    number: int
    frame: LinkRequest
    size: int
    done: "asyncio.Future[None]"


class Outbox:
    """What a lease's holder wrote and the daemon has not acknowledged. It is a `JournalSink`.

    `wake` is called when there is something to send.
    """

    def __init__(self, execution_id: str, epoch: int, pressure: Pressure, wake: "Callable[[Outbox], None]") -> None:
        self.execution_id = execution_id
        self.epoch = epoch
        self.lost: str | None = None
        """Why the lease is over, where it is."""
        self._pressure = pressure
        self._wake = wake
        # A list: an empty deque takes half a kilobyte, and most leases of workflows that wait hold nothing.
        self._held: list[_Held] = []
        self._sent = 0
        self._number = 0
        self._bytes = 0
        self._paused = False
        self._on_pause: Callable[[bool], None] | None = None
        self._on_lost: Callable[[str], None] | None = None
        self._on_events: Callable[[Sequence[Event]], None] | None = None
        pressure.join(self)

    @property
    def held_bytes(self) -> int:
        """Bytes that are not acknowledged."""
        return self._bytes

    def listen(self, on_pause: Callable[[bool], None], on_lost: Callable[[str], None]) -> None:
        """Be told when to make no more output, and when the lease is over; at once where that is so already."""
        self._on_pause, self._on_lost = on_pause, on_lost
        if self._paused:
            on_pause(True)
        if self.lost is not None:
            on_lost(self.lost)

    def show_events(self, watch: Callable[[Sequence[Event]], None]) -> None:
        """Show `watch` the events of every append."""
        self._on_events = watch

    def set_paused(self, paused: bool) -> None:
        """See `Pressure`."""
        self._paused = paused
        if self._on_pause is not None:
            self._on_pause(paused)

    # The engine's side

    def append(
        self, records: Sequence[JournalRecord], events: Sequence[Event], *, urgent: bool, final: bool = False
    ) -> "asyncio.Future[None]":
        """See `JournalSink.append`."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.lost is not None:
            _fail(done, self.lost)
            return done
        if events and self._on_events is not None:
            self._on_events(events)
        self._number += 1
        append = LinkRequest.Append(
            execution_id=self.execution_id,
            epoch=self.epoch,
            producer_seq=self._number,
            events=EventBatch(events=events).SerializeToString() if events else b"",
            event_count=len(events),
            journal=JournalBatch(records=records).SerializeToString() if records else b"",
            journal_count=len(records),
            urgent=urgent,
            final=final,
        )
        size = len(append.events) + len(append.journal)
        self._held.append(_Held(self._number, LinkRequest(append=append), size, done))
        self._bytes += size
        self._pressure.changed(self)
        self._wake(self)
        return done

    # The connection's side

    @property
    def next_bytes(self) -> int:
        """How large the next frame is; 0 where there is none."""
        return self._held[self._sent].size if self._sent < len(self._held) else 0

    def next_frame(self) -> LinkRequest | None:
        """The next frame that was not sent over this connection."""
        if self._sent >= len(self._held):
            return None
        self._sent += 1
        return self._held[self._sent - 1].frame

    def rewind(self, durable: int) -> None:
        """A new connection: everything up to `durable` is known there, the rest is sent again."""
        self.acknowledged(durable)
        self._sent = 0
        if self._held:
            self._wake(self)

    def acknowledged(self, number: int) -> None:
        """Everything up to `number` is durable."""
        known = sum(1 for _ in itertools.takewhile(lambda held: held.number <= number, self._held))
        over, self._held[:known] = self._held[:known], ()
        self._sent = max(self._sent - known, 0)
        for held in over:
            self._bytes -= held.size
            if not held.done.done():
                held.done.set_result(None)
        self._pressure.changed(self)

    def lose(self, reason: str) -> None:
        """The lease is over: what is held will never be durable."""
        if self.lost is not None:
            return
        self.lost = reason
        if self._on_lost is not None:
            self._on_lost(reason)
        for held in self._held:
            if not held.done.done():
                _fail(held.done, reason)
        self.close()

    def close(self) -> None:
        """The lease is at its end: nothing is sent any more."""
        self._held.clear()
        self._sent = self._bytes = 0
        self._pressure.leave(self)


def _fail(future: "asyncio.Future[None]", reason: str) -> None:
    future.set_exception(LeaseLost(reason))
    future.exception()  # counts as seen: whoever awaits it still gets it, nobody need to
