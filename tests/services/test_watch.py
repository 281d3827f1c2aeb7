"""Watch and the published subscribe: who looks is told what changed, coalesced, and misses nothing."""

import asyncio
from pathlib import Path

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import (
    AgentExecution,
    AgentExecutionId,
)
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import ApiResourceId
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import (
    CancelRequest,
    ListExecutionsRequest,
    WatchRequest,
    WatchResponse,
)
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionSummary
from stigmer_apis.errors import NotFound
from stigmer_apis.transport import aio
from stigmer_backend.executions.options import ExecutionOptions
from tests.support.refusals import refused
from tests.support.scripted_runner import ScriptedRunner, printed
from tests.support.served_backend import Served, serve_backend
from tests.support.waiting import PATIENCE, eventually


class Watching:
    """A board that is kept by a Watch."""

    def __init__(self, served: Served, after_revision: int) -> None:
        self.rows: dict[str, ExecutionSummary] = {}
        self.messages: list[WatchResponse] = []
        self._call = served.stubs.service.Watch(
            WatchRequest(after_revision=after_revision), metadata=served.stubs.metadata
        )

    async def next(self) -> WatchResponse:
        async with asyncio.timeout(PATIENCE):
            response = await self._call.read()
        assert isinstance(response, WatchResponse)
        self.messages.append(response)
        for row in response.changed:
            self.rows[row.execution_id] = row
        for gone in response.removed:
            self.rows.pop(gone, None)
        return response

    async def until(self, execution_id: str, phase: ExecutionPhase.ValueType) -> None:
        while execution_id not in self.rows or self.rows[execution_id].phase != phase:
            await self.next()

    def end(self) -> None:
        self._call.cancel()


async def revision(served: Served) -> int:
    page = await served.stubs.service.ListExecutions(ListExecutionsRequest(), metadata=served.stubs.metadata)
    return page.revision


async def test_the_first_message_comes_at_once_and_each_change_follows(served: Served, runner: ScriptedRunner) -> None:
    watching = Watching(served, 0)
    first = await watching.next()
    assert (list(first.changed), first.reset, first.total) == ([], False, 0)
    name = (await served.run()).metadata.id
    await watching.until(name, ExecutionPhase.EXECUTION_PENDING)
    await runner.begin(name)
    await watching.until(name, ExecutionPhase.EXECUTION_IN_PROGRESS)
    await runner.run_line(name, "echo hi", b"hi\r\n")
    await runner.complete(name)
    await watching.until(name, ExecutionPhase.EXECUTION_COMPLETED)
    assert watching.rows[name].last_line == "hi"
    assert watching.rows[name].completed_unix_micros == 0
    assert watching.messages[-1].total == 1
    await eventually(lambda: served.backend.counts()[1] == 0)
    await served.stubs.executions.delete(ApiResourceId(value=name), metadata=served.stubs.metadata)
    while watching.rows:
        await watching.next()
    assert watching.messages[-1].total == 0
    revisions = [message.revision for message in watching.messages]
    assert revisions == sorted(revisions)
    watching.end()


async def test_a_watch_from_a_list_misses_nothing(served: Served, runner: ScriptedRunner) -> None:
    name = (await served.run()).metadata.id
    seen = await revision(served)
    await runner.begin(name)
    await runner.complete(name)
    await eventually(lambda: served.backend.counts()[1] == 0)
    watching = Watching(served, seen)
    await watching.until(name, ExecutionPhase.EXECUTION_COMPLETED)
    watching.end()


async def test_many_changes_in_a_short_time_are_told_as_the_newest(served: Served, runner: ScriptedRunner) -> None:
    name = (await served.run()).metadata.id
    await runner.begin(name)
    await runner.start_line(name, "seq")
    watching = Watching(served, 0)
    await watching.next()
    count = 300
    for number in range(count):
        await runner.append(name, [printed("term-call-1", b"line %d\n" % number)], urgent=True, wait=False)
    while name not in watching.rows or watching.rows[name].last_line != f"line {count - 1}":
        await watching.next()
    assert len(watching.messages) < count / 2
    watching.end()


