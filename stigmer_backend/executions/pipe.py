"""The way of a runner's appends into the log: in order, many at a time, acknowledged as they become durable.

A full disk loses nothing and needs no restart: what could not be written waits here and is written again, in the same order, until there
is space. The runner feels it as acknowledgements that do not come.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import LinkRequest
from stigmer_apis.errors import InvalidArgument, SequenceGap
from stigmer_backend.executions.appending import Appender, Piece
from stigmer_backend.executions.event_batches import decode_events, terminal_phase
from stigmer_backend.executions.live import LiveExecution
from stigmer_backend.executions.options import ExecutionOptions
from stigmer_backend.executions.pauses import Pauses
from stigmer_backend.executions.registry import RUNNER
from stigmer_backend.executions.tasks import Bell
from stigmer_backend.store import Append, Appended, AppendRefused, Lane, StoreFull

_log = logging.getLogger(__name__)

FENCE_STEPS = 1
"""The store's first step of an epoch is the daemon's own: it fences the epochs before. The runner's first one follows it."""


@dataclass(slots=True)
class Pending:
    """An append that is not durable yet."""

    producer_seq: int
    pieces: Sequence[Piece]
    size: int
    urgent: bool
    last: bool
    """It ends the execution."""
    task: "asyncio.Task[Sequence[Appended]] | None" = None


class Pipe:
    """The appends of one lease. It lives as long as the lease, over all connections of its runner."""

    def __init__(
        self,
        live: LiveExecution,
        epoch: int,
        durable: int,
        appender: Appender,
        options: ExecutionOptions,
        acknowledge: Callable[[int], None],
        lost: Callable[[str], None],
    ) -> None:
        self._live = live
        self._epoch = epoch
        self._appender = appender
        self._options = options
        self._acknowledge = acknowledge
        self._lost = lost
        self._pauses = Pauses(options)
        self._queue: deque[Pending] = deque()
        self._more = Bell()
        self._less = Bell()
        self._accepted = durable
        self._stalled = False
        self._shut = False
        self.ending = False
        """Whether the runner has sent the last append of the execution."""
        self.durable = durable
        """The last of the runner's steps that is durable."""
        self.waiting_bytes = 0
        """Bytes that are not durable yet."""

    def push(self, append: LinkRequest.Append) -> None:
        """Take an append. One that was taken before is acknowledged again, once it is durable.

        Raises `SequenceGap` where steps are missing before it, `InvalidArgument` for what is no proper append.
        """
        step = append.producer_seq
        if step <= self._accepted:
            if step <= self.durable:
                self._acknowledge(self.durable)
            return
        if step != self._accepted + 1:
            raise SequenceGap(
                f"the runner sent step {step} of {self._live.id} where {self._accepted + 1} is next",
                remedy="connect again and resend",
                expected=self._accepted + 1,
                got=step,
            )
        pending = self._pending(append)
        self._accepted = step
        self._queue.append(pending)
        self.waiting_bytes += pending.size
        if pending.last:
            self.ending = self._live.closing = True
        elif not self._stalled:
            self._send(pending)
        self._more.ring()

    def shut(self) -> None:
        """The lease is over: what is on its way arrives, nothing is tried again."""
        self._shut = True
        self._more.ring()

    async def wait_below(self, limit: int) -> None:
        """Wait until less than `limit` bytes wait."""
        while self.waiting_bytes >= limit and not self._shut:
            await self._less.wait()

    async def run(self) -> None:
        """Follow the appends to the disk, in order, until the lease is over."""
        while True:
            while not self._queue:
                if self._shut:
                    return
                await self._more.wait()
            first = self._queue[0]
            try:
                if first.last:
                    await self._appender.write_last(self._live, first.pieces)
                else:
                    if first.task is None:
                        self._send(first)
                    await asyncio.shield(cast("asyncio.Task[object]", first.task))
            except StoreFull as full:
                if self._shut:
                    self._give_up(str(full))
                    return
                await self._wait_for_space(str(full))
            except AppendRefused as refused:
                self._give_up(str(refused))
                return
            else:
                self._arrived()

    def _arrived(self) -> None:
        first = self._queue.popleft()
        self.waiting_bytes -= first.size
        self.durable = first.producer_seq
        if self._stalled:
            self._stalled = False
            self._pauses = Pauses(self._options)
            self._live.problem = ""
            for pending in self._queue:
                if not pending.last:
                    self._send(pending)
        self._acknowledge(self.durable)
        self._less.ring()

    def _send(self, pending: Pending) -> None:
        pending.task = self._appender.write(self._live, pending.pieces, urgent=pending.urgent)

    async def _wait_for_space(self, reason: str) -> None:
        """Let what is on its way fail too, and wait a while. After that the first is tried alone, and the others behind it."""
        _log.warning("output of %s waits for space: %s", self._live.id, reason)
        self._stalled = True
        self._live.problem = reason
        await asyncio.gather(*(one.task for one in self._queue if one.task is not None), return_exceptions=True)
        for pending in self._queue:
            pending.task = None
        await self._pauses.next()

    def _give_up(self, reason: str) -> None:
        self._queue.clear()
        self.waiting_bytes = 0
        self._shut = True
        if not self._live.ended:
            self._live.closing = False
        self._less.ring()
        self._lost(reason)

    def _pending(self, append: LinkRequest.Append) -> Pending:
        events = decode_events(append.events)
        if len(events) != append.event_count:
            raise InvalidArgument(
                f"an append to {self._live.id} says {append.event_count} events and has {len(events)}"
            )
        last = _ends(self._live.id, events)
        if append.final and not last:
            raise InvalidArgument(f"the final append to {self._live.id} does not end it")
        step = append.producer_seq + FENCE_STEPS
        pieces: list[Piece] = []
        for lane, body, count, inside in (
            (Lane.ENGINE, append.journal, append.journal_count, []),
            (Lane.EVENTS, append.events, append.event_count, events),
        ):
            if count:
                pieces.append(Piece(Append(self._live.id, lane, body, count, RUNNER, self._epoch, step), inside))
        if not pieces:
            raise InvalidArgument(f"an append to {self._live.id} holds nothing")
        size = len(append.events) + len(append.journal)
        return Pending(append.producer_seq, pieces, size, append.urgent or last, last)


def _ends(execution_id: str, events: Sequence[Event]) -> bool:
    """Whether the last of `events` ends the execution. Raises `InvalidArgument` where an earlier one does."""
    for place, event in enumerate(events):
        if terminal_phase(event) is not None:
            if place != len(events) - 1:
                raise InvalidArgument(f"events of {execution_id} come after its end")
            return True
    return False
