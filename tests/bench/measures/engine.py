"""Steps of a workflow, each journaled before and after, and their replay."""

import asyncio
import statistics
from collections.abc import Sequence

from stigmer_apis.client import Client, TailEnd
from stigmer_runner.engine.activities import Activities
from stigmer_runner.engine.chronicle import SilentChronicle
from stigmer_runner.engine.embedded import EmbeddedRun, RunPlan
from stigmer_runner.engine.journal import MemoryJournal, records_of
from tests.bench.figures import Figure, at_least, at_most
from tests.bench.rounds import timed
from tests.bench.run import Bench
from tests.bench.steps import Nothing, Steps
from tests.chaos.acting_runner import ActingRunner
from tests.chaos.daemon import DaemonProcess, client_of
from tests.support.workstation import new_workstation

REPLAYED_STEPS = 3_000
TOGETHER = 8


async def steps(bench: Bench) -> Sequence[Figure]:
    """The engine in a runner's process, its journal in the daemon's, synced."""
    count = bench.size(400, 2_000)
    with new_workstation() as workstation:
        runner = ActingRunner.start(workstation, bench.directory(), str(count), module="tests.bench.steps")
        daemon = DaemonProcess.start(workstation)
        await daemon.answers()
        one: list[float] = []
        many: list[float] = []
        async with client_of(workstation) as client:
            for _ in range(bench.size(3, 5)):
                one.append(count / await finish(client, 1))
                many.append(TOGETHER * count / await finish(client, TOGETHER))
        if runner.child.poll() is not None:
            raise AssertionError(f"the runner ended: {runner.log()}")
        await asyncio.to_thread(workstation.close)
        await asyncio.to_thread(runner.child.wait)
    method = f"{count} steps that do nothing in each execution, engine in the runner, journal in the daemon: a durable group before each step"
    return [
        Figure(
            name="journaled steps in one execution",
            value=statistics.median(one),
            unit="steps/s",
            budget=at_least(600),
            method=method,
        ),
        Figure(
            name=f"journaled steps over {TOGETHER} executions",
            value=statistics.median(many),
            unit="steps/s",
            budget=at_least(2_000),
            method=method,
        ),
    ]


async def finish(client: Client, executions: int) -> float:
    """Seconds until so many executions have come to their end."""

    async def one() -> None:
        execution = await client.run("shell", "steps")
        async for item in client.tail(execution.metadata.id):
            if isinstance(item, TailEnd):
                return

    with timed() as watch:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(executions):
                tasks.create_task(one())
    return watch.seconds


async def replay(bench: Bench) -> Sequence[Figure]:
    """A run of 3,000 steps, killed before its last one, begins again from its journal."""
    journal = MemoryJournal()
    plan = RunPlan(Steps, "bench", (REPLAYED_STEPS,))
    with timed() as whole:
        await EmbeddedRun(plan, Activities([Nothing()]), journal, SilentChronicle()).execute()
    history = records_of(journal.groups[:-1])
    taken: list[float] = []
    for _ in range(bench.size(3, 9)):
        again = EmbeddedRun(plan, Activities([Nothing()]), MemoryJournal(), SilentChronicle())
        with timed() as watch:
            await again.execute(history)
        taken.append(watch.seconds)
    return [
        Figure(
            name=f"replay of {REPLAYED_STEPS:,} steps",
            value=statistics.median(taken),
            unit="s",
            baseline=whole.seconds,
            baseline_name="running them, journal in memory",
            ratio=statistics.median(taken) / whole.seconds,
            budget=at_most(0.5),
            method=f"{len(history):,} records, to the end of the run",
        )
    ]
