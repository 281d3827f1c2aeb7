"""Homes with a past: executions and events put there through the store, as copies of a real one."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import EventBatch
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionSummary
from stigmer_apis.ids import Prefix, new_id
from stigmer_backend.resources.kinds import EXECUTIONS
from stigmer_backend.store import Append, Lane, Record, StateRead, StateWrite, Store
from tests.bench.measures.appending import event_of
from tests.chaos.daemon import home_of
from tests.support.workstation import Workstation

AT_ONCE = 500


async def first_execution(workstation: Workstation) -> str:
    """Run one command line to its end, and return the execution's id."""
    await asyncio.to_thread(workstation.run, "run", "shell", "--message", "echo seed", "--follow")
    listed = await asyncio.to_thread(workstation.run, "get", "executions", "-o", "json")
    return str(json.loads(listed.stdout)[0]["executionId"])


@asynccontextmanager
async def stopped_store(workstation: Workstation) -> AsyncGenerator[Store]:
    """The store of a workstation, with its daemon stopped; the next command starts it again."""
    await asyncio.to_thread(workstation.run, "server", "stop")
    store = await Store.open(home_of(workstation).data)
    try:
        yield store
    finally:
        await store.close()


async def seed_executions(workstation: Workstation, count: int) -> None:
    """Copies of a finished execution, each with its events, a second apart."""
    original = await first_execution(workstation)
    async with stopped_store(workstation) as store:
        record, summary = await store.read_state(lambda state: _row_of(state, original))
        batches = await store.read(original, 0, 1 << 20)
        body = b"".join(batch.body for batch in batches)
        events = len(EventBatch.FromString(body).events)
        gate = asyncio.Semaphore(AT_ONCE)

        async def copy(number: int) -> None:
            async with gate:
                name = new_id(Prefix.AGENT_EXECUTION)
                first = Append(name, Lane.EVENTS, body, events, "", 0, 0)
                await store.create_execution(lambda state: _copy(state, record, summary, name, number), name, first)
                await store.settle(name)

        async with asyncio.TaskGroup() as tasks:
            for number in range(1, count):
                tasks.create_task(copy(number))


async def seed_rows(workstation: Workstation, count: int) -> None:
    """As `seed_executions`, without events of their own: for lists of very many."""
    original = await first_execution(workstation)
    async with stopped_store(workstation) as store:
        record, summary = await store.read_state(lambda state: _row_of(state, original))

        def some(state: StateWrite, first: int) -> None:
            for number in range(first, min(first + AT_ONCE, count)):
                _copy(state, record, summary, new_id(Prefix.AGENT_EXECUTION), number)

        for first in range(1, count, AT_ONCE):
            await store.write(lambda state, first=first: some(state, first))


async def seed_events(workstation: Workstation, count: int, size: int) -> str:
    """An execution with `count` more events of `size` bytes, and its id."""
    execution = await first_execution(workstation)
    body = EventBatch(events=[event_of(size)] * 500).SerializeToString()
    async with stopped_store(workstation) as store:
        for _ in range(count // 500):
            await store.append([Append(execution, Lane.EVENTS, body, 500, "", 0, 0)])
        await store.settle(execution)
    return execution


def _row_of(state: StateRead, execution: str) -> tuple[Record, bytes]:
    record = state.get(EXECUTIONS.table, execution)
    if record is None:
        raise LookupError(f"no record of {execution}")
    return record, next(row.summary for row in state.page(EXECUTIONS.table) if row.id == execution)


def _copy(state: StateWrite, record: Record, summary: bytes, name: str, number: int) -> None:
    message = EXECUTIONS.decode(record.data)
    slug = name if record.slug else ""
    message.metadata.id, message.metadata.slug = name, slug
    row = ExecutionSummary.FromString(summary)
    row.execution_id = name
    row.subject = f"{row.subject} {number}"
    row.created_unix_micros -= number * 1_000_000
    state.put(
        EXECUTIONS.table,
        name,
        message.SerializeToString(),
        slug=slug,
        created_ns=record.created_ns - number * 1_000_000_000,
        parents=record.parents,
        summary=row.SerializeToString(),
        expected_version=0,
    )
