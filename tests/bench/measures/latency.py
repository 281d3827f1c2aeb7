"""How long a producer waits for its acknowledgement and a reader for the event, many executions at once."""

import asyncio
import time
from collections.abc import Sequence

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import EventBatch
from stigmer_apis.client import TailBatch
from stigmer_backend.store import Append, Lane, Store
from tests.bench.deltas import MESSAGE, micros
from tests.bench.figures import Figure, at_most
from tests.bench.measures.appending import event_of
from tests.bench.rounds import percentile
from tests.bench.run import Bench
from tests.chaos.acting_runner import ActingRunner
from tests.chaos.daemon import DaemonProcess, client_of
from tests.support.workstation import new_workstation

EXECUTIONS = 32
RATE = 100.0
"""Events a second in each execution."""


async def append_latency(bench: Bench) -> Sequence[Figure]:
    """Events that somebody waits for, and deltas, which may share a sync."""
    seconds = bench.size(2, 8)
    urgent = await _measure(bench, seconds, urgent=True)
    delta = await _measure(bench, seconds, urgent=False)
    method = f"{EXECUTIONS} executions, {RATE:.0f} ev/s each, 100 B, {seconds} s, in the store"
    return [
        Figure(
            name="append to durable ack, p50",
            value=percentile(urgent[0], 0.5) * 1e3,
            unit="ms",
            budget=at_most(3.0),
            method=method,
        ),
        Figure(name="append to durable ack, p99", value=percentile(urgent[0], 0.99) * 1e3, unit="ms", method=method),
        Figure(
            name="append to tail, p50",
            value=percentile(urgent[1], 0.5) * 1e3,
            unit="ms",
            budget=at_most(3.0),
            method=method,
        ),
        Figure(name="append to tail, p99", value=percentile(urgent[1], 0.99) * 1e3, unit="ms", method=method),
        Figure(
            name="append of a delta to tail, p50",
            value=percentile(delta[1], 0.5) * 1e3,
            unit="ms",
            budget=at_most(3.0),
            method=method + ", not urgent: shown before the shared sync",
        ),
        Figure(
            name="append of a delta to durable ack, p50",
            value=percentile(delta[0], 0.5) * 1e3,
            unit="ms",
            method=method + ", not urgent: at most 50 ms between syncs",
        ),
    ]


async def client_latency(bench: Bench) -> Sequence[Figure]:
    """The whole way: a runner's deltas over the link, through the store, to a client that tails all executions."""
    count = int(bench.size(2, 8) * RATE)
    taken: list[float] = []
    with new_workstation() as workstation:
        arguments = (str(count), str(RATE))
        runner = ActingRunner.start(workstation, bench.directory(), *arguments, module="tests.bench.deltas")
        daemon = DaemonProcess.start(workstation)
        await daemon.answers()
        async with client_of(workstation) as client:

            async def follow() -> None:
                execution = await client.run("shell", "deltas")
                async for item in client.tail(execution.metadata.id):
                    now = micros()
                    if isinstance(item, TailBatch):
                        deltas = (event for event in item.events if event.text_delta.message_id == MESSAGE)
                        taken.extend((now - event.time_unix_micros) / 1e3 for event in deltas)

            async with asyncio.TaskGroup() as tasks:
                for _ in range(EXECUTIONS):
                    tasks.create_task(follow())
        await asyncio.to_thread(workstation.close)
        await asyncio.to_thread(runner.child.wait)
    if len(taken) != EXECUTIONS * count:
        raise AssertionError(f"{len(taken)} deltas of {EXECUTIONS * count}")
    method = f"{EXECUTIONS} executions, {RATE:.0f} deltas/s each, {count} deltas, runner to daemon to one client that tails all"
    return [
        Figure(
            name="delta to a client over gRPC, p50",
            value=percentile(taken, 0.5),
            unit="ms",
            budget=at_most(10.0),
            method=method,
        ),
        Figure(name="delta to a client over gRPC, p99", value=percentile(taken, 0.99), unit="ms", method=method),
    ]


async def _measure(bench: Bench, seconds: float, *, urgent: bool) -> tuple[list[float], list[float]]:
    """Seconds to the acknowledgement, and to the reader, of every append."""
    store = await Store.open(bench.directory())
    body = EventBatch(events=[event_of(100)]).SerializeToString()
    acks: list[float] = []
    tails: list[float] = []
    count = int(seconds * RATE)

    async def execution(number: int) -> None:
        name = f"aex-{number}"
        one = Append(name, Lane.EVENTS, body, 1, "", 0, 0)
        await store.create_execution(lambda state: state.put_meta(name, b""), name, one)
        sent: dict[int, float] = {}

        async def append(seq: int) -> None:
            sent[seq] = time.perf_counter()
            await store.append([one], urgent=urgent)
            acks.append(time.perf_counter() - sent[seq])

        async def reader() -> None:
            seen = 1
            while seen < count + 1:
                head = await store.wait_beyond(name, seen)
                now = time.perf_counter()
                for batch in await store.read(name, seen, 1 << 20):
                    head = batch.last_seq
                tails.extend(now - sent[seq] for seq in range(seen + 1, head + 1))
                seen = head

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(reader())
            begin = time.perf_counter() + number / EXECUTIONS / RATE
            for step in range(count):
                await asyncio.sleep(begin + step / RATE - time.perf_counter())
                tasks.create_task(append(step + 2))

    async with asyncio.TaskGroup() as tasks:
        for number in range(EXECUTIONS):
            tasks.create_task(execution(number))
    await store.close()
    return acks, tails
