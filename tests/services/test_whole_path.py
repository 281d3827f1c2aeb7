"""From create to the end, through every stream, with a runner that is played."""

from pathlib import Path

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecutionId
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import EventBatch
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import ListExecutionsRequest, TailRequest
from tests.support.scripted_runner import ScriptedRunner
from tests.support.served_backend import serve_backend


async def test_an_execution_is_created_leased_run_and_read_to_its_end(short_tmp: Path) -> None:
    async with serve_backend(short_tmp) as served:
        runner = ScriptedRunner(served.home, "run-1", served.tokens.issue_runner("run-1"))
        await runner.connect()
        execution = await served.run("echo 42")
        name = execution.metadata.id
        held = await runner.begin(name)
        assert held.granted.fresh
        assert held.granted.agent.metadata.slug == "shell"
        assert held.granted.workspace_is_own
        assert held.granted.workspace == str(served.home.workspaces / execution.spec.session_id)
        await runner.run_line(name, "echo 42", b"42\r\n")
        await runner.complete(name)

        kinds: list[str | None] = []
        ended = None
        async for frame in served.stubs.service.Tail(
            TailRequest(execution_id=name, follow=True), metadata=served.stubs.metadata
        ):
            if frame.HasField("batch"):
                assert frame.batch.first_seq == len(kinds) + 1
                kinds += [event.WhichOneof("body") for event in EventBatch.FromString(frame.batch.events).events]
            if frame.HasField("end"):
                ended = frame.end
        assert kinds == [
            "execution_created",
            "phase_changed",
            "phase_changed",
            "message_started",
            "text_delta",
            "message_completed",
            "tool_call_requested",
            "tool_call_started",
            "terminal_output",
            "tool_call_finished",
            "phase_changed",
        ]
        assert ended is not None
        assert (ended.final_seq, ended.phase) == (11, ExecutionPhase.EXECUTION_COMPLETED)

        stored = await served.stubs.execution_queries.get(AgentExecutionId(value=name), metadata=served.stubs.metadata)
        assert stored.status.phase == ExecutionPhase.EXECUTION_COMPLETED
        assert stored.status.tool_calls[0].result == "42\r\n"
        page = await served.stubs.service.ListExecutions(ListExecutionsRequest(), metadata=served.stubs.metadata)
        assert [(row.execution_id, row.last_line, row.last_exit_code) for row in page.executions] == [(name, "42", 0)]
        await runner.disconnect()