async def test_a_revision_of_another_start_or_from_too_long_ago_is_answered_by_a_reset(short_tmp: Path) -> None:
    options = ExecutionOptions(watch_history=3)
    async with serve_backend(short_tmp, options=options) as served:
        before = await revision(served)
        names = [(await served.run()).metadata.id for _ in range(6)]
        late = Watching(served, before)
        message = await late.next()
        assert (message.reset, message.total) == (True, 6)
        assert message.revision == await revision(served)
        fresh = Watching(served, message.revision - 3)
        answer = await fresh.next()
        assert (answer.reset, [row.execution_id for row in answer.changed]) == (False, names[3:])
        late.end()
        fresh.end()
        old = await revision(served)
    async with serve_backend(short_tmp, options=options) as served:
        assert await revision(served) > old
        other = Watching(served, old)
        message = await other.next()
        assert (message.reset, message.total) == (True, 6)
        await served.run()
        assert len((await other.next()).changed) == 1
        other.end()


async def test_an_execution_that_ended_long_ago_is_told_from_memory(served: Served) -> None:
    seen = await revision(served)
    name = (await served.run()).metadata.id
    await served.stubs.service.Cancel(CancelRequest(execution_id=name), metadata=served.stubs.metadata)
    await eventually(lambda: served.backend.counts() == (1, 0))
    watching = Watching(served, seen)
    message = await watching.next()
    assert [(row.execution_id, row.phase) for row in message.changed] == [(name, ExecutionPhase.EXECUTION_CANCELLED)]
    watching.end()


# -- the published subscribe ---------------------------------------------------------------------------------------------


async def objects(call: aio.UnaryStreamCall[AgentExecutionId, AgentExecution]) -> list[AgentExecution]:
    found: list[AgentExecution] = []
    async with asyncio.timeout(PATIENCE):
        async for one in call:
            found.append(one)
    return found


async def test_subscribe_gives_the_object_now_and_on_change_and_ends_with_it(
    served: Served, runner: ScriptedRunner
) -> None:
    name = (await served.run()).metadata.id
    await runner.begin(name)
    call = served.stubs.execution_queries.subscribe(AgentExecutionId(value=name), metadata=served.stubs.metadata)
    first = await call.read()
    assert isinstance(first, AgentExecution)
    assert first.status.phase == ExecutionPhase.EXECUTION_IN_PROGRESS
    await runner.start_line(name, "seq")
    count = 200
    for number in range(count):
        await runner.append(name, [printed("term-call-1", b"%d\n" % number)], wait=False)
    await runner.finish_line(name)
    await runner.complete(name)
    seen: list[AgentExecution] = []
    while isinstance(one := await call.read(), AgentExecution):
        seen.append(one)
    assert seen[-1].status.phase == ExecutionPhase.EXECUTION_COMPLETED
    assert f"{count - 1}" in seen[-1].status.tool_calls[0].result
    assert len(seen) < count / 2
    heads = [one.status.head_seq for one in seen]
    assert heads == sorted(heads)


async def test_subscribe_to_an_ended_execution_gives_it_once(served: Served) -> None:
    name = (await served.run()).metadata.id
    await served.stubs.service.Cancel(CancelRequest(execution_id=name), metadata=served.stubs.metadata)
    for _ in range(2):
        seen = await objects(
            served.stubs.execution_queries.subscribe(AgentExecutionId(value=name), metadata=served.stubs.metadata)
        )
        assert [one.status.phase for one in seen] == [ExecutionPhase.EXECUTION_CANCELLED]
        await eventually(lambda: served.backend.counts() == (1, 0))
    with refused(NotFound):
        await objects(
            served.stubs.execution_queries.subscribe(AgentExecutionId(value="aex-x"), metadata=served.stubs.metadata)
        )
