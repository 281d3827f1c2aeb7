"""The published `updateStatus`: reports become events, phases move forward only, and n reports cost n reports."""

from pathlib import Path

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import (
    ExecutionPhase,
    MessageType,
    ToolCallStatus,
)
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import (
    AgentExecution,
    AgentExecutionStatus,
    AgentExecutionUpdateStatusInput,
    AgentMessage,
    ToolCall,
)
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import EventBatch
from stigmer_apis.errors import FailedPrecondition, NotFound
from stigmer_backend.store import Batch
from tests.support.refusals import refused
from tests.support.scale import scaled
from tests.support.scripted_runner import ScriptedRunner
from tests.support.served_backend import Served
from tests.support.waiting import eventually


async def report(served: Served, execution_id: str, status: AgentExecutionStatus) -> AgentExecution:
    return await served.stubs.executions.updateStatus(
        AgentExecutionUpdateStatusInput(execution_id=execution_id, status=status), metadata=served.stubs.metadata
    )


async def bodies(served: Served, execution_id: str) -> list[str | None]:
    found: list[str | None] = []
    after = 0
    while batches := await served.store.read(execution_id, after, 1 << 20):
        for batch in batches:
            found += [event.WhichOneof("body") for event in EventBatch.FromString(batch.body).events]
            after = batch.last_seq
    return found


def message(text: str) -> AgentMessage:
    return AgentMessage(type=MessageType.MESSAGE_AI, content=text)


async def test_what_extends_becomes_events_for_the_difference(served: Served) -> None:
    name = (await served.run()).metadata.id
    first = await report(
        served,
        name,
        AgentExecutionStatus(phase=ExecutionPhase.EXECUTION_IN_PROGRESS, messages=[message("Hel")]),
    )
    assert first.status.phase == ExecutionPhase.EXECUTION_IN_PROGRESS
    second = await report(served, name, AgentExecutionStatus(messages=[message("Hello")]))
    assert (second.status.messages[0].content, second.status.phase) == ("Hello", ExecutionPhase.EXECUTION_IN_PROGRESS)
    call = ToolCall(id="c1", name="grep", status=ToolCallStatus.TOOL_CALL_RUNNING)
    third = await report(served, name, AgentExecutionStatus(tool_calls=[call]))
    assert [one.name for one in third.status.tool_calls] == ["grep"]
    assert third.status.messages[0].content == "Hello"
    assert "status_replaced" not in await bodies(served, name)


async def test_a_report_that_says_nothing_new_appends_nothing(served: Served) -> None:
    name = (await served.run()).metadata.id
    status = AgentExecutionStatus(phase=ExecutionPhase.EXECUTION_IN_PROGRESS, messages=[message("a")])
    answer = await report(served, name, status)
    head = await served.store.head(name)
    await report(served, name, status)
    await report(served, name, answer.status)
    assert await served.store.head(name) == head


async def test_what_contradicts_replaces_the_status_whole(served: Served) -> None:
    name = (await served.run()).metadata.id
    await report(served, name, AgentExecutionStatus(messages=[message("one"), message("two")]))
    answer = await report(served, name, AgentExecutionStatus(messages=[message("another")]))
    assert [one.content for one in answer.status.messages] == ["another"]
    assert (await bodies(served, name))[-1] == "status_replaced"


async def test_an_end_ends_it_and_later_reports_are_refused(served: Served, runner: ScriptedRunner) -> None:
    name = (await served.run()).metadata.id
    await runner.begin(name)
    answer = await report(
        served, name, AgentExecutionStatus(phase=ExecutionPhase.EXECUTION_FAILED, error="no more tokens")
    )
    assert (answer.status.phase, answer.status.error) == (ExecutionPhase.EXECUTION_FAILED, "no more tokens")
    await runner.until(lambda: name not in runner.held)
    for _ in range(2):
        with refused(FailedPrecondition):
            await report(served, name, AgentExecutionStatus(phase=ExecutionPhase.EXECUTION_COMPLETED))
        await eventually(lambda: served.backend.counts() == (1, 0))
    with refused(NotFound):
        await report(served, "aex-nobody", AgentExecutionStatus(error="x"))


async def test_thousands_of_reports_cost_what_is_new(served: Served) -> None:
    count = scaled(1_500, 5_000)
    name = (await served.run()).metadata.id
    await report(served, name, AgentExecutionStatus(phase=ExecutionPhase.EXECUTION_IN_PROGRESS))
    text = ""
    for number in range(count):
        text += f"token {number:05d} "
        await report(served, name, AgentExecutionStatus(messages=[message(text)]))
    assert await served.store.head(name) < 2 * count + 20
    stored = sum(len(batch.body) for batch in await everything(served, name))
    assert stored < 4 * len(text) + 100 * count
    assert bytes_below(served.home.data) < 20 * len(text) + (8 << 20)


def bytes_below(directory: Path) -> int:
    """What the files below `directory` hold."""
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


async def everything(served: Served, execution_id: str) -> list[Batch]:
    found: list[Batch] = []
    after = 0
    while batches := await served.store.read(execution_id, after, 1 << 20):
        found += batches
        after = batches[-1].last_seq
    return found
