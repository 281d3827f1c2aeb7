"""Workflows: expressions, journaled steps, replay, timers and signals."""

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence

from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import JournalRecord
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_apis.expressions.client import Expressions
from stigmer_apis.expressions.plain import Beyond, plain
from stigmer_apis.workflow.document_json import Json
from stigmer_runner.engine.chronicle import Completed, SilentChronicle
from stigmer_runner.engine.embedded import EmbeddedRun
from stigmer_runner.engine.journal import MemoryJournal, records_of
from tests.bench.figures import Figure, at_least, at_most
from tests.bench.measures.engine import TOGETHER, finish
from tests.bench.on_temporal import rounds_a_second
from tests.bench.rounds import timed
from tests.bench.run import Bench
from tests.bench.workflow_steps import activities, document, plan, rounds
from tests.chaos.acting_runner import ActingRunner
from tests.chaos.daemon import DaemonProcess, client_of
from tests.support.workstation import new_workstation

REPLAYED = 3_000
SIMPLE = ".orders[3].price + 1 > 2 and .orders[4].price < 10"


async def expressions(bench: Bench) -> Sequence[Figure]:
    """One expression again and again, in its process."""
    asked = Expressions()
    orders: list[Json] = [{"price": number} for number in range(10)]
    data: Json = {"orders": orders}
    count = bench.size(500, 5_000)
    with timed() as first:
        asked.evaluate("[.orders[].price] | add", data, {})
    compute = plain(SIMPLE)
    assert compute is not None
    taken = _each(count, lambda: asked.evaluate("[.orders[].price] | add", data, {}))
    by_jq = _each(count, lambda: asked.evaluate(SIMPLE, data, {}))
    without = _each(count, lambda: compute(data, _no_variable))
    asked.close()
    return [
        Figure(
            name="expression after the first",
            value=taken,
            unit="us",
            baseline=first.seconds * 1e6,
            baseline_name="the first, which starts the process",
            budget=at_most(100),
            method=f"{count} evaluations of one jq program with ten orders, asked one after the other",
        ),
        Figure(
            name="expression that needs no jq",
            value=without,
            unit="us",
            baseline=by_jq,
            baseline_name="the same by jq, in its process",
            ratio=without / by_jq,
            budget=at_most(100),
            method=f"{count} evaluations of `{SIMPLE}`",
        ),
    ]


def _each(count: int, evaluate: Callable[[], Json]) -> float:
    """Microseconds of an evaluation; the median of so many."""
    taken: list[float] = []
    for _ in range(count):
        with timed() as watch:
            evaluate()
        taken.append(watch.seconds * 1e6)
    return statistics.median(taken)


def _no_variable(name: str) -> Json:
    raise Beyond


async def steps(bench: Bench) -> Sequence[Figure]:
    """The interpreter in a runner's process, its journal in the daemon's, synced."""
    count = bench.size(200, 1_000)
    one: list[float] = []
    many: list[float] = []
    with new_workstation() as workstation:
        runner = ActingRunner.start(workstation, bench.directory(), str(count), module="tests.bench.workflow_steps")
        daemon = DaemonProcess.start(workstation)
        await daemon.answers()
        async with client_of(workstation) as client:
            for _ in range(bench.size(1, 5)):
                one.append(count / await finish(client, 1))
                many.append(TOGETHER * count / await finish(client, TOGETHER))
        if runner.child.poll() is not None:
            raise AssertionError(f"the runner ended: {runner.log()}")
        await asyncio.to_thread(workstation.close)
        await asyncio.to_thread(runner.child.wait)
    beside = await rounds_a_second(bench.size(50, 300))
    method = f"{count} rounds of `set` by an expression and `emit`, interpreter in the runner, journal in the daemon"
    return [
        Figure(
            name="rounds of a workflow in one execution",
            value=statistics.median(one),
            unit="steps/s",
            baseline=beside,
            baseline_name="the same on Temporal's development server, without a log" if beside else "",
            ratio=statistics.median(one) / beside if beside else None,
            budget=at_least(600),
            method=method,
        ),
        Figure(
            name=f"rounds of a workflow over {TOGETHER} executions",
            value=statistics.median(many),
            unit="steps/s",
            budget=at_least(2_000),
            method=method,
        ),
    ]


