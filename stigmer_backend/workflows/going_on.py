"""Where a run of a workflow goes on that failed, read from its events; and how the events of what it takes over begin the new one."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import LinkResponse
from stigmer_apis.errors import FailedPrecondition, FieldViolation, InvalidArgument
from stigmer_apis.workflow.resuming import CannotGoOn, Past, Resumption, TaskSearch
from stigmer_backend.executions.event_batches import decode_events
from stigmer_backend.executions.run_documents import unpacked
from stigmer_backend.store import Store

_READ_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class Going:
    """A run that goes on as a new one."""

    granted: LinkResponse.LeaseGranted
    """What it ran: its document and its input, as they were at its beginning."""
    resumption: Resumption

    def events(self, from_id: str, micros: int) -> Sequence[Event]:
        """The events of what is taken over, as the new run tells them."""
        for event in self.resumption.events:
            event.time_unix_micros = micros
            told = (
                event.workflow_task_started if event.HasField("workflow_task_started") else event.workflow_task_finished
            )
            told.taken_over_from = told.taken_over_from or from_id
        return self.resumption.events


async def going_of(store: Store, execution_id: str, task: str) -> Going:
    """How an execution that has ended goes on: at `task`, else where it failed.

    Raises `InvalidArgument` for a task that is none of it, and `FailedPrecondition` where it cannot go on there.
    """
    granted = await store.read_state(lambda state: unpacked(state, execution_id))
    try:
        target = ""
        if task:
            search = TaskSearch(task)
            await _each(store, execution_id, search.take)
            target = search.found()
    except CannotGoOn as why:
        raise InvalidArgument(
            f"{execution_id} cannot go on there: {why}",
            remedy=why.remedy,
            violations=[FieldViolation("from_task", "stigmer.retry.task", str(why))],
        ) from why
    try:
        past = Past(target)
        await _each(store, execution_id, past.take)
        return Going(granted, await asyncio.to_thread(past.resumption))
    except CannotGoOn as why:
        raise FailedPrecondition(f"{execution_id} cannot go on there: {why}", remedy=why.remedy) from why


async def _each(store: Store, execution_id: str, take: Callable[[Event], None]) -> None:
    """Show every event of an execution, on a thread."""

    def take_all(body: bytes) -> None:
        for event in decode_events(body):
            take(event)

    async for body in _bodies(store, execution_id):
        await asyncio.to_thread(take_all, body)


async def _bodies(store: Store, execution_id: str) -> AsyncIterator[bytes]:
    after = 0
    while batches := await store.read(execution_id, after, _READ_BYTES):
        for batch in batches:
            yield batch.body
            after = batch.last_seq
