"""Many small updates of one execution, against loading, merging and rewriting its whole status each time."""

import asyncio
from collections.abc import Sequence

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import (
    AgentExecution,
    AgentExecutionStatus,
    AgentMessage,
)
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import EventBatch
from stigmer_backend.store import Append, Lane, Store
from tests.bench import sqlite
from tests.bench.figures import Figure, ratio_at_least
from tests.bench.measures.appending import event_of
from tests.bench.rounds import in_turn, timed
from tests.bench.run import Bench

UPDATES = 5_000
UPDATE_BYTES = 200
SAMPLES = 100
"""The rewriting shape is run at so many sizes and added up: its cost grows with the size, and all 5,000 would take minutes."""
EXECUTION = "aex-bench"


async def status_updates(bench: Bench) -> Sequence[Figure]:
    """5,000 updates of 200 B: appended as events, and merged into a stored status."""

    async def events() -> float:
        store = await Store.open(bench.directory())
        body = EventBatch(events=[event_of(UPDATE_BYTES)]).SerializeToString()
        one = Append(EXECUTION, Lane.EVENTS, body, 1, "", 0, 0)
        await store.create_execution(lambda state: state.put_meta("x", b""), EXECUTION, one)
        with timed() as watch:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(UPDATES):
                    tasks.create_task(store.append([one]))
        await store.close()
        return UPDATES / watch.seconds

    async def rewriting() -> float:
        return UPDATES / await asyncio.to_thread(_rewrite, bench)

    rounds = await in_turn(bench.size(3, 5), {"events": events, "rewriting": rewriting})
    return [
        Figure(
            name="5,000 status updates into one execution",
            value=rounds.median("events"),
            unit="updates/s",
            baseline=rounds.median("rewriting"),
            baseline_name="load, merge, rewrite in sqlite, synchronous=FULL",
            ratio=rounds.ratio("events", "rewriting"),
            budget=ratio_at_least(100),
            method=f"updates of {UPDATE_BYTES} B, an append call each, all under way at once, durable; the other shape sampled at {SAMPLES} sizes",
        )
    ]


def _rewrite(bench: Bench) -> float:
    """Seconds that all updates would take, from samples at growing sizes."""
    database = sqlite.open_resources(bench.directory() / "db", durable=True)
    message = AgentMessage(content="x" * UPDATE_BYTES)
    execution = AgentExecution(kind="AgentExecution", status=AgentExecutionStatus())
    update = AgentExecutionStatus(messages=[message])
    database.execute("insert into resources values ('e', 'x', 0, ?)", (execution.SerializeToString(),))
    step = UPDATES // SAMPLES
    total = 0.0
    for _ in range(SAMPLES):
        execution.status.messages.extend([message] * (step - 1))
        with database:
            database.execute(
                "update resources set data = ? where kind = 'e' and id = 'x'", (execution.SerializeToString(),)
            )
        with timed() as watch, database:
            (data,) = database.execute("select data from resources where kind = 'e' and id = 'x'").fetchone()
            execution = AgentExecution.FromString(data)
            execution.status.MergeFrom(update)
            database.execute(
                "update resources set data = ? where kind = 'e' and id = 'x'", (execution.SerializeToString(),)
            )
        total += watch.seconds * step
    database.close()
    return total
