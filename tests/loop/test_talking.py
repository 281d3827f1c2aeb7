"""Agents that a model drives, from the request to the event."""

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import (
    EXECUTION_COMPLETED,
    MESSAGE_AI,
    MESSAGE_HUMAN,
)
from stigmer_runner.models.scripted import Script, ScriptedCall, Turn
from tests.loop.stage import Stage


async def test_an_answer_and_a_tool_call(stage: Stage) -> None:
    script = Script.of(
        Turn("Let me look.", calls=(ScriptedCall("list", {"path": "."}), ScriptedCall("read", {"path": "a.txt"}))),
        Turn("It says hello.", expect="hello"),
    )
    async with stage.playing(script):
        (stage.directory / "a.txt").write_text("hello\n")
        await stage.agent("reader")
        execution = await stage.run("reader", "What is in a.txt?")
        told = await stage.ended(execution.metadata.id)
        assert told.phase == EXECUTION_COMPLETED, told
        assert told.text() == "Let me look.It says hello."
        assert "hello" in told.results()["call-2"]
        found = await stage.client.get_execution(execution.metadata.id)
        types = [message.type for message in found.status.messages]
        assert types == [MESSAGE_HUMAN, MESSAGE_AI, MESSAGE_AI]
        assert [call.id for call in found.status.messages[1].tool_calls] == ["call-1", "call-2"]
        assert all(call.result for call in found.status.tool_calls)
