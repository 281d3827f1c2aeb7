"""An interrupt closes what stands open: questions, decisions, calls, sub-agents. Nobody is asked what nobody waits for any more."""

import pytest

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import AgentSpec, SubAgent
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import EXECUTION_COMPLETED
from stigmer_runner.models.scripted import Script, ScriptedCall, Turn
from stigmer_runner.models.scripted.script import Conversation
from stigmer_tui.transcript.decisions import Decisions
from tests.loop.stage import Stage, Told

ASK = ScriptedCall("ask_person", {"question": "Which colour?", "options": ["red", "blue"]})
WRITE = ScriptedCall("write", {"path": "a.txt", "content": "one\n"})
SLEEP = ScriptedCall("shell", {"command": "sleep 60"})


def open_in(told: Told) -> list[str]:
    """What a person would be asked, in words."""
    decisions = Decisions()
    for event in told.events:
        decisions.apply(event)
    return [
        *(asked.summary for asked in decisions.approvals.values()),
        *(asked.text for asked in decisions.questions.values()),
    ]


@pytest.mark.parametrize(
    ("by", "call"),
    [("itself", ASK), ("a sub-agent", ASK), ("a sub-agent", WRITE), ("a sub-agent", SLEEP)],
    ids=["its question", "a question", "a decision", "a command"],
)
async def test_what_stood_open_is_closed(stage: Stage, by: str, call: ScriptedCall) -> None:
    then = Turn("Something else.", expect="go on then")
    delegate = ScriptedCall("delegate", {"agent": "helper", "task": "Help."})
    script = Script(
        (
            Conversation((Turn("I do.", calls=(call,)),), when="You help"),
            Conversation((Turn("I begin.", calls=(call if by == "itself" else delegate,)), then)),
        )
    )
    async with stage.playing(script):
        helper = SubAgent(name="helper", instructions="You help the others.", description="helps")
        preset = "auto" if call is SLEEP else "ask"
        await stage.agent("worker", AgentSpec(sub_agents=[helper]), preset=preset)
        execution_id = (await stage.run("worker", "Begin.")).metadata.id
        await stage.until(
            execution_id,
            lambda told: (
                bool(told.approvals or told.questions)
                or any(event.tool_call_started.terminal_id for event in told.of("tool_call_started"))
            ),
        )
        await stage.client.steering.interrupt(execution_id)
        told = await stage.until(execution_id, lambda told: "interrupted the agent" in str(told.questions[-1:]))
        assert open_in(told) == ["You interrupted the agent. What next?"], told
        await stage.client.steering.answer(execution_id, "go on then")
        told = await stage.ended(execution_id)
    assert told.phase == EXECUTION_COMPLETED, told
    requested = [event.tool_call_requested.call_id for event in told.of("tool_call_requested")]
    assert sorted(told.results()) == sorted(requested), told
    assert len(told.of("sub_agent_started")) == len(told.of("sub_agent_finished")), told
