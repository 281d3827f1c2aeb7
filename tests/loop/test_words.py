"""What a person reads of a run on the command line, beside what the model says: warnings, limits, kept files, failures."""

import asyncio
import json

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import EXECUTION_FAILED
from stigmer_runner.models.scripted import Fault, FaultKind, Script, ScriptedCall, Turn
from tests.loop.stage import Stage


def look(depth: int) -> ScriptedCall:
    """A call that only looks, each another one."""
    return ScriptedCall("list", {"path": ".", "depth": depth})


async def test_what_is_kept_and_what_is_near_is_said_while_it_runs(stage: Stage) -> None:
    keep = ScriptedCall("keep_file", {"path": "report.txt"})
    script = Script.of(Turn("I keep it.", calls=(keep,)), *(Turn(f"{n}.", calls=(look(n + 1),)) for n in range(8)))
    (stage.directory / "report.txt").write_text("all is well\n")
    async with stage.playing(script):
        await stage.agent("keeper")
        arguments = ("run", "keeper", "-m", "Keep it.", "-w", str(stage.directory), "--max-turns", "5")
        ended = await asyncio.to_thread(stage.workstation.run, *arguments, code=None)
    words = ended.stderr.decode()
    assert "report.txt is kept (12 bytes): stigmer artifact get art-" in words
    assert "A limit is near: 4 of 5 calls of the model." in words
    assert words.count("5 calls of the model") == 2, words  # near, and the end
    assert ended.returncode == 80, words


async def test_the_same_stands_in_its_json(stage: Stage) -> None:
    script = Script.of(*(Turn(f"{n}.", calls=(look(n + 1),)) for n in range(8)))
    async with stage.playing(script):
        await stage.agent("looker")
        arguments = ("run", "looker", "-m", "Look.", "-w", str(stage.directory), "--max-turns", "5", "--json")
        ended = await asyncio.to_thread(stage.workstation.run, *arguments, code=None)
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    near = [line["limitNeared"] for line in lines if "limitNeared" in line]
    assert [(each["limit"], each.get("reached", False)) for each in near] == [("turns", False), ("turns", True)]


async def test_a_failed_model_call_is_told_once(stage: Stage) -> None:
    refused = Fault(FaultKind.STATUS, times=9, status=401)
    async with stage.playing(Script.of(Turn("Never.", fault=refused))):
        await stage.agent("locked-out")
        arguments = ("run", "locked-out", "-m", "Work.", "-w", str(stage.directory))
        ended = await asyncio.to_thread(stage.workstation.run, *arguments, code=None)
        told = await stage.ended((await stage.run("locked-out", "Work.")).metadata.id)
    assert told.phase == EXECUTION_FAILED
    (failed,) = [event.model_call_failed for event in told.of("model_call_failed")]
    assert ended.stderr.decode().count(failed.error.partition(".")[0]) == 1, ended.stderr
    assert [event.message_completed.interrupted for event in told.of("message_completed")][-1] == ""
