"""What a run may do, where the person says it with the run or in the middle of it."""

import asyncio

import pytest

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import AgentSpec
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import EXECUTION_COMPLETED
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy
from stigmer_apis.errors import FailedPrecondition
from stigmer_runner.models.scripted import Script, ScriptedCall, Turn
from tests.loop.stage import Stage


def run(line: str) -> ScriptedCall:
    """A command."""
    return ScriptedCall("shell", {"command": line})


NO_CURL = Policy.Rule(decision=Policy.DECISION_DENY, tool="shell", command_prefix=["curl"])
LEAVE = Policy.Rule(decision=Policy.DECISION_ALLOW, tool="shell", command_prefix=["echo"])


async def test_another_policy_and_another_model_hold_from_the_next_step_on(stage: Stage) -> None:
    script = Script.of(
        Turn("", calls=(run("touch one"),)),
        Turn("", calls=(run("touch two"), run("curl example.org"))),
        Turn("Done."),
    )
    async with stage.playing(script):
        await stage.agent("careful", AgentSpec(policy=Policy(preset="ask", rules=[NO_CURL])))
        execution_id = (await stage.run("careful", "Work.")).metadata.id
        asked = (await stage.until(execution_id, lambda told: len(told.approvals) == 1)).approvals[0]
        with pytest.raises(FailedPrecondition, match=r"keeps the sandbox that it began with.*--sandbox container"):
            await stage.client.steering.change_policy(execution_id, Policy(preset="auto", sandbox="container"))
        change = ("change", execution_id, "--policy", "auto", "--model", "ollama/another")
        await asyncio.to_thread(stage.workstation.run, *change)
        await stage.client.steering.resolve_approval(
            execution_id, asked.call_id, ev.APPROVAL_ONCE, binding=asked.binding
        )
        told = await stage.ended(execution_id)
    assert told.phase == EXECUTION_COMPLETED, told
    assert [each.call_id for each in told.approvals] == ["call-1"], "what came after the change was not asked about"
    assert (stage.directory / "two").exists()
    assert "curl" in told.results()["call-3"], "what the agent's rules deny stays denied"
    assert [event.model_call_started.model for event in told.of("model_call_started")] == [
        "scripted",
        "another",
        "another",
    ]


async def test_a_run_narrows_what_its_agent_may(stage: Stage) -> None:
    script = Script.of(Turn("", calls=(run("echo hello > made"), ScriptedCall("list", {"path": "."}))), Turn("Done."))
    async with stage.playing(script):
        await stage.agent("free", AgentSpec(policy=Policy(preset="auto", rules=[LEAVE])))
        arguments = ("run", "free", "-m", "Work.", "-w", str(stage.directory), "--policy", "read-only", "--json")
        ended = await asyncio.to_thread(stage.workstation.run, *arguments)
    assert not (stage.directory / "made").exists()
    assert b"the preset `read-only` changes and runs nothing" in ended.stdout
