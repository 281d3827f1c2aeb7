"""Cancels at random moments of programs that do not want to end."""

import asyncio
import os
import random
from dataclasses import dataclass

import pytest

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import ToolOutcome
from stigmer_apis.client import Client
from tests.chaos.daemon import DaemonProcess, client_of
from tests.chaos.figures import record
from tests.chaos.reading import everything, story_of
from tests.chaos.survivors import survivors
from tests.support.require import require_tool
from tests.support.scale import scaled
from tests.support.workstation import Workstation, new_workstation

SEED = "cancels-1"
AT_ONCE = 3
"""Runs that are cancelled at the same time: one must not take the other's processes, or leave them."""
CANCEL_SECONDS = 60.0

NASTY = (
    "sleep 600",
    "trap '' TERM INT HUP QUIT; while :; do sleep 0.05; done",
    "setsid sleep 600 & setsid sleep 600 & wait",
    "nohup sh -c 'trap \"\" TERM HUP; while :; do sleep 0.1; done' >/dev/null 2>&1 & sleep 600",
    "(setsid sh -c '(sleep 600 &) ; (trap \"\" TERM; sleep 600) &' &) ; sleep 600",
    "exec >/dev/null 2>&1 </dev/null; while :; do :; done",
    "yes",
    "cat /dev/zero",
    "kill -STOP $$",
    'sh -c \'sh -c "sh -c \\"sleep 600\\" & sleep 600" & sleep 600\'',
    "for i in 1 2 3 4 5 6 7 8 9 10; do (while :; do (sleep 0.02); done) & done; wait",
    "exec 1>&- 2>&- 0<&-; sleep 600",
    "stty -echo -icanon; cat",
    "set -m; sleep 600 & sleep 600 & fg",
)


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What a cancel met."""

    running: int
    """Processes of the program that were seen just before it. A program that has not come that far has none."""
    killed: int
    """Processes that were ended and named in the events."""


@pytest.mark.timeout(scaled(600, 4 * 3600))
async def test_no_survivor_in_bwrap() -> None:
    """Behind walls."""
    require_tool("bwrap")
    with new_workstation() as workstation:
        await cancel_everything(workstation, walls=True)


@pytest.mark.timeout(scaled(600, 4 * 3600))
async def test_no_survivor_without_walls() -> None:
    """Where walls are not wanted, a person's lines run without them."""
    with new_workstation(STIGMER_EXECUTION_MODE="local") as workstation:
        await cancel_everything(workstation, walls=False)


async def cancel_everything(workstation: Workstation, *, walls: bool) -> None:
    """Many runs, cancelled some at a time."""
    tries = scaled(15, 150)
    dice = random.Random(SEED)
    met: list[Cancelled] = []
    daemon = DaemonProcess.start(workstation)
    await daemon.answers()
    async with client_of(workstation) as client:
        await expect_walls(client, walls=walls)
        for first in range(0, tries, AT_ONCE):
            async with asyncio.TaskGroup() as tasks:
                group = [
                    tasks.create_task(cancelled_run(workstation, client, turn, dice.uniform(0, 0.4), walls=walls))
                    for turn in range(first, min(first + AT_ONCE, tries))
                ]
            met += [task.result() for task in group]
    running = [one for one in met if one.running]
    assert len(running) > tries // 3, "hardly any program came as far as to run"
    record(
        f"cancel of nasty programs, {'bwrap' if walls else 'no walls'}",
        tries,
        "cancels",
        f"0 survivors; {sum(one.killed for one in met):,} processes ended and named in the events; {len(running)} programs were seen running just before",
    )


async def expect_walls(client: Client, *, walls: bool) -> None:
    """Raise where commands run behind walls and should not, or the other way round."""
    execution_id = (await client.run("shell", "true")).metadata.id
    events = await everything(client, execution_id, follow=True)
    started = [event.tool_call_started for event in events if event.HasField("tool_call_started")]
    assert [one.sandbox.walls for one in started] == [walls]


async def cancelled_run(workstation: Workstation, client: Client, turn: int, delay: float, *, walls: bool) -> Cancelled:
    """One run, cancelled `delay` seconds after it was asked for."""
    marker = f"chaos-{os.getpid()}-{walls}-{turn}"
    program = NASTY[turn % len(NASTY)]
    execution_id = (await client.run("shell", f"export CHAOS_MARKER={marker}; {program}")).metadata.id
    await asyncio.sleep(delay)
    running = survivors(marker)
    answer = await client.cancel(execution_id, "chaos", wait=CANCEL_SECONDS)
    left = survivors(marker)
    assert not left, f"survivors of {program!r} (run {execution_id}): {left}"
    assert answer.phase == ExecutionPhase.EXECUTION_CANCELLED, f"{program!r}: {ExecutionPhase.Name(answer.phase)}"
    story = story_of(await everything(client, execution_id, follow=True))
    assert story.phase == ExecutionPhase.EXECUTION_CANCELLED
    assert story.issued == story.settled
    started = [command for command in story.commands if command.started]
    for command in started:
        assert command.finished is not None
        assert command.finished.outcome == ToolOutcome.TOOL_OUTCOME_CANCELLED
        assert command.finished.killed or not running, f"{program!r}: nothing is said of {running}, which was killed"
    return Cancelled(len(running), sum(len(command.finished.killed) for command in started if command.finished))
