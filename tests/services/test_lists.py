"""Lists of executions, published and ours: order, filters, pages that stay right, numbers."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import (
    ExecutionPhase,
    MessageType,
)
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import (
    AgentExecution,
    AgentExecutionList,
    AgentExecutionSpec,
    ListAgentExecutionsBySessionRequest,
    ListAgentExecutionsRequest,
)
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import ApiResourceId, ApiResourceMetadata
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.execution.v1.attention_pb2 import AttentionKind
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import (
    CancelRequest,
    ExecutionFilter,
    ListExecutionsRequest,
    ListExecutionsResponse,
)
from stigmer_apis.errors import InvalidArgument, NotFound
from stigmer_apis.protocol import API_VERSION, MAX_STATUS_BYTES
from stigmer_backend.executions.options import ExecutionOptions
from tests.support.refusals import refused
from tests.support.scripted_runner import ScriptedRunner, printed
from tests.support.served_backend import Served, serve_backend
from tests.support.waiting import eventually


async def ask(served: Served, request: ListExecutionsRequest) -> ListExecutionsResponse:
    return await served.stubs.service.ListExecutions(request, metadata=served.stubs.metadata)


async def all_pages(served: Served, request: ListExecutionsRequest) -> list[str]:
    """Ids of all rows, page by page."""
    found: list[str] = []
    while True:
        answer = await ask(served, request)
        found += [row.execution_id for row in answer.executions]
        request.page_token = answer.next_page_token
        request.skip = 0
        if not request.page_token:
            return found


async def cancel(served: Served, execution_id: str) -> None:
    live = served.backend.counts()[1]
    await served.stubs.service.Cancel(CancelRequest(execution_id=execution_id), metadata=served.stubs.metadata)
    await eventually(lambda: served.backend.counts()[1] < live)


async def test_newest_first_or_oldest_first_in_pages_that_stay_right(served: Served) -> None:
    made = [(await served.run(f"echo {number}")).metadata.id for number in range(7)]
    newest = list(reversed(made))
    first = await ask(served, ListExecutionsRequest(page_size=3))
    assert [row.execution_id for row in first.executions] == newest[:3]
    assert (first.total, first.total_unfiltered, first.total_is_lower_bound) == (7, 7, False)
    later = (await served.run("later")).metadata.id
    rest = await all_pages(served, ListExecutionsRequest(page_size=3, page_token=first.next_page_token))
    assert rest == newest[3:]
    assert await all_pages(served, ListExecutionsRequest(page_size=2)) == [later, *newest]
    assert await all_pages(served, ListExecutionsRequest(page_size=2, oldest_first=True)) == [*made, later]
    jumped = await ask(served, ListExecutionsRequest(page_size=2, skip=5))
    assert [row.execution_id for row in jumped.executions] == [later, *newest][5:7]
    beyond = await ask(served, ListExecutionsRequest(page_size=2, skip=50))
    assert (list(beyond.executions), beyond.next_page_token, beyond.total) == ([], "", 8)


async def test_a_deleted_row_does_not_disturb_the_next_page(served: Served) -> None:
    made = [(await served.run()).metadata.id for _ in range(5)]
    await cancel(served, made[3])
    first = await ask(served, ListExecutionsRequest(page_size=2))
    assert [row.execution_id for row in first.executions] == [made[4], made[3]]
    await served.stubs.executions.delete(ApiResourceId(value=made[3]), metadata=served.stubs.metadata)
    rest = await all_pages(served, ListExecutionsRequest(page_size=2, page_token=first.next_page_token))
    assert rest == [made[2], made[1], made[0]]


async def test_filters_come_before_paging(served: Served) -> None:
    made = [(await served.run(f"echo number {number}")).metadata.id for number in range(6)]
    for place in (1, 3, 5):
        await cancel(served, made[place])
    ended = ExecutionFilter(phases=[ExecutionPhase.EXECUTION_CANCELLED])
    first = await ask(served, ListExecutionsRequest(filter=ended, page_size=2))
    assert [row.execution_id for row in first.executions] == [made[5], made[3]]
    assert (first.total, first.total_unfiltered) == (3, 6)
    second = await ask(served, ListExecutionsRequest(filter=ended, page_size=2, page_token=first.next_page_token))
    assert ([row.execution_id for row in second.executions], second.next_page_token) == ([made[1]], "")
    assert second.total == 3
    skipped = await ask(served, ListExecutionsRequest(filter=ended, page_size=2, skip=1))
    assert [row.execution_id for row in skipped.executions] == [made[3], made[1]]
    assert await all_pages(served, ListExecutionsRequest(filter=ended, page_size=1, oldest_first=True)) == [
        made[1],
        made[3],
        made[5],
    ]
    with refused(InvalidArgument):
        await ask(served, ListExecutionsRequest(page_size=2, page_token=first.next_page_token))


async def test_by_session_and_by_agent_with_exact_numbers(served: Served) -> None:
    one = await served.run()
    more = [(await served.run(session_id=one.spec.session_id)).metadata.id for _ in range(2)]
    await served.run()
    of_session = await ask(
        served, ListExecutionsRequest(filter=ExecutionFilter(session_id=one.spec.session_id), page_size=2)
    )
    assert [row.execution_id for row in of_session.executions] == list(reversed(more))
    assert of_session.total == 3
    for agent in ("shell", await served.shell_id()):
        assert (await ask(served, ListExecutionsRequest(filter=ExecutionFilter(agent=agent)))).total == 4
    both = ExecutionFilter(agent="shell", session_id=one.spec.session_id)
    assert (await ask(served, ListExecutionsRequest(filter=both))).total == 3
    for nobody in (
        ExecutionFilter(agent="nobody"),
        ExecutionFilter(session_id="x\0y"),
        ExecutionFilter(agent="n" * 999),
    ):
        empty = await ask(served, ListExecutionsRequest(filter=nobody))
        assert (list(empty.executions), empty.total, empty.total_unfiltered) == ([], 0, 4)


async def test_text_is_found_whatever_its_case_in_all_that_is_shown(served: Served, runner: ScriptedRunner) -> None:
    first = (await served.run("make ALL the Things")).metadata.id
    await runner.begin(first)
    await runner.start_line(first, "make")
    await runner.append(first, [printed("term-call-1", "Ünterstützung läuft\r\n".encode())])
    second = (await served.run("true")).metadata.id

    async def found(text: str) -> list[str]:
        answer = await ask(served, ListExecutionsRequest(filter=ExecutionFilter(text=text)))
        return [row.execution_id for row in answer.executions]

    for text in ("all THE", "ÜNTERSTÜTZUNG", "things"):
        assert await found(text) == [first]
    assert await found("SHELL") == [second, first]
    assert await found(second[-8:].upper()) == [second]
    assert await found("nowhere") == []
    await runner.finish_line(first)
    await runner.complete(first)
    await eventually(lambda: served.backend.counts()[1] == 1)
    assert await found("ünterstützung") == [first]
    assert await found("ALL THE") == [first]
    with refused(InvalidArgument):
        await found("x" * 201)


async def test_what_lives_is_shown_as_it_stands(served: Served, runner: ScriptedRunner) -> None:
    name = (await served.run("sleep 9")).metadata.id
    await runner.begin(name)
    await runner.start_line(name, "sleep 9")
    raised = ev.AttentionRaised(attention_id="a", kind=AttentionKind.ATTENTION_KIND_PASSWORD, text="password?")
    await runner.append(name, [printed("term-call-1", b"one\ntwo\n"), ev.Event(attention_raised=raised)])
    waiting = ExecutionFilter(needs_attention=True, phases=[ExecutionPhase.EXECUTION_IN_PROGRESS])
    (row,) = (await ask(served, ListExecutionsRequest(filter=waiting))).executions
    assert (row.last_line, row.attention_count, row.phase) == ("two", 1, ExecutionPhase.EXECUTION_IN_PROGRESS)
    assert row.head_seq == 10
    assert row.started_unix_micros == 0
    assert row.subject == "sleep 9"
    assert row.agent_id == await served.shell_id()


@pytest.fixture
async def small_budget(short_tmp: Path) -> AsyncGenerator[Served]:
    """A backend whose filtered lists look at eight rows at most."""
    async with serve_backend(short_tmp, options=ExecutionOptions(scan_rows=8)) as backend:
        yield backend


async def test_a_long_scan_gives_what_it_found_and_says_that_there_may_be_more(small_budget: Served) -> None:
    served = small_budget
    made = [(await served.run(f"number {number}")).metadata.id for number in range(20)]
    rare = ExecutionFilter(text="number 1")
    first = await ask(served, ListExecutionsRequest(filter=rare, page_size=4))
    assert first.total_is_lower_bound
    wanted = [made[place] for place in reversed(range(20)) if f"number {place}".startswith("number 1")]
    assert [row.execution_id for row in first.executions] == wanted[:4]
    assert await all_pages(served, ListExecutionsRequest(filter=rare, page_size=4)) == wanted
    assert await all_pages(served, ListExecutionsRequest(filter=rare, page_size=4, skip=2)) == wanted[2:]
    nothing = ListExecutionsRequest(filter=ExecutionFilter(text="nothing like it"))
    answer = await ask(served, nothing)
    assert (list(answer.executions), answer.total_is_lower_bound) == ([], True)
    assert answer.next_page_token
    assert await all_pages(served, nothing) == []


# -- the published lists -----------------------------------------------------------------------------------------------


async def published(served: Served, request: ListAgentExecutionsRequest) -> AgentExecutionList:
    return await served.stubs.execution_queries.list(request, metadata=served.stubs.metadata)


async def test_the_published_list_pages_and_filters(served: Served) -> None:
    for number in range(5):
        await served.stubs.executions.create(
            AgentExecution(
                api_version=API_VERSION,
                kind="AgentExecution",
                metadata=ApiResourceMetadata(name=f"n{number}", tags=["odd", "x"] if number % 2 else ["x"]),
                spec=AgentExecutionSpec(agent_id=await served.shell_id(), message="true"),
            ),
            metadata=served.stubs.metadata,
        )
    first = await published(served, ListAgentExecutionsRequest(page_size=2))
    assert [one.metadata.name for one in first.entries] == ["n4", "n3"]
    assert (first.total_pages, first.total_rows, first.total_is_lower_bound) == (3, 5, False)
    second = await published(served, ListAgentExecutionsRequest(page_size=2, page_token=first.next_page_token))
    assert [one.metadata.name for one in second.entries] == ["n2", "n1"]
    tagged = await published(served, ListAgentExecutionsRequest(tags=["x", "odd"]))
    assert [one.metadata.name for one in tagged.entries] == ["n3", "n1"]
    assert (tagged.total_pages, tagged.total_rows) == (1, 2)
    await cancel(served, first.entries[0].metadata.id)
    ended = await published(served, ListAgentExecutionsRequest(phase=ExecutionPhase.EXECUTION_CANCELLED))
    assert [one.metadata.name for one in ended.entries] == ["n4"]
    pending = await published(served, ListAgentExecutionsRequest(phase=ExecutionPhase.EXECUTION_PENDING, page_size=3))
    assert [one.metadata.name for one in pending.entries] == ["n3", "n2", "n1"]
    assert pending.next_page_token
    session = first.entries[1].spec.session_id
    of_session = await served.stubs.execution_queries.listBySession(
        ListAgentExecutionsBySessionRequest(session_id=session), metadata=served.stubs.metadata
    )
    assert [one.metadata.name for one in of_session.entries] == ["n3"]
    with refused(NotFound):
        await served.stubs.execution_queries.listBySession(
            ListAgentExecutionsBySessionRequest(session_id="ses-nobody"), metadata=served.stubs.metadata
        )


async def test_entries_carry_no_content_unless_it_is_asked_for(served: Served, runner: ScriptedRunner) -> None:
    ended, live = (await served.run()).metadata.id, (await served.run()).metadata.id
    for name in (ended, live):
        await runner.begin(name)
        await runner.run_line(name, "seq 9", b"1\r\n2\r\n")
    await runner.complete(ended)
    await eventually(lambda: served.backend.counts()[1] == 1)
    for entry in (await published(served, ListAgentExecutionsRequest())).entries:
        assert not entry.status.messages
        assert not entry.status.tool_calls[0].result
        assert entry.status.tool_calls[0].name == "shell"
        assert entry.status.last_exit_code.value == 0
    for entry in (await published(served, ListAgentExecutionsRequest(with_content=True))).entries:
        assert entry.status.messages[0].content == "seq 9"
        assert "2" in entry.status.tool_calls[0].result


async def test_a_page_with_content_stays_below_what_published_clients_take(
    served: Served, runner: ScriptedRunner
) -> None:
    names = [(await served.run()).metadata.id for _ in range(4)]
    for name in names:
        await runner.begin(name)
        await runner.append(
            name,
            [
                ev.Event(message_started=ev.MessageStarted(message_id="m", type=MessageType.MESSAGE_AI)),
                ev.Event(text_delta=ev.TextDelta(message_id="m", text="x" * 1_200_000)),
                ev.Event(message_completed=ev.MessageCompleted(message_id="m")),
            ],
        )
    for _ in range(2):
        seen: list[str] = []
        token = ""
        while True:
            answer = await published(served, ListAgentExecutionsRequest(with_content=True, page_token=token))
            assert answer.ByteSize() < MAX_STATUS_BYTES + 100_000
            seen += [one.metadata.id for one in answer.entries]
            token = answer.next_page_token
            if not token:
                break
        assert seen == list(reversed(names))
        for name in names:
            if name in runner.held:
                await runner.complete(name)
        await eventually(lambda: served.backend.counts()[1] == 0)
