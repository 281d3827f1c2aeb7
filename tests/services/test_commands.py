"""Commands: stored first, delivered until they took effect, answered once; and the daemon's own cancel where nobody runs it."""

import asyncio
from pathlib import Path

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecutionId
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import CommandRejected, Event, EventBatch, ToolOutcome
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import (
    CancelRequest,
    CancelResponse,
    SendMessageRequest,
    SendMessageResponse,
)
from stigmer_apis.errors import FailedPrecondition, InvalidArgument, NotFound, Unavailable
from stigmer_backend.executions.options import ExecutionOptions
from tests.support.refusals import refused
from tests.support.scripted_runner import ScriptedRunner, applied, phase
from tests.support.served_backend import Served, serve_backend
from tests.support.waiting import eventually

HASTY = ExecutionOptions(command_wait_seconds=0.2, lease_seconds=0.5)


async def send(served: Served, execution_id: str, text: str, key: str = "") -> SendMessageResponse:
    return await served.stubs.service.SendMessage(
        SendMessageRequest(execution_id=execution_id, text=text),
        metadata=served.stubs.keyed(key) if key else served.stubs.metadata,
    )


async def cancel(served: Served, execution_id: str, *, wait: int = 0, key: str = "") -> CancelResponse:
    request = CancelRequest(execution_id=execution_id, reason="enough")
    if wait:
        request.wait.seconds = wait
    metadata = served.stubs.keyed(key) if key else served.stubs.metadata
    return await served.stubs.service.Cancel(request, metadata=metadata)


async def events(served: Served, execution_id: str) -> list[Event]:
    found: list[Event] = []
    after = 0
    while batches := await served.store.read(execution_id, after, 1 << 20):
        for batch in batches:
            found += EventBatch.FromString(batch.body).events
            after = batch.last_seq
    return found


def bodies(found: list[Event]) -> list[str | None]:
    return [event.WhichOneof("body") for event in found]


async def test_a_message_is_answered_when_the_execution_took_it(served: Served, runner: ScriptedRunner) -> None:
    name = (await served.run()).metadata.id
    await runner.begin(name)
    sending = asyncio.create_task(send(served, name, "echo 2"))
    command = await runner.command(name)
    assert command.send_message.text == "echo 2"
    assert command.author == "local-user"
    assert not sending.done()
    await runner.append(name, [applied(command.command_id)])
    assert (await sending).command_id == command.command_id
    assert bodies(await events(served, name))[-2:] == ["command_issued", "command_applied"]


async def test_the_same_key_is_the_same_command_with_the_same_answer_also_later(short_tmp: Path) -> None:
    async with serve_backend(short_tmp) as served:
        runner = ScriptedRunner(served.home, "run-1", served.tokens.issue_runner("run-1"))
        await runner.connect()
        name = (await served.run()).metadata.id
        await runner.begin(name)
        both = [asyncio.create_task(send(served, name, "echo 2", "key-1")) for _ in range(4)]
        command = await runner.command(name)
        await runner.append(name, [applied(command.command_id)])
        assert {(await one).command_id for one in both} == {command.command_id}
        assert (await send(served, name, "echo 2", "key-1")).command_id == command.command_id
        assert bodies(await events(served, name)).count("command_issued") == 1
        with refused(InvalidArgument):
            await cancelled_by_key(served, name)
    await runner.disconnect()
    async with serve_backend(short_tmp) as served:
        assert (await send(served, name, "echo 2", "key-1")).command_id == command.command_id
        await runner.connect()
        await runner.complete(name)
        await eventually(lambda: served.backend.counts() == (1, 0))
        assert (await send(served, name, "echo 2", "key-1")).command_id == command.command_id
        with refused(FailedPrecondition):
            await send(served, name, "echo 3", "key-2")
        await runner.disconnect()


async def cancelled_by_key(served: Served, name: str) -> None:
    """A message with the key of a cancel."""
    cancelling = asyncio.create_task(cancel(served, name, key="key-c"))
    await cancelling
    await send(served, name, "echo", "key-c")


async def test_a_refused_message_says_why(served: Served, runner: ScriptedRunner) -> None:
    name = (await served.run()).metadata.id
    await runner.begin(name)
    sending = asyncio.create_task(send(served, name, "echo 2"))
    command = await runner.command(name)
    rejected = CommandRejected(command_id=command.command_id, reason="not while it compacts")
    await runner.append(name, [Event(command_rejected=rejected)])
    with refused(FailedPrecondition) as refusal:
        await sending
    assert "not while it compacts" in refusal.text


async def test_a_message_that_nobody_takes_stays_queued_and_is_delivered_later(short_tmp: Path) -> None:
    async with serve_backend(short_tmp, options=HASTY) as served:
        name = (await served.run()).metadata.id
        with refused(Unavailable) as refusal:
            await send(served, name, "echo later", "key-1")
        assert "queued" in refusal.text
        runner = ScriptedRunner(served.home, "run-1", served.tokens.issue_runner("run-1"))
        await runner.connect()
        granted = (await runner.lease(name)).granted
        assert [one.command.send_message.text for one in granted.pending] == ["echo later"]
        await runner.append(name, [applied(granted.pending[0].command.command_id)])
        sent = await send(served, name, "echo later", "key-1")
        assert sent.command_id == granted.pending[0].command.command_id, "asked again by the same key, it is told"
        await runner.disconnect()


