"""As a person would on the command line: an agent mends a failing test in a real repository, through approvals."""

import asyncio
import json
import subprocess
from contextlib import aclosing

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import EXECUTION_COMPLETED
from stigmer_runner.models.scripted import Script, ScriptedCall, Turn
from tests.loop.stage import LIVENESS, Stage

BROKEN = "def double(number):\n    return number + 2\n"
MENDED = "def double(number):\n    return number * 2\n"
TEST = "from double import double\n\nassert double(4) == 8, double(4)\nprint('all is well')\n"


async def test_a_failing_test_is_mended_through_approvals(stage: Stage) -> None:
    run_test = ScriptedCall("shell", {"command": "python test_double.py"})
    edit = ScriptedCall("edit", {"path": "double.py", "edits": [{"old": "number + 2", "new": "number * 2"}]})
    script = Script.of(
        Turn("I run the test.", calls=(run_test,)),
        Turn(
            "It adds where it should multiply.", calls=(ScriptedCall("read", {"path": "double.py"}),), expect="Assert"
        ),
        Turn("", calls=(edit,)),
        Turn("", calls=(run_test,)),
        Turn("The test passes now.", expect="all is well"),
    )
    async with stage.playing(script):
        (stage.directory / "double.py").write_text(BROKEN)
        (stage.directory / "test_double.py").write_text(TEST)
        await asyncio.to_thread(subprocess.run, ["git", "init", "-q", str(stage.directory)], check=True)
        await stage.agent("fixer", preset="ask")
        following = stage.workstation.start(
            "run", "fixer", "--message", "Mend the failing test.", "--json", "-w", str(stage.directory)
        )
        await something_waits(stage)
        (waiting,) = json.loads(stage.workstation.run("attention", "-o", "json").stdout)
        assert waiting["args"] == {"command": "python test_double.py"}
        decide = ("approve", waiting["execution"]["executionId"], waiting["approval"]["callId"])
        await asyncio.to_thread(stage.workstation.run, *decide, "--arguments", "[1]", code=64)
        changed = json.dumps({"command": "python -B test_double.py"})
        await asyncio.to_thread(stage.workstation.run, *decide, "--arguments", changed)
        approved = await approve_all(stage, 2)
        output, _ = await asyncio.to_thread(following.communicate, timeout=LIVENESS)
        events = [json.loads(line) for line in output.splitlines()]
        assert events[-1]["phaseChanged"]["phase"] == "EXECUTION_COMPLETED", events[-1]
        assert [
            each["approvalResolved"]["editedArgs"]
            for each in events
            if "editedArgs" in str(each.get("approvalResolved"))
        ] == [json.loads(changed)]
        assert (stage.directory / "double.py").read_text() == MENDED
        execution_id = approved[0][0]
        told = await stage.ended(execution_id)
        assert told.phase == EXECUTION_COMPLETED
        assert told.text().endswith("The test passes now.")
        assert stage.workstation.run("attention").stdout.startswith(b"Nothing")


async def approve_all(stage: Stage, count: int) -> list[tuple[str, str]]:
    """Approve what waits, as it comes, on the command line, which is asked once something waits: a process for each look would cost most of the test."""
    approved: list[tuple[str, str]] = []
    while len(approved) < count:
        await something_waits(stage)
        told = await asyncio.to_thread(stage.workstation.run, "attention")
        for line in told.stdout.decode().splitlines():
            words = line.split()
            if len(words) > 2 and words[1] == "approve" and (words[0], words[2]) not in approved:
                await asyncio.to_thread(stage.workstation.run, "approve", words[0], words[2])
                approved.append((words[0], words[2]))
    return approved


async def something_waits(stage: Stage) -> None:
    """Wait until something waits for a person: looked at again whenever an execution changes."""
    async with asyncio.timeout(LIVENESS):
        seen = await stage.client.steering.list_attention()
        if not seen.waiting:
            async with aclosing(stage.client.watch(seen.revision)) as changes:
                async for _ in changes:
                    if (await stage.client.steering.list_attention()).waiting:
                        return
