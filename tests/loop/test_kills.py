"""The runner or the daemon killed at random moments of a run: it goes on, and what was done was done once, or a person was asked."""

import asyncio
import random

import pytest

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import EXECUTION_COMPLETED
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import TOOL_OUTCOME_UNKNOWN
from stigmer_apis.errors import StigmerError
from stigmer_runner.models.scripted import Script, ScriptedCall, Turn
from tests.chaos.daemon import DaemonProcess, runner_pids
from tests.chaos.figures import record
from tests.loop.stage import Stage, Told
from tests.support.scale import scaled

KILLS = scaled(20, 200)
SEED = "loop kills 1"
STEPS = 8
AT_ONCE = 5
"""Kills of one execution: one that is killed more often than it can begin anew comes to no end."""
LIVENESS = 240.0


def step(number: int) -> ScriptedCall:
    """A command whose side effect is a line in a ledger of its own."""
    return ScriptedCall("shell", {"command": f"echo {number} >> ledger; sleep 0.5"})


@pytest.mark.timeout(scaled(240, 3000))
async def test_a_kill_at_any_moment_costs_nothing(stage: Stage) -> None:
    dice = random.Random(SEED)
    script = Script.of(
        *(Turn(f"Step {n}. ", repeat=10, token_delay=0.003, calls=(step(n),)) for n in range(STEPS)), Turn("Done.")
    )
    async with stage.playing(script):
        await stage.agent("worker")
        kills = of_daemon = asked = runs = 0
        while kills < KILLS:
            (stage.directory / "ledger").unlink(missing_ok=True)
            execution_id = (await stage.run("worker", "Work.")).metadata.id
            watching = asyncio.create_task(answer_questions(stage, execution_id))
            for _ in range(min(AT_ONCE, KILLS - kills)):
                await asyncio.sleep(dice.uniform(0.3, 2.5))
                if watching.done():
                    break
                daemon = dice.random() < 0.3
                await kill_one(stage, daemon=daemon)
                kills += 1
                of_daemon += daemon
            async with asyncio.timeout(LIVENESS):
                retried = await watching
            asked += len(retried)
            runs += 1
            told = await stage.ended(execution_id)
            check(stage, told, retried)
        found = (
            f"{runs} runs of {STEPS} tool calls, all COMPLETED; every call was made once, but {asked} whose outcome was unknown: "
            f"these were put to the person, and made again at their word; {of_daemon} kills were of the daemon"
        )
        record("kill -9 in an agent's run, by a ledger of its tools", kills, "kills", found)


def check(stage: Stage, told: Told, retried: list[str]) -> None:
    """Every step was made once; one whose outcome was unknown, once or twice, as the person said."""
    assert told.phase == EXECUTION_COMPLETED, told
    lines = [int(line) for line in (stage.directory / "ledger").read_text().split()]
    unknown = [
        event.tool_call_finished.call_id
        for event in told.of("tool_call_finished")
        if event.tool_call_finished.outcome == TOOL_OUTCOME_UNKNOWN
    ]
    assert len(unknown) == len(retried), (unknown, retried)
    for number in range(STEPS):
        made = lines.count(number)
        tries = 1 + sum(call_id.replace(".again", "") == f"call-{number + 1}" for call_id in unknown)
        assert 1 <= made <= tries, f"step {number} was made {made} times in {tries} tries\n{told}"
    assert told.text().endswith("Done.")


async def answer_questions(stage: Stage, execution_id: str) -> list[str]:
    """Whatever is asked, try it again; returns which questions there were. Reads on over dying daemons."""
    answered: list[str] = []
    while True:
        try:
            told = await stage.until(
                execution_id,
                lambda told: (
                    told.phase >= EXECUTION_COMPLETED
                    or any(each.attention_id not in answered for each in told.questions)
                ),
            )
        except StigmerError:
            await asyncio.sleep(0.1)
            continue
        if told.phase >= EXECUTION_COMPLETED:
            return answered
        for each in told.questions:
            if each.attention_id not in answered:
                try:
                    await stage.client.steering.answer(execution_id, "retry", each.attention_id)
                except StigmerError as error:
                    if "answered already" not in str(error):
                        await asyncio.sleep(0.1)
                        continue
                answered.append(each.attention_id)


async def kill_one(stage: Stage, *, daemon: bool) -> None:
    """Kill -9 the runner, or the daemon, which is started again."""
    if daemon:
        for process in stage.workstation.processes_of("stigmer_backend.daemon"):
            stage.workstation.kill(process.pid)
        await DaemonProcess.start(stage.workstation).answers()
        return
    for pid in runner_pids(stage.workstation):
        await asyncio.to_thread(stage.workstation.kill, pid)
