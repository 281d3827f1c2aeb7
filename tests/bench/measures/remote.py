"""A client over TLS beside one on the socket, of the same daemon."""

from collections.abc import Sequence

from stigmer_apis._generated.stigmer.access.v1.api_key_service_pb2 import API_KEY_ROLE_OPERATOR
from stigmer_apis.client import Client, TailBatch
from stigmer_apis.client.remote import Remote
from tests.bench.figures import Figure
from tests.bench.measures.wire import median_of
from tests.bench.rounds import in_turn, timed
from tests.bench.run import Bench
from tests.bench.seeding import seed_events
from tests.chaos.daemon import client_of, home_of
from tests.load.living import free_port
from tests.support.workstation import new_workstation


async def beside_local(bench: Bench) -> Sequence[Figure]:
    """Calls, and a long run read from its beginning."""
    count, repeats = bench.size(50_000, 500_000), bench.size(200, 2_000)
    address = f"127.0.0.1:{free_port()}"
    with new_workstation(STIGMER_SERVER_LISTEN=address) as workstation:
        execution = await seed_events(workstation, count, 100)
        workstation.run("server", "start")
        async with client_of(workstation) as local:
            key = (await local.api_keys.create("bench", API_KEY_ROLE_OPERATOR, 0)).key
            async with Client(home_of(workstation), remote=Remote(address, key)) as remote:

                async def tail(client: Client) -> float:
                    seen = 0
                    with timed() as watch:
                        async for item in client.tail(execution, follow=False):
                            seen += len(item.events) if isinstance(item, TailBatch) else 0
                    assert seen >= count
                    return seen / watch.seconds

                calls = await in_turn(
                    bench.size(3, 7),
                    {
                        "remote": lambda: median_of(repeats, remote.list_executions),
                        "local": lambda: median_of(repeats, local.list_executions),
                    },
                )
                tails = await in_turn(bench.size(3, 7), {"remote": lambda: tail(remote), "local": lambda: tail(local)})
    baseline = "the same over the daemon's socket"
    return [
        Figure(
            name="page of a list, over TLS",
            value=calls.median("remote"),
            unit="ms",
            baseline=calls.median("local"),
            baseline_name=baseline,
            ratio=calls.ratio("remote", "local"),
            method=f"{repeats} calls of ListExecutions one after the other over loopback; p50",
        ),
        Figure(
            name="tail, over TLS",
            value=tails.median("remote"),
            unit="ev/s",
            baseline=tails.median("local"),
            baseline_name=baseline,
            ratio=tails.ratio("remote", "local"),
            method=f"one client reads {count:,} stored events of 100 B over loopback",
        ),
    ]
