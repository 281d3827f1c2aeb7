"""What Stigmer itself costs in a turn of an agent, where the model answers at once."""

import asyncio
import shutil
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence

from tests.bench.agent_runs import (
    agent_stage,
    cpu_of,
    events_until,
    is_over,
    opened_run,
    project,
    scripted,
    shell_turn,
    started,
    times_of,
)
from tests.bench.figures import Figure, at_most
from tests.bench.rounds import in_turn, timed
from tests.bench.run import Bench
from tests.loop.stage import Stage

TURNS = 20
MEGABYTES = 10
LAST_WORD = "lastword4711"
GATE = "until [ -e go ]; do sleep 0.01; done"
BUDGETS = {"in bwrap": 15.0, "without walls": 8.0}


async def tool_turns(bench: Bench) -> Sequence[Figure]:
    """20 shell calls of a model, one after the other."""
    figures: list[Figure] = []
    for place in _places():
        async with agent_stage(walls=place == "in bwrap") as stage, scripted(stage, _turns()):
            await _turn_time(stage)
            cpu: list[float] = []

            async def turns(stage: Stage = stage, cpu: list[float] = cpu) -> float:
                before = cpu_of(stage.workstation)
                taken = await _turn_time(stage)
                cpu.append((cpu_of(stage.workstation) - before) * 1e3 / TURNS)
                return taken

            rounds = await in_turn(bench.size(3, 9), {"turns": turns, "bare": bare_spawn})
        method = f"a model in another process asks for {TURNS} shell calls (`echo`), one a turn: from its first call to its last, divided by {TURNS}"
        figures += [
            Figure(
                name=f"own time per tool turn, {place}",
                value=rounds.median("turns"),
                unit="ms",
                baseline=rounds.median("bare"),
                baseline_name="`bash -c true`, spawned and waited for",
                ratio=rounds.ratio("turns", "bare"),
                budget=at_most(BUDGETS[place]),
                method=method,
            ),
            Figure(
                name=f"CPU of daemon and runner per tool turn, {place}",
                value=statistics.median(cpu),
                unit="ms",
                method=f"{method}; without the commands' own",
            ),
        ]
    return figures


async def tool_turns_in_app(bench: Bench) -> Sequence[Figure]:
    """The same with the run open in the app: until the model's last word is on the screen."""
    taken: list[float] = []
    async with agent_stage() as stage:
        for number in range(bench.size(3, 9)):
            taken.append(await _turn_time_in_app(stage, f"{LAST_WORD}n{number}"))
    return [
        Figure(
            name="own time per tool turn, in the app",
            value=statistics.median(taken),
            unit="ms",
            budget=at_most(18.0),
            method=f"{TURNS} shell calls in bwrap, the first one's end at the opening of a gate, the run open in the app: until the model's last word is written to its terminal, divided by {TURNS}",
        )
    ]


async def much_output(bench: Bench) -> Sequence[Figure]:
    """One command prints 10 MB: until the next call of the model leaves."""
    taken: list[float] = []
    line = b"x" * 79 + b"\n"
    async with agent_stage() as stage, scripted(stage, [shell_turn("cat text"), {"text": "Done."}]):
        for _ in range(bench.size(3, 9)):
            directory = project(stage)
            (directory / "text").write_bytes(line * (MEGABYTES * 1_000_000 // len(line)))
            events = await events_until(stage.client, await started(stage, "Print.", directory), is_over)
            kept = sum(len(event.terminal_output.data) for event in events)
            if kept < MEGABYTES * 1_000_000:
                raise AssertionError(f"{kept} bytes")
            taken.append(times_of(events, "model_call_started")[1] - times_of(events, "tool_call_started")[0])
    return [
        Figure(
            name=f"{MEGABYTES} MB from one command to the next model call",
            value=statistics.median(taken),
            unit="s",
            budget=at_most(0.25),
            method=f"a model's `cat` of {MEGABYTES} MB of 80-byte lines in bwrap: from its start until the model is asked again; a client has every byte",
        )
    ]


async def bare_spawn() -> float:
    """Milliseconds of a bash that does nothing."""

    def spawn() -> float:
        with timed() as watch:
            for _ in range(TURNS):
                subprocess.run(["bash", "-c", "true"], check=True)
        return watch.seconds * 1e3 / TURNS

    return await asyncio.to_thread(spawn)


async def _turn_time(stage: Stage) -> float:
    """Milliseconds of a turn."""
    events = await events_until(stage.client, await started(stage, "Work."), is_over)
    asked = times_of(events, "model_call_started")
    if len(asked) != TURNS + 1:
        raise AssertionError(f"the model was called {len(asked)} times")
    return (asked[-1] - asked[0]) * 1e3 / TURNS


async def _turn_time_in_app(stage: Stage, last: str) -> float:
    """Milliseconds of a turn; `last` was never on the screen before."""
    turns = [shell_turn(GATE), *_turns()[1:-1], {"text": last}]
    directory = project(stage)
    async with scripted(stage, turns):
        execution_id = await started(stage, "Work.", directory)
        await events_until(stage.client, execution_id, lambda event: event.HasField("tool_call_started"))
        with opened_run(stage.workstation, execution_id, "Work.") as screen:
            begin = time.perf_counter()
            (directory / "go").touch()
            end = await asyncio.to_thread(screen.until_written, last.encode(), "the last word")
    return (end - begin) * 1e3 / TURNS


def _turns() -> Sequence[Mapping[str, object]]:
    return [*(shell_turn(f"echo {number}") for number in range(TURNS)), {"text": "Done."}]


def _places() -> Sequence[str]:
    return ("in bwrap", "without walls") if shutil.which("bwrap") else ("without walls",)
