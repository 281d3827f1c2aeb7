"""What a cluster alone brings: what it can be searched by, commands that cannot be brought to it, and definitions that changed under a run."""

import asyncio
import random

from stigmer_apis.errors import ResourceExhausted
from stigmer_runner.engine.chronicle import Abandoned, Cancelled, Completed
from stigmer_runner.temporal.attributes import EXECUTION, KIND
from stigmer_runner.temporal.cluster import TemporalEngine
from stigmer_runner.temporal.naming import workflow_id_of
from tests.engines.conftest import Kept, cluster_of
from tests.engines.definitions import FirstVersion, SecondVersion
from tests.engines.server import TemporalServer
from tests.engines.test_conformance import Bench, until
from tests.runner.workflows import Mixture, SequenceOfSteps
from tests.support.waiting import eventually

LARGE = random.Random(7).randbytes(100_000).hex()
"""More than a history holds, compressed too."""


class Full(Kept):
    """A place for large values that takes no more."""

    async def keep(self, execution_id: str, data: bytes) -> str:
        """Take none."""
        raise ResourceExhausted("the values of this run take 1 GiB")


async def test_a_command_that_cannot_be_brought_is_refused_in_words(temporal_server: TemporalServer) -> None:
    """The run does not fail by it, and what it is told next is brought."""
    engine = cluster_of(temporal_server, values=Full())
    bench = Bench(engine, Mixture)
    running = asyncio.create_task(bench.outcome())
    bench.run.signal("say", LARGE, command_id="c1")
    bench.run.signal("say", "small", command_id="c2")
    await until(lambda: "applied c2" in bench.lines)
    refused = [each for each in bench.lines if each.startswith("rejected")]
    assert refused == ["rejected c1: it could not be brought to Temporal: the values of this run take 1 GiB"]
    bench.run.cancel("enough", command_id="c3")
    assert await running == Cancelled("enough")
    assert bench.lines.count("applied c3") == 1
    await engine.close()


async def test_runs_are_found_by_kind_and_id_where_the_namespace_knows_them(temporal_server: TemporalServer) -> None:
    """A server of others is left as it is; on one of our own the attributes are made."""
    others = cluster_of(temporal_server)
    plain = Bench(others, SequenceOfSteps, 1)
    assert await plain.outcome() == Completed(0)
    assert others.attributes(plain.execution_id) is None
    await others.close()
    own = cluster_of(temporal_server, own=True)
    bench = Bench(own, SequenceOfSteps, 1)
    assert await bench.outcome() == Completed(0)
    assert await found(own, f"{KIND.name} = 'agent' AND {EXECUTION.name} = '{bench.execution_id}'") == [
        workflow_id_of(bench.execution_id)
    ]
    await own.close()


async def found(engine: TemporalEngine, query: str) -> list[str]:
    """The ids of the workflows that a query finds, once there are any."""
    client = await engine.client()
    ids: list[str] = []

    async def some() -> bool:
        ids[:] = [each.id async for each in client.list_workflows(query)]
        return bool(ids)

    await eventually(some)
    return ids


async def test_a_run_outlives_the_version_that_began_it(temporal_server: TemporalServer) -> None:
    """Its runner leaves while it waits, and one of the next version takes over: what was decided stays decided."""
    first = cluster_of(temporal_server, "first", definitions=[FirstVersion])
    old = Bench(first, FirstVersion)
    running = asyncio.create_task(old.outcome())
    handle = (await first.client()).get_workflow_handle(workflow_id_of(old.execution_id))

    await until(lambda: "step 1" in old.ledger.done)

    async def waits() -> bool:
        described = (await handle.describe()).raw_description
        return not described.pending_activities and not described.HasField("pending_workflow_task")

    await eventually(waits)
    written = old.records
    old.run.abandon("the runner leaves")
    assert isinstance(await running, Abandoned)
    await first.close()
    second = cluster_of(temporal_server, "second", definitions=[SecondVersion])
    taken = Bench(second, SecondVersion, execution_id=old.execution_id, ledger=old.ledger)
    fresh = Bench(second, SecondVersion)
    for bench in (taken, fresh):
        bench.run.signal("say", "go on", command_id="c1")
    assert await taken.outcome(written) == Completed([1, 2])
    assert await fresh.outcome() == Completed([1, 15, 2])
    assert old.ledger.done == ["step 1", "step 2"]
    await second.close()
