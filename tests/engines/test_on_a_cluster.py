"""What a cluster alone brings: what it can be searched by, commands that cannot be brought to it, and definitions that changed under a run."""

import asyncio
import datetime as dt
import random
from pathlib import Path

import pytest

from stigmer_apis.errors import ResourceExhausted
from stigmer_apis.transport import aio, grpc
from stigmer_backend.access.authority import own_credentials
from stigmer_runner.engine.chronicle import Abandoned, Cancelled, Completed
from stigmer_runner.errors import RunnerError
from stigmer_runner.temporal.attributes import EXECUTION, KIND
from stigmer_runner.temporal.cluster import ClusterOptions, TemporalEngine
from stigmer_runner.temporal.naming import workflow_id_of
from stigmer_runner.temporal.patience import ClusterAway
from tests.engines.conftest import KEY, Kept, cluster_of
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


async def test_what_is_wrong_with_the_way_to_a_cluster_is_said(temporal_server: TemporalServer, tmp_path: Path) -> None:
    """TLS where there is none, a certificate of nobody, none where it is wanted, nobody at all, and a server of something else."""
    shown = own_credentials(tmp_path, "127.0.0.1", dt.datetime.now(dt.UTC))
    credentials = grpc.ssl_server_credentials([(shown.key, shown.certificate)])
    sealed, plain = aio.server(), aio.server()
    over_tls = f"127.0.0.1:{sealed.add_secure_port('127.0.0.1:0', credentials)}"
    other = f"127.0.0.1:{plain.add_insecure_port('127.0.0.1:0')}"
    await sealed.start()
    await plain.start()
    assert await refused(temporal_server.address, tls=True) == "it speaks no TLS"
    assert await refused(over_tls, tls=True) == "its certificate is of an authority that is not known here"
    assert await refused(over_tls, tls=False) == "it does not answer as Temporal does; it may want TLS"
    await sealed.stop(None)
    assert await refused(over_tls, tls=True) == "nobody listens there"
    engine = TemporalEngine(options_of(other, tls=False), list, one_key, Kept())
    with pytest.raises(RunnerError, match="is not Temporal, or a version of it that lacks"):
        await Bench(engine, SequenceOfSteps, 1).outcome()
    await engine.close()
    await plain.stop(None)


def options_of(address: str, *, tls: bool) -> ClusterOptions:
    """A cluster that is said to be there."""

    async def there() -> str:
        return address

    return ClusterOptions(address=there, namespace="default", identity="test-runner", tls=tls)


async def one_key() -> bytes:
    """What seals."""
    return KEY


async def refused(address: str, *, tls: bool) -> str:
    """Why a cluster is away, as far as it is the reason."""
    with pytest.raises(ClusterAway) as away:
        await TemporalEngine(options_of(address, tls=tls), list, one_key, Kept()).client()
    return str(away.value).partition(f"{address}: ")[2].partition(":")[0]


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
