"""The events of an execution, each exactly once, across broken connections and restarted servers."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

from google.protobuf.message import DecodeError

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event, EventBatch
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import Cursor, TailRequest, TailResponse
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import FoldState
from stigmer_apis.client.connection import Connection
from stigmer_apis.client.options import Backoff
from stigmer_apis.client.wire import Wire
from stigmer_apis.errors import DaemonNotStarted, DataLoss, Unauthenticated, Unavailable
from stigmer_apis.transport import aio

_MOST_GAPS = 5
"""A gap that is still there after so many tries is damage, not a lost frame."""


@dataclass(frozen=True, slots=True)
class TailBatch:
    """Events with dense sequences, each told once."""

    first_seq: int
    """Sequence of the first event."""
    events: list[Event]
    """At least one."""
    incarnation: str = ""
    """The store's: with `last_seq` a cursor to come back with."""

    @property
    def last_seq(self) -> int:
        """Sequence of the last event."""
        return self.first_seq + len(self.events) - 1


@dataclass(frozen=True, slots=True)
class TailReset:
    """What was told so far is not there any more (a power cut, a restored backup, removed events): forget it. Events follow from `first_available`."""

    first_available: int
    """Sequence of the next event."""
    snapshot: FoldState | None
    """The fold before `first_available`; None where nothing was before it."""
    incarnation: str = ""
    held_back: int = 0
    """Events before `first_available` that are there, and that `last_bytes` left out; then `snapshot` is what stands now, after the event `snapshot.seq`."""
    beginning: Event | None = None
    """With `held_back`: the first event of all."""


@dataclass(frozen=True, slots=True)
class TailHeartbeat:
    """Everything up to `head_seq` has been told."""

    head_seq: int


@dataclass(frozen=True, slots=True)
class TailEnd:
    """The execution has ended and everything has been told. The last item."""

    final_seq: int
    phase: "ExecutionPhase.ValueType"


TailItem = TailBatch | TailReset | TailHeartbeat | TailEnd


class _Reopen(Exception):
    """The stream is no longer of use; open it again from where it was read. `gap`: it left something out."""

    def __init__(self, *, gap: bool) -> None:
        super().__init__()
        self.gap = gap


@dataclass(slots=True)
class _Position:
    """Where the reader stands."""

    last: int
    incarnation: str
    last_bytes: int = 0
    gaps: int = field(default=0)

    def request(self, execution_id: str, follow: bool) -> TailRequest:
        cursor = Cursor(incarnation=self.incarnation, after_seq=self.last)
        return TailRequest(execution_id=execution_id, cursor=cursor, follow=follow, last_bytes=self.last_bytes)

    def take(self, frame: TailResponse) -> TailItem | None:
        """What `frame` tells that was not told before. Raises `_Reopen` where something before it is missing."""
        match frame.WhichOneof("frame"):
            case "batch":
                return self._batch(frame.batch)
            case "heartbeat":
                self._expect(frame.heartbeat.head_seq)
                return TailHeartbeat(frame.heartbeat.head_seq)
            case "reset":
                return self._reset(frame.reset)
            case "end":
                self._expect(frame.end.final_seq)
                return TailEnd(frame.end.final_seq, frame.end.phase)
            case None:
                return None

    def _batch(self, batch: TailResponse.Batch) -> TailItem | None:
        if batch.incarnation and self.incarnation and batch.incarnation != self.incarnation:
            self.last, self.incarnation = 0, batch.incarnation
            return TailReset(1, None, batch.incarnation)
        self.incarnation = batch.incarnation or self.incarnation
        if batch.first_seq > self.last + 1:
            raise _Reopen(gap=True)
        known = self.last + 1 - batch.first_seq
        try:
            events = list(EventBatch.FromString(batch.events).events)[known:]
        except DecodeError as error:
            raise DataLoss(
                f"events from number {batch.first_seq} on cannot be read", remedy="`stigmer doctor` looks at the store"
            ) from error
        if not events:
            return None
        first, self.last, self.gaps = self.last + 1, self.last + len(events), 0
        return TailBatch(first, events, self.incarnation)

    def _reset(self, reset: TailResponse.Reset) -> TailReset:
        self.last, self.incarnation = max(reset.first_available, 1) - 1, reset.incarnation
        snapshot = reset.snapshot if reset.HasField("snapshot") else None
        first = EventBatch.FromString(reset.beginning).events if reset.held_back else ()
        return TailReset(self.last + 1, snapshot, reset.incarnation, reset.held_back, first[0] if first else None)

    def _expect(self, head: int) -> None:
        if head > self.last:
            raise _Reopen(gap=True)


async def tail(
    connection: Connection, execution_id: str, after_seq: int, incarnation: str, *, follow: bool, last_bytes: int
) -> AsyncGenerator[TailItem, None]:
    """See `Client.tail`."""
    position = _Position(after_seq, incarnation, last_bytes)
    backoff = Backoff(connection.options)
    refused = False
    while True:
        try:
            async with aclosing(_stream(connection, position, execution_id, follow)) as items:
                async for item in items:
                    backoff.reset()
                    refused = False
                    yield item
            return
        except _Reopen as reopen:
            position.gaps += reopen.gap
            if position.gaps > _MOST_GAPS:
                raise DataLoss(
                    f"events of {execution_id} after number {position.last} are missing",
                    remedy="`stigmer doctor` looks at the store",
                ) from reopen
        except Unauthenticated:
            if refused:
                raise
            refused = True
        except DaemonNotStarted:
            await asyncio.sleep(connection.options.start_delay)
        except Unavailable:
            refused = False
        await asyncio.sleep(backoff.delay())


async def _stream(
    connection: Connection, position: _Position, execution_id: str, follow: bool
) -> AsyncGenerator[TailItem, None]:
    """What one stream tells, to its end. Raises `_Reopen` where it ends early."""
    async with connection.wire() as wire:
        call = wire.executions.Tail(position.request(execution_id, follow), metadata=wire.metadata())
        try:
            while (frame := await _read(connection, wire, call)) is not None:
                item = position.take(frame)
                if item is None:
                    continue
                yield item
                if isinstance(item, TailEnd):
                    return
                if isinstance(item, TailReset) and frame.HasField("batch"):
                    raise _Reopen(gap=False)
        finally:
            call.cancel()
    if follow:
        raise _Reopen(gap=False)


async def _read(
    connection: Connection, wire: Wire, call: "aio.UnaryStreamCall[TailRequest, TailResponse]"
) -> TailResponse | None:
    """The next frame, None at the end. A stream that is silent for longer than the watchdog allows counts as broken."""
    try:
        async with asyncio.timeout(connection.options.watchdog):
            frame = await call.read()
    except TimeoutError as error:
        connection.drop(wire, "the server is silent")
        raise Unavailable("the server is silent", remedy="`stigmer server status` tells more") from error
    except aio.AioRpcError as error:
        raise connection.broken(wire, error) from error
    return frame if isinstance(frame, TailResponse) else None
