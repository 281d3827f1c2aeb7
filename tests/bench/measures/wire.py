"""What a client on the socket gets, and how fast."""

import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import EventBatch
from stigmer_apis.client import TailBatch
from tests.bench.bare_server import bare_client, bare_server
from tests.bench.figures import Figure, at_least, ratio_at_most
from tests.bench.measures.appending import event_of
from tests.bench.rounds import in_turn, percentile, timed
from tests.bench.run import Bench
from tests.bench.seeding import seed_events
from tests.chaos.daemon import client_of
from tests.support.workstation import new_workstation

TAIL_MESSAGE_BYTES = 64 << 10


async def tail_throughput(bench: Bench) -> Sequence[Figure]:
    """One client reads a long execution from its beginning."""
    count = bench.size(100_000, 500_000)
    body = EventBatch(events=[event_of(100)]).SerializeToString()
    per_message = TAIL_MESSAGE_BYTES // len(body)
    with (
        new_workstation() as workstation,
        tempfile.TemporaryDirectory(prefix="stg-", dir="/tmp") as short,
        bare_server(Path(short) / "s"),
    ):
        execution = await seed_events(workstation, count, 100)
        async with client_of(workstation, start_daemon=True) as client, bare_client(Path(short) / "s") as bare:

            async def tail() -> float:
                seen = 0
                with timed() as watch:
                    async for item in client.tail(execution, follow=False):
                        seen += len(item.events) if isinstance(item, TailBatch) else 0
                if seen < count:
                    raise AssertionError(f"{seen} events of {count}")
                return seen / watch.seconds

            async def stream() -> float:
                messages = count // per_message
                parsed = body * per_message
                with timed() as watch:
                    async for _ in bare.stream(parsed, messages):
                        EventBatch.FromString(parsed)
                return messages * per_message / watch.seconds

            rounds = await in_turn(bench.size(3, 7), {"tail": tail, "stream": stream})
    return [
        Figure(
            name="tail over gRPC",
            value=rounds.median("tail"),
            unit="ev/s",
            baseline=rounds.median("stream"),
            baseline_name="a bare gRPC stream of the same bytes in 64 KiB messages, parsed",
            ratio=rounds.ratio("tail", "stream"),
            budget=at_least(100_000),
            method=f"one client reads {count:,} stored events of 100 B through `Client.tail`",
        )
    ]


async def calls(bench: Bench) -> Sequence[Figure]:
    """A page of 50 through the whole stack, beside a call that does nothing."""
    repeats = bench.size(200, 2_000)
    workstation = bench.workstation
    with tempfile.TemporaryDirectory(prefix="stg-", dir="/tmp") as short, bare_server(Path(short) / "s"):
        async with client_of(workstation) as client, bare_client(Path(short) / "s") as bare:
            while (await client.list_executions()).total < 50:
                await client.run("shell", "true")

            async def page() -> float:
                return await median_of(repeats, client.list_executions)

            async def status() -> float:
                return await median_of(repeats, client.get_status)

            async def nothing() -> float:
                return await median_of(repeats, bare.nothing)

            rounds = await in_turn(bench.size(3, 7), {"page": page, "status": status, "nothing": nothing})
    return [
        Figure(
            name="page of 50, the whole RPC",
            value=rounds.median("page"),
            unit="ms",
            baseline=rounds.median("nothing"),
            baseline_name="a bare gRPC call that does nothing",
            ratio=rounds.ratio("page", "nothing"),
            budget=ratio_at_most(2.0),
            method=f"{repeats} calls of ListExecutions one after the other, authenticated and validated; p50",
        ),
        Figure(
            name="GetStatus, the whole RPC",
            value=rounds.median("status"),
            unit="ms",
            baseline=rounds.median("nothing"),
            baseline_name="a bare gRPC call that does nothing",
            ratio=rounds.ratio("status", "nothing"),
            method=f"{repeats} calls, p50",
        ),
    ]


async def median_of(repeats: int, call: Callable[[], Awaitable[object]]) -> float:
    """Milliseconds of the middle one of so many calls."""
    taken: list[float] = []
    for _ in range(repeats):
        begin = time.perf_counter()
        await call()
        taken.append((time.perf_counter() - begin) * 1e3)
    return percentile(taken, 0.5)
