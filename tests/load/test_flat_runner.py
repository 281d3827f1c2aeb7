"""A runner that has worked off thousands of executions takes what it took after hundreds: memory, open files, threads."""

import asyncio
import os

import psutil
import pytest

from tests.bench.agent_runs import agent_stage, events_until, is_over, scripted, shell_turn, started
from tests.chaos.daemon import runner_pids
from tests.chaos.figures import record
from tests.loop.stage import Stage
from tests.support.scale import in_campaign

EXECUTIONS = int(os.environ.get("STIGMER_FLAT_EXECUTIONS", 2_500))
"""STIGMER_FLAT_EXECUTIONS sets another count."""
AT_ONCE = 4
MOST_BYTES_EACH = 1024
"""What the runner may keep of an execution that is over: a thousand of them are a megabyte."""
MOST_BYTES = 2 << 20
"""And what moves all the time."""


class Taken:
    """What the runner takes now."""

    def __init__(self, stage: Stage) -> None:
        (pid,) = runner_pids(stage.workstation)
        process = psutil.Process(pid)
        memory = process.memory_info()
        self.pid = pid
        self.memory = memory.rss - memory.shared
        self.files = process.num_fds()
        self.threads = process.num_threads()
        self.children = len(process.children(recursive=True))


async def executions(stage: Stage, count: int) -> None:
    """Work off so many, some at once: each asks the model, runs a command and ends. All in one project: they do not fill the disk."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one() -> None:
        async with room:
            events = await events_until(stage.client, await started(stage, "Go.", stage.directory), is_over)
            assert events[-1].phase_changed.phase == 3, events[-1]

    async with asyncio.TaskGroup() as tasks:
        for _ in range(count):
            tasks.create_task(one())


@pytest.mark.skipif(
    not in_campaign(), reason=f"works off {EXECUTIONS:,} executions, and less tells nothing: a campaign runs it"
)
@pytest.mark.timeout(300 + 4 * EXECUTIONS)
async def test_a_runner_keeps_nothing_of_what_is_over() -> None:
    turns = [shell_turn("echo one; echo two"), {"text": "Done."}]
    async with agent_stage(walls=False) as stage, scripted(stage, turns):
        await executions(stage, EXECUTIONS // 2)
        before = Taken(stage)
        await executions(stage, EXECUTIONS - EXECUTIONS // 2)
        after = Taken(stage)
    more, grown = EXECUTIONS - EXECUTIONS // 2, after.memory - before.memory
    told = (
        f"from the {EXECUTIONS // 2:,}th on: memory {before.memory / (1 << 20):.1f} to {after.memory / (1 << 20):.1f} MiB, {grown / more:+,.0f} bytes an execution; "
        f"open files {before.files} to {after.files}, threads {before.threads} to {after.threads}"
    )
    assert before.pid == after.pid, "it was never started anew"
    assert abs(after.files - before.files) <= 2 * AT_ONCE, told
    assert after.children <= before.children + AT_ONCE, told
    assert grown < MOST_BYTES + more * MOST_BYTES_EACH, told
    record("one runner, executions of an agent with a command each", EXECUTIONS, f"executions, {AT_ONCE} at once", told)
