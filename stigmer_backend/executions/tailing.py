"""Tail: a reader is a cursor over the log. It is told when the log moved and reads for itself; nobody waits for it."""

import asyncio
from collections.abc import AsyncIterator

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import Cursor, TailRequest, TailResponse
from stigmer_apis.errors import NotFound
from stigmer_apis.fold import is_terminal
from stigmer_backend.executions.event_batches import pieces, without_first
from stigmer_backend.executions.options import ExecutionOptions
from stigmer_backend.executions.registry import Registry
from stigmer_backend.executions.runs import phase_of, run_kind
from stigmer_backend.executions.windows import window
from stigmer_backend.resources.lookup import find
from stigmer_backend.resources.text import quoted
from stigmer_backend.store import Store, UnknownExecution

MESSAGE_BYTES = 4 << 20
"""What was stored as one is sent in pieces above this: what the disk could not take for a while may come as one of many megabytes."""


class Tails:
    """Serves the events of executions."""

    def __init__(self, store: Store, registry: Registry, options: ExecutionOptions) -> None:
        self._store = store
        self._registry = registry
        self._options = options

    async def follow(self, request: TailRequest) -> AsyncIterator[TailResponse]:
        """The events of an execution from the cursor on; without `follow`, those that are there. Raises `NotFound`."""
        execution_id = request.execution_id
        try:
            after = request.cursor.after_seq
            reset = await self._reset(execution_id, request)
            if reset is not None:
                yield TailResponse(reset=reset)
                after = reset.first_available - 1
            tail = _Tail(self._store, self._registry, self._options, execution_id, after)
            async for response in tail.read(follow=request.follow):
                yield response
        except UnknownExecution as unknown:
            raise NotFound(
                f"there is no execution {quoted(execution_id)}", remedy="it may have been deleted; list what is there"
            ) from unknown

    async def _reset(self, execution_id: str, request: TailRequest) -> TailResponse.Reset | None:
        """Where the reader cannot go on from where it is, or has nothing and asks for the end: where it goes on."""
        unknown = await self._is_unknown(execution_id, request.cursor)
        if request.last_bytes and (unknown or not request.cursor.after_seq):
            reset = await window(self._store, self._registry, execution_id, request.last_bytes)
            if reset is not None:
                return reset
        return TailResponse.Reset(first_available=1, incarnation=self._store.incarnation) if unknown else None

    async def _is_unknown(self, execution_id: str, cursor: Cursor) -> bool:
        """Whether the reader has what is not here: of another incarnation, or beyond the end."""
        head = await self._store.head(execution_id)
        if not cursor.after_seq:
            return False
        elsewhere = cursor.incarnation not in ("", self._store.incarnation)
        return elsewhere or cursor.after_seq > head


class _Tail:
    """One reader."""

    def __init__(
        self, store: Store, registry: Registry, options: ExecutionOptions, execution_id: str, after_seq: int
    ) -> None:
        self._store = store
        self._registry = registry
        self._options = options
        self._id = execution_id
        self._sent = after_seq
        self._loop = asyncio.get_running_loop()
        self._told_incarnation = False

    async def read(self, *, follow: bool) -> AsyncIterator[TailResponse]:
        heartbeat_at = 0.0
        while True:
            began = self._loop.time()
            size = 0
            for batch in await self._store.read(self._id, self._sent, self._options.tail_batch_bytes):
                body = batch.body
                if batch.first_seq <= self._sent:
                    body = without_first(body, self._sent + 1 - batch.first_seq)
                size += len(body)
                for count, piece in pieces(body, MESSAGE_BYTES) if len(body) > MESSAGE_BYTES else [(0, body)]:
                    yield self._batch(self._sent + 1, piece)
                    self._sent = self._sent + count if count else batch.last_seq
            now = self._loop.time()
            if size:
                if heartbeat_at and now >= heartbeat_at:
                    heartbeat_at = now + self._options.heartbeat_seconds
                    yield self._heartbeat()
                if size < self._options.tail_batch_bytes:
                    await self._gather(began + self._options.tail_spacing_seconds)
                continue
            end = await self._end()
            if end is not None:
                yield end
                return
            if now >= heartbeat_at:
                yield self._heartbeat()
                heartbeat_at = now + self._options.heartbeat_seconds
            if not follow:
                return
            await self._wait(heartbeat_at)

    def _batch(self, first_seq: int, body: bytes) -> TailResponse:
        batch = TailResponse.Batch(first_seq=first_seq, events=body)
        if not self._told_incarnation:
            self._told_incarnation = True
            batch.incarnation = self._store.incarnation
        return TailResponse(batch=batch)

    def _heartbeat(self) -> TailResponse:
        return TailResponse(heartbeat=TailResponse.Heartbeat(head_seq=self._sent, incarnation=self._store.incarnation))

    async def _gather(self, until: float) -> None:
        """At the head, let deltas gather until then; an event that is none ends it."""
        live = self._registry.get(self._id)
        if live is None or await self._store.head(self._id) > self._sent:
            return
        while live.prompt_seq <= self._sent and not live.closing:
            left = until - self._loop.time()
            if left <= 0 or not await live.changed.wait(left):
                return

    async def _wait(self, heartbeat_at: float) -> None:
        """Wait until there is more, or it is time for a heartbeat. The end of an execution rings its bell a moment after its last event."""
        left = max(0.0, heartbeat_at - self._loop.time())
        live = self._registry.get(self._id)
        if live is not None and live.closing and await self._store.head(self._id) <= self._sent:
            if not live.ended:
                await live.changed.wait(left)
            return
        try:
            async with asyncio.timeout(left):
                await self._store.wait_beyond(self._id, self._sent)
        except TimeoutError:
            return

    async def _end(self) -> TailResponse | None:
        """The last frame, when all events of an ended execution were sent."""
        live = self._registry.get(self._id)
        phase: ExecutionPhase.ValueType
        if live is not None:
            if not live.ended or live.head > self._sent:
                return None
            phase = live.phase
        else:
            execution = await self._store.read_state(lambda state: find(state, run_kind(self._id), self._id))
            phase = phase_of(execution)
            if not is_terminal(phase) or await self._store.head(self._id) > self._sent:
                return None
        return TailResponse(end=TailResponse.End(final_seq=self._sent, phase=phase))
