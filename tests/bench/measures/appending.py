"""What it costs to make events durable."""

import asyncio
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event, EventBatch, TextDelta
from stigmer_backend.store import Append, Lane, Store
from tests.bench import sqlite
from tests.bench.figures import Figure, ratio_at_least
from tests.bench.rounds import in_turn, timed
from tests.bench.run import Bench

GROUP_BYTES = 64 << 10
EXECUTION = "aex-bench"
IN_FLIGHT = 4


def event_of(size: int) -> Event:
    """A text delta whose encoding has about `size` bytes."""
    return Event(time_unix_micros=1_800_000_000_000_000, text_delta=TextDelta(message_id="m1", text="x" * (size - 22)))


async def append_bursts(bench: Bench) -> Sequence[Figure]:
    """Groups of 64 KiB, each durable before it is answered, beside a plain file and sqlite with the same syncs."""
    figures: list[Figure] = []
    for size, raw_budget, label in ((100, 0.4, "100 B"), (1024, 0.35, "1 KiB")):
        figures += await _burst(bench, size, raw_budget, label)
    return figures


async def _burst(bench: Bench, size: int, raw_budget: float, label: str) -> list[Figure]:
    event = event_of(size)
    body = EventBatch(events=[event]).SerializeToString()
    count = GROUP_BYTES // len(body)
    group, single = body * count, event.SerializeToString()
    groups = bench.size(128, 512)
    rate = groups * count

    async def stored(in_flight: int) -> float:
        store = await Store.open(bench.directory())
        first = Append(EXECUTION, Lane.EVENTS, body, 1, "", 0, 0)
        await store.create_execution(lambda state: state.put_meta("x", b""), EXECUTION, first)
        left = iter(range(groups))

        async def producer() -> None:
            for _ in left:
                await store.append([Append(EXECUTION, Lane.EVENTS, group, count, "", 0, 0)])

        with timed() as watch:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(in_flight):
                    tasks.create_task(producer())
        await store.close()
        return rate / watch.seconds

    async def raw() -> float:
        return rate / await asyncio.to_thread(_raw_file, bench.directory() / "raw", group, groups)

    async def in_sqlite() -> float:
        return rate / await asyncio.to_thread(_sqlite, bench.directory() / "db", single, count, groups)

    rounds = await in_turn(
        bench.size(3, 7),
        {"store": partial(stored, 1), "store4": partial(stored, IN_FLIGHT), "raw": raw, "sqlite": in_sqlite},
    )
    method = f"{groups} groups of {GROUP_BYTES >> 10} KiB, one after the other, fdatasync each"
    return [
        Figure(
            name=f"durable append, {label}: raw file",
            value=rounds.median("store"),
            unit="ev/s",
            baseline=rounds.median("raw"),
            baseline_name="append-only file, same groups and syncs",
            ratio=rounds.ratio("store", "raw"),
            budget=ratio_at_least(raw_budget),
            method=method,
        ),
        Figure(
            name=f"durable append, {label}: sqlite",
            value=rounds.median("store"),
            unit="ev/s",
            baseline=rounds.median("sqlite"),
            baseline_name="sqlite WAL, synchronous=FULL, a row an event",
            ratio=rounds.ratio("store", "sqlite"),
            budget=ratio_at_least(2.0),
            method=method,
        ),
        Figure(
            name=f"durable append, {label}: {IN_FLIGHT} in flight",
            value=rounds.median("store4"),
            unit="ev/s",
            baseline=rounds.median("raw"),
            baseline_name="append-only file, a sync a group",
            ratio=rounds.ratio("store4", "raw"),
            method=f"the same with {IN_FLIGHT} appends under way: the store joins those that wait to one sync",
        ),
    ]


def _raw_file(path: Path, group: bytes, groups: int) -> float:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    with timed() as watch:
        for _ in range(groups):
            os.write(descriptor, group)
            os.fdatasync(descriptor)
    os.close(descriptor)
    return watch.seconds


def _sqlite(path: Path, single: bytes, count: int, groups: int) -> float:
    database = sqlite.open_events(path)
    with timed() as watch:
        for number in range(groups):
            sqlite.append(database, EXECUTION, ((number * count + n, single) for n in range(count)))
    database.close()
    return watch.seconds