async def test_commands_are_delivered_again_after_each_reconnect_until_they_took_effect(
    served: Served, runner: ScriptedRunner
) -> None:
    name = (await served.run()).metadata.id
    await runner.begin(name)
    sending = asyncio.create_task(send(served, name, "echo 2"))
    command = await runner.command(name)
    await runner.disconnect()
    await runner.connect()
    assert (await runner.command(name, 2)).command_id == command.command_id
    await runner.append(name, [applied(command.command_id)])
    await sending
    await runner.disconnect()
    await runner.connect()
    await runner.heartbeat()
    other = asyncio.create_task(send(served, name, "echo 3"))
    assert (await runner.command(name, 3)).send_message.text == "echo 3"
    other.cancel()


async def test_what_is_pending_at_the_end_is_rejected_before_it(served: Served, runner: ScriptedRunner) -> None:
    name = (await served.run()).metadata.id
    await runner.begin(name)
    sending = asyncio.create_task(send(served, name, "too late"))
    await runner.command(name)
    await runner.complete(name)
    with refused(FailedPrecondition) as refusal:
        await sending
    assert "it had ended" in refusal.text
    assert bodies(await events(served, name))[-3:] == ["command_issued", "command_rejected", "phase_changed"]
    with refused(FailedPrecondition):
        await send(served, name, "much too late")
    with refused(NotFound):
        await send(served, "aex-nobody", "x")


async def test_a_cancel_is_applied_by_the_runner_that_holds_it(served: Served, runner: ScriptedRunner) -> None:
    name = (await served.run()).metadata.id
    await runner.begin(name)
    cancelling = asyncio.create_task(cancel(served, name, wait=30))
    command = await runner.command(name)
    assert command.cancel.reason == "enough"
    again = await cancel(served, name)
    assert (again.command_id, again.phase) == (command.command_id, ExecutionPhase.EXECUTION_IN_PROGRESS)
    await runner.append(name, [applied(command.command_id), phase(ExecutionPhase.EXECUTION_CANCELLED, "enough")])
    answer = await cancelling
    assert (answer.phase, answer.already_ended) == (ExecutionPhase.EXECUTION_CANCELLED, False)
    assert bodies(await events(served, name))[-3:] == ["command_issued", "command_applied", "phase_changed"]
    late = await cancel(served, name)
    assert (late.already_ended, late.phase) == (True, ExecutionPhase.EXECUTION_CANCELLED)
    with refused(NotFound):
        await cancel(served, "aex-nobody")


async def test_with_nobody_holding_it_the_daemon_cancels(served: Served) -> None:
    name = (await served.run()).metadata.id
    answer = await cancel(served, name)
    assert (answer.phase, answer.already_ended) == (ExecutionPhase.EXECUTION_CANCELLED, False)
    found = await events(served, name)
    assert bodies(found)[2:] == ["command_issued", "command_applied", "phase_changed"]
    assert found[-1].phase_changed.reason == "enough"
    assert all(event.time_unix_micros for event in found)


async def test_a_cancel_whose_runner_dies_is_applied_by_the_daemon(short_tmp: Path) -> None:
    async with serve_backend(short_tmp, options=HASTY) as served:
        runner = ScriptedRunner(served.home, "run-1", served.tokens.issue_runner("run-1"))
        await runner.connect()
        name = (await served.run("sleep 100")).metadata.id
        await runner.begin(name)
        await runner.start_line(name, "sleep 100")
        await runner.disconnect()
        answer = await cancel(served, name, wait=30)
        assert answer.phase == ExecutionPhase.EXECUTION_CANCELLED
        found = await events(served, name)
        assert bodies(found)[-4:] == ["command_issued", "tool_call_finished", "command_applied", "phase_changed"]
        assert found[-3].tool_call_finished.outcome == ToolOutcome.TOOL_OUTCOME_UNKNOWN
        execution = await served.stubs.execution_queries.get(
            AgentExecutionId(value=name), metadata=served.stubs.metadata
        )
        assert execution.status.phase == ExecutionPhase.EXECUTION_CANCELLED


async def test_a_cancel_is_not_lost_over_a_restart(short_tmp: Path) -> None:
    async with serve_backend(short_tmp) as served:
        runner = ScriptedRunner(served.home, "run-1", served.tokens.issue_runner("run-1"))
        await runner.connect()
        name = (await served.run()).metadata.id
        await runner.begin(name)
        answer = await cancel(served, name)
        before = len(runner.commands(name))
    await runner.disconnect()
    async with serve_backend(short_tmp) as served:
        await runner.connect()
        command = await runner.command(name, before + 1)
        assert command.command_id == answer.command_id
        await runner.append(name, [applied(command.command_id), phase(ExecutionPhase.EXECUTION_CANCELLED)])
        late = await cancel(served, name, wait=30)
        assert late.already_ended
        await runner.disconnect()
