"""What waiting costs: an agent's session that is open, terminals in which nothing happens; and how soon a command runs."""

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from stigmer_runner.sandbox.choose import choose_sandbox
from stigmer_runner.sandbox.model import CommandRequest, SandboxLayout, ShellState
from tests.bench.agent_runs import (
    agent_stage,
    cpu_of,
    events_until,
    is_over,
    need_bwrap,
    opened_run,
    scripted,
    shell_turn,
    started,
)
from tests.bench.figures import Figure, at_most
from tests.bench.measures.agents import bare_spawn
from tests.bench.measures.resting import pss
from tests.bench.rounds import in_turn
from tests.bench.run import Bench
from tests.chaos.daemon import daemon_pids, runner_pids
from tests.support.workstation import Workstation

RUNS, EACH = 5, 20
"""A run may have twenty commands at once."""
SETTLE = 6.0
"""Seconds until what loads has loaded."""
IDLE = 24.0
"""Seconds until what was started counts as idle: it is asked less and less often what it does."""


async def agent_memory(bench: Bench) -> Sequence[Figure]:
    """App, daemon and runner with an agent's run open, its provider loaded."""
    del bench
    async with agent_stage() as stage, scripted(stage, [shell_turn("echo hello"), {"text": "It said hello."}]):
        execution_id = await started(stage, "Greet.")
        await events_until(stage.client, execution_id, is_over)
        workstation = stage.workstation
        with opened_run(workstation, execution_id, "Greet.") as screen:
            parts = {
                "app": screen.pids(),
                "daemon": daemon_pids(workstation),
                "runner": runner_pids(workstation),
            }
            sizes = {name: sum(pss(pid) for pid in pids) / 1e6 for name, pids in parts.items()}
    return [
        Figure(
            name="memory with an agent's session open",
            value=sum(sizes.values()),
            unit="MB",
            budget=at_most(250),
            method="PSS, one provider loaded, a run of two model calls and a command open in the app: "
            + ", ".join(f"{name} {size:.0f}" for name, size in sizes.items()),
        )
    ]


async def idle_terminals(bench: Bench) -> Sequence[Figure]:
    """100 programs that wait in terminals."""
    seconds = bench.size(10, 60)
    calls = [
        {"name": "shell", "args": {"command": f"sleep {1000 + number}", "background": True}}
        for number in range(EACH - 1)
    ]
    turns = [{"calls": calls}, shell_turn("sleep 999")]
    async with agent_stage() as stage, scripted(stage, turns):
        await stage.client.cancel(await started(stage, "Load what it takes."), wait=30.0)
        await asyncio.sleep(SETTLE)
        without = await _share(stage.workstation, seconds)
        ids = [await started(stage, "Wait.") for _ in range(RUNS)]
        for each in ids:
            await events_until(stage.client, each, lambda event: event.tool_call_started.call_id == f"call-{EACH}")
        await asyncio.sleep(IDLE)
        sleeping = _sleeping(stage.workstation)
        if sleeping != RUNS * EACH:
            raise AssertionError(f"{sleeping} commands sleep, not {RUNS * EACH}")
        share = await _share(stage.workstation, seconds)
        for each in ids:
            await stage.client.cancel(each, wait=30.0)
    return [
        Figure(
            name=f"CPU of {RUNS * EACH} idle terminals",
            value=max(share - without, 0.0),
            unit="% of a core",
            baseline=without,
            baseline_name="daemon and runner with nothing running, which is taken off",
            budget=at_most(0.5),
            method=f"daemon and runner over {seconds} s, {RUNS} runs with {EACH} commands each that sleep in the background, for {IDLE:g} s already",
        )
    ]


async def spawn(bench: Bench) -> Sequence[Figure]:
    """A command in bwrap, by the sandbox alone."""
    need_bwrap()
    with tempfile.TemporaryDirectory(prefix="stg-", dir="/tmp") as directory:
        workspace = Path(directory)
        layout = SandboxLayout(bench.directory(), bench.directory(), Path.home(), os.environ.get("PATH", os.defpath))
        sandbox = await choose_sandbox(layout)
        stands: list[float] = []

        async def whole() -> float:
            request = CommandRequest("true", workspace, ShellState(str(workspace)), "bench")
            begin = time.perf_counter()
            command = await sandbox.start(request, lambda _: None)
            stands.append((time.perf_counter() - begin) * 1e3)
            await command.wait()
            return (time.perf_counter() - begin) * 1e3

        rounds = await in_turn(bench.size(20, 100), {"bwrap": whole, "bare": bare_spawn})
        await sandbox.close()
    method = "the sandbox alone, no daemon: a line `true` in its terminal"
    return [
        Figure(
            name="spawn in bwrap",
            value=statistics.median(stands),
            unit="ms",
            baseline=rounds.median("bare"),
            baseline_name="`bash -c true`, spawned and waited for",
            budget=at_most(15.0),
            method=f"{method}, until the walls stand and the line runs",
        ),
        Figure(
            name="spawn in bwrap, to its end",
            value=rounds.median("bwrap"),
            unit="ms",
            baseline=rounds.median("bare"),
            baseline_name="`bash -c true`, spawned and waited for",
            ratio=rounds.ratio("bwrap", "bare"),
            method=f"{method}, until its result, with directory and variables, is there",
        ),
    ]


def _sleeping(workstation: Workstation) -> int:
    """How many programs `sleep` run for the runner."""
    below = [child for pid in runner_pids(workstation) for child in psutil.Process(pid).children(recursive=True)]
    return sum(child.name() == "sleep" for child in below)


async def _share(workstation: Workstation, seconds: int) -> float:
    """Per cent of a core that daemon and runner use."""
    before = cpu_of(workstation)
    await asyncio.sleep(seconds)
    return (cpu_of(workstation) - before) / seconds * 100
