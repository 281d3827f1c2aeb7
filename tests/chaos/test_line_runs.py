"""Kill -9 of the runner or the daemon at random points of a run with 30 queued command lines."""

import asyncio
import random
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import pytest

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import ToolOutcome
from stigmer_apis.client import Client, TailBatch
from tests.chaos.daemon import DaemonProcess, client_of, runner_pids
from tests.chaos.figures import record
from tests.chaos.reading import Story, everything, story_of
from tests.support.scale import scaled
from tests.support.workstation import Workstation, new_workstation

LINES = 30
SEED = "lines-1"
GATE = "until [ -e go ]; do sleep 0.01; done"
"""The first line: it holds the others back until they are all queued."""


class Victim(Enum):
    """Who is killed."""

    RUNNER = "runner"
    DAEMON = "daemon"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a try ended."""

    victim: Victim
    unknown: bool
    """Whether a line was interrupted."""
    ran: int
    """Lines that left their number in the file."""


def line(number: int) -> str:
    """Prints, leaves its number in the workspace, prints again."""
    return f"echo begin {number}; echo {number} >> numbers; sleep 0.01; echo end {number}"


async def queued_run(client: Client, workspace: Path) -> str:
    """A run with all lines queued behind the gate."""
    execution_id = (await client.run("shell", GATE, workspace=str(workspace))).metadata.id
    for number in range(1, LINES + 1):
        await client.send_message(execution_id, line(number))
    return execution_id


async def finished_lines(client: Client, execution_id: str, count: int) -> None:
    """Return once so many command lines have finished, or the run has ended."""
    finished = 0
    async for item in client.tail(execution_id):
        if isinstance(item, TailBatch):
            finished += sum(event.WhichOneof("body") == "tool_call_finished" for event in item.events)
        if finished >= count:
            return


def check(story: Story, numbers: list[int], victim: Victim) -> bool:
    """Raises `AssertionError` where a line ran twice, or the story hides something. Returns whether a line was interrupted."""
    assert numbers == list(range(1, len(numbers) + 1)), f"lines ran out of order, or twice: {numbers}"
    assert all(command.started <= 1 for command in story.commands), "a line was started twice"
    assert story.issued == story.settled, "a message was neither taken nor refused"
    unknown = [c for c in story.commands if c.finished and c.finished.outcome == ToolOutcome.TOOL_OUTCOME_UNKNOWN]
    if not unknown:
        assert story.phase == ExecutionPhase.EXECUTION_COMPLETED, f"{ExecutionPhase.Name(story.phase)}: {story.reason}"
        assert numbers == list(range(1, LINES + 1))
        return False
    assert victim is Victim.RUNNER, "the daemon's death interrupted a line"
    assert story.phase == ExecutionPhase.EXECUTION_FAILED
    assert story.reason
    (interrupted,) = unknown
    assert interrupted is story.commands[-1] or not any(
        c.started for c in story.commands[story.commands.index(interrupted) + 1 :]
    ), "a line ran after one whose outcome is unknown"
    place = story.commands.index(interrupted)
    if place:
        expected = f"begin {place}\r\nend {place}\r\n".encode()
        assert expected.startswith(interrupted.output), f"{interrupted.output!r} is not what line {place} prints"
        assert numbers in (list(range(1, place)), list(range(1, place + 1)))
    return True


@pytest.mark.timeout(scaled(600, 4 * 3600))
async def test_no_line_runs_twice_silently(tmp_path: Path) -> None:
    """A line that was interrupted is marked unknown with what it printed, the run fails and says so; a killed daemon interrupts nothing."""
    tries = scaled(8, 100)
    dice = random.Random(SEED)
    outcomes: list[Outcome] = []
    with new_workstation() as workstation:
        daemon = DaemonProcess.start(workstation)
        await daemon.answers()
        for turn in range(tries):
            victim = (Victim.RUNNER, Victim.DAEMON)[turn % 2]
            workspace = tmp_path / f"w{turn}"
            workspace.mkdir()
            daemon, outcome = await one_try(workstation, daemon, victim, workspace, dice)
            outcomes.append(outcome)
    by_runner = [outcome for outcome in outcomes if outcome.victim is Victim.RUNNER]
    interrupted = sum(outcome.unknown for outcome in by_runner)
    assert all(outcome.ran == LINES for outcome in outcomes if outcome.victim is Victim.DAEMON)
    record(
        "kill -9 in a run of 30 queued lines",
        tries,
        f"kills, {len(by_runner)} of the runner",
        f"0 lines ran twice; runner: {interrupted} runs ended FAILED with the interrupted line marked unknown, {len(by_runner) - interrupted} went on to COMPLETED; "
        f"daemon: {tries - len(by_runner)} of {tries - len(by_runner)} went on to COMPLETED with all lines once",
    )


async def one_try(
    workstation: Workstation, daemon: DaemonProcess, victim: Victim, workspace: Path, dice: random.Random
) -> tuple[DaemonProcess, Outcome]:
    """One run and one kill. Returns the daemon that runs afterwards."""
    async with client_of(workstation) as client:
        execution_id = await queued_run(client, workspace)
        reader = asyncio.create_task(everything(client, execution_id, follow=True))
        (workspace / "go").touch()
        await finished_lines(client, execution_id, dice.randint(0, LINES))
        await asyncio.sleep(dice.uniform(0, 0.04))
        match victim:
            case Victim.RUNNER:
                for pid in runner_pids(workstation):
                    workstation.kill(pid)
            case Victim.DAEMON:
                daemon.kill()
                daemon = DaemonProcess.start(workstation)
        events = await reader
        assert events == await everything(client, execution_id, follow=False)
    numbers = (
        [int(word) for word in (workspace / "numbers").read_text().split()] if (workspace / "numbers").exists() else []
    )
    return daemon, Outcome(victim, check(story_of(events), numbers, victim), len(numbers))
