"""A pack of a large database beside what people wait for."""

import asyncio
import time
from collections.abc import Sequence

from stigmer_backend.store import Append, DatabaseName, Lane, Store
from stigmer_backend.store.packer import Packed
from tests.bench.figures import Figure, at_most
from tests.bench.run import Bench

GROUP = b"g" * (64 << 10)
KEPT, GONE = "aex-kept", "aex-gone"


async def pack_time(bench: Bench) -> Sequence[Figure]:
    """Commits of the state and appends of events while `events.fs`, half of it dead, is packed."""
    megabytes = bench.size(100, 1_000)
    store = await Store.open(bench.directory())
    for name in (KEPT, GONE, "aex-live"):
        await store.create_execution(
            lambda state, name=name: state.put_meta(name, b""), name, Append(name, Lane.EVENTS, b"x", 1, "", 0, 0)
        )
    for number in range(megabytes * 16):
        await store.append([Append((KEPT, GONE)[number % 2], Lane.EVENTS, GROUP, 640, "", 0, 0)])
    await store.remove_events([GONE])
    await store.settle(KEPT)
    commits, appends = list[float](), list[float]()
    begun = time.perf_counter()
    packing = asyncio.create_task(store.pack(DatabaseName.EVENTS))
    async with asyncio.TaskGroup() as group:
        group.create_task(_commit(store, packing, commits))
        group.create_task(_append(store, packing, appends))
    packed = await packing
    seconds = time.perf_counter() - begun
    await store.close()
    method = (
        f"{packed.before / 1e6:,.0f} MB of events, half of them removed; 50 commits and 50 appends a second meanwhile"
    )
    return [
        Figure(name="pack: commit, p99", value=_p99(commits) * 1000, unit="ms", budget=at_most(100), method=method),
        Figure(name="pack: commit, longest", value=max(commits) * 1000, unit="ms", method=method),
        Figure(name="pack: append to durable ack, p99", value=_p99(appends) * 1000, unit="ms", method=method),
        Figure(name="pack", value=packed.before / 1e6 / seconds, unit="MB/s", method=method),
    ]


async def _commit(store: Store, packing: "asyncio.Task[Packed]", took: list[float]) -> None:
    number = 0
    while not packing.done():
        number += 1
        begun = time.perf_counter()
        await store.write(
            lambda state, number=number: state.put("thing", f"t-{number % 500}", b"r" * 700, created_ns=1, summary=b"s")
        )
        took.append(time.perf_counter() - begun)
        await asyncio.sleep(0.02)


async def _append(store: Store, packing: "asyncio.Task[Packed]", took: list[float]) -> None:
    while not packing.done():
        begun = time.perf_counter()
        await store.append([Append("aex-live", Lane.EVENTS, b"e" * 100, 1, "", 0, 0)])
        took.append(time.perf_counter() - begun)
        await asyncio.sleep(0.02)


def _p99(took: list[float]) -> float:
    return sorted(took)[len(took) * 99 // 100]