async def replay(bench: Bench) -> Sequence[Figure]:
    """A workflow of 3,000 calls, killed before its end, begins again from its journal."""
    calls = bench.size(300, REPLAYED)
    made = plan("bench", rounds(calls))
    journal = MemoryJournal()
    with timed() as whole:
        ended = await EmbeddedRun(made, activities(), journal, SilentChronicle()).execute()
    if not isinstance(ended, Completed):
        raise AssertionError(f"the workflow did not come to its end: {ended}")
    history = records_of(journal.groups[:-1])
    taken: list[float] = []
    for _ in range(bench.size(3, 9)):
        again = EmbeddedRun(made, activities(), MemoryJournal(), SilentChronicle())
        with timed() as watch:
            await again.execute(history)
        taken.append(watch.seconds)
    return [
        Figure(
            name=f"replay of a workflow of {REPLAYED:,} calls",
            value=statistics.median(taken),
            unit="s",
            baseline=whole.seconds,
            baseline_name="running it, journal in memory",
            ratio=statistics.median(taken) / whole.seconds,
            budget=at_most(0.5),
            method=f"{len(history):,} records of all its runs, to the end; a long workflow goes on as a new run, and the last is replayed",
        )
    ]


async def timers(bench: Bench) -> Sequence[Figure]:
    """How late a `wait` goes on."""
    count = bench.size(20, 200)
    tasks: list[object] = [{"rest": {"wait": {"milliseconds": 20}}}]
    text = document([{"loop": {"for": {"in": f"[range({count})]"}, "do": tasks}}])
    journal = MemoryJournal()
    await EmbeddedRun(plan("bench", text), activities(), journal, SilentChronicle()).execute()
    due: dict[str, int] = {}
    late: list[float] = []
    for event in journal.events:
        match event.WhichOneof("body"):
            case "workflow_task_waiting":
                due[event.workflow_task_waiting.task_id] = event.workflow_task_waiting.timer_until_micros
            case "workflow_task_finished" if event.workflow_task_finished.task_id in due:
                late.append((event.time_unix_micros - due[event.workflow_task_finished.task_id]) / 1e3)
            case _:
                continue
    return [
        Figure(
            name="lateness of a workflow's timer",
            value=statistics.median(late),
            unit="ms",
            budget=at_most(20),
            method=f"{len(late)} waits of 20 ms, one after the other",
        )
    ]


async def signals(bench: Bench) -> Sequence[Figure]:
    """From a signal to what follows on it."""
    count = bench.size(50, 500)
    listen = {"hear": {"listen": {"to": {"one": {"with": {"id": "go", "type": "signal"}}}}}}
    text = document([{"loop": {"for": {"in": f"[range({count})]"}, "do": [listen]}}])
    journal = _Watched()
    run = EmbeddedRun(plan("bench", text), activities(), journal, SilentChronicle())
    task = asyncio.create_task(run.execute())
    taken: list[float] = []
    for number in range(count):
        await journal.written("workflow_task_waiting", number + 1)
        began = time.perf_counter()
        run.signal("signal", "go", "1", str(number), False)
        await journal.written("workflow_signalled", number + 1)
        taken.append((time.perf_counter() - began) * 1e3)
    await task
    return [
        Figure(
            name="signal to a workflow, applied",
            value=statistics.median(taken),
            unit="ms",
            budget=at_most(5),
            method=f"{count} signals to a task that listens, journal in memory",
        )
    ]


class _Watched(MemoryJournal):
    """A journal that says when so many events of a kind are written."""

    def __init__(self) -> None:
        super().__init__()
        self._counts: Counter[str | None] = Counter()
        self._more = asyncio.Event()

    def append(
        self, records: Sequence[JournalRecord], events: Sequence[Event], *, urgent: bool, final: bool = False
    ) -> "asyncio.Future[None]":
        """Append, and count."""
        self._counts.update(event.WhichOneof("body") for event in events)
        self._more.set()
        return super().append(records, events, urgent=urgent, final=final)

    async def written(self, kind: str, count: int) -> None:
        """Wait for them."""
        async with asyncio.timeout(60):
            while self._counts[kind] < count:
                self._more.clear()
                await self._more.wait()
