"""What a client asks, and what it tells of the answers."""

import asyncio
from contextlib import AbstractAsyncContextManager

import pytest

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecution
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import ExecutionFilter
from stigmer_apis.client import Client, ClientOptions, ConnectionState, client_environment
from stigmer_apis.errors import (
    DaemonMismatch,
    FailedPrecondition,
    InvalidArgument,
    MessageTooLarge,
    NotFound,
    NotRunning,
    NotStigmer,
    PermissionDenied,
    Unauthenticated,
    Unavailable,
)
from stigmer_apis.home import Home
from stigmer_apis.protocol import MAX_MESSAGE_BYTES
from tests.apis.conftest import FAST
from tests.apis.persons import somebody_else
from tests.apis.polling import until
from tests.apis.wrong_server import wrong_server
from tests.support.scripted_backend import ScriptedBackend, line_events


async def test_a_run_names_the_agent_by_its_id_and_carries_its_options(
    client: Client, backend: ScriptedBackend
) -> None:
    environment = client_environment({"PATH": "/bin", "LC_ALL": "C", "SECRET": "s"}, columns=100, rows=30)
    execution = await client.run(
        "shell", "echo hi", workspace="/srv", client_environment=environment, timeout=1.5, session_id="ses-1"
    )
    [call] = backend.calls_of("create")
    assert isinstance(call.request, AgentExecution)
    spec = call.request.spec
    assert (spec.agent_id, spec.message, spec.session_id) == (backend.agents[0].metadata.id, "echo hi", "ses-1")
    assert (spec.options.workspace, spec.options.client.path) == ("/srv", "/bin")
    assert dict(spec.options.client.variables) == {"LC_ALL": "C"}
    assert (spec.options.client.columns, spec.options.client.rows) == (100, 30)
    assert spec.options.command_timeout.ToNanoseconds() == 1_500_000_000
    assert execution.status.phase == ExecutionPhase.EXECUTION_PENDING
    assert (await client.get_execution(execution.metadata.id)).spec.message == "echo hi"
    assert (await client.run(spec.agent_id, "again")).spec.agent_id == spec.agent_id


async def test_every_mutation_has_a_key_of_its_own(client: Client, backend: ScriptedBackend) -> None:
    first = await client.run("shell", "one")
    await client.run("shell", "two")
    await client.send_message(first.metadata.id, "three")
    await client.cancel(first.metadata.id)
    await client.shutdown()
    mutations = [c for c in backend.calls if c.method in ("create", "SendMessage", "Cancel", "Shutdown")]
    keys = {call.idempotency_key for call in mutations}
    assert len(keys) == len(mutations) == 5
    assert "" not in keys
    assert {c.idempotency_key for c in backend.calls if c not in mutations} == {""}


async def test_a_server_that_goes_before_it_answers_has_stopped(client: Client, backend: ScriptedBackend) -> None:
    async def go(_: str) -> None:
        group.create_task(backend.stop())
        await asyncio.Event().wait()

    backend.on_shutdown = go
    async with asyncio.TaskGroup() as group:
        assert (await client.shutdown()).pid == backend.pid
    assert len(backend.calls_of("Shutdown")) == 1


async def test_a_key_of_the_callers_makes_a_repeat_the_same(client: Client, backend: ScriptedBackend) -> None:
    first = await client.run("shell", "one", idempotency_key="mine")
    assert await client.run("shell", "one", idempotency_key="mine") == first
    assert len(backend.executions) == 1


async def test_a_call_is_tried_again_with_the_same_key(home: Home, backend: ScriptedBackend) -> None:
    async with Client(home, start_daemon=False, options=FAST) as client:
        applied = asyncio.Event()

        async def hang(_: str) -> None:
            applied.set()
            await asyncio.Event().wait()

        backend.on_create = hang
        async with asyncio.TaskGroup() as group:
            running = group.create_task(client.run("shell", "one"))
            await applied.wait()
            await backend.stop()
            backend.on_create = _nothing
            await backend.start()
        first, second = backend.calls_of("create")
        assert first.idempotency_key == second.idempotency_key
        assert running.result().spec.message == "one"


async def test_lists_filters_and_pages(client: Client, backend: ScriptedBackend) -> None:
    ids = [backend.add_execution(message=f"line {n}", phase=ExecutionPhase.EXECUTION_IN_PROGRESS) for n in range(7)]
    page = await client.list_executions(page_size=3)
    assert [row.execution_id for row in page.executions] == ids[:3:-1]
    assert (page.total, page.total_unfiltered, page.revision) == (7, 7, backend.revision)
    following = await client.list_executions(page_size=3, page_token=page.next_page_token, skip=1)
    assert [row.execution_id for row in following.executions] == ids[2::-1]
    oldest = await client.list_executions(ExecutionFilter(text="LINE 4"), oldest_first=True)
    assert [row.subject for row in oldest.executions] == ["line 4"]
    assert [agent.metadata.name for agent in (await client.list_agents()).agents] == ["shell"]
    sessions = await client.list_sessions()
    assert len(sessions.entries) == 7
    assert (await client.get_session(sessions.entries[0].metadata.id)).metadata.id == sessions.entries[0].metadata.id
    assert (await client.get_status()).executions == 7


async def test_errors_arrive_as_they_were_raised(client: Client, backend: ScriptedBackend) -> None:
    with pytest.raises(NotFound, match="there is no execution aex-none") as missing:
        await client.get_execution("aex-none")
    assert missing.value.remedy == "`stigmer get executions` lists them"
    with pytest.raises(NotFound, match="there is no agent named 'nobody'"):
        await client.run("nobody", "hello")
    with pytest.raises(InvalidArgument, match="cannot be an agent's name"):
        await client.run("\u202e…", "hello")
    ended = backend.add_execution(phase=ExecutionPhase.EXECUTION_FAILED)
    with pytest.raises(FailedPrecondition, match="had ended"):
        await client.send_message(ended, "hello")
    assert (await client.cancel(ended)).already_ended
    with pytest.raises(NotFound):
        _ = [item async for item in client.tail("aex-none")]


async def test_a_message_is_sized_before_it_is_sent(client: Client, backend: ScriptedBackend) -> None:
    execution_id = backend.add_execution()
    await client.send_message(execution_id, "x" * 10_000_000)
    with pytest.raises(MessageTooLarge, match=r"has 20\.0 MiB; at most 16 MiB"):
        await client.send_message(execution_id, "x" * (20 * 1024 * 1024))
    with pytest.raises(MessageTooLarge):
        await client.run("shell", "x" * MAX_MESSAGE_BYTES)
    assert len(backend.calls_of("SendMessage")) == 1
    assert backend.calls_of("create") == []


async def test_a_cancel_waits_as_long_as_asked(client: Client, backend: ScriptedBackend) -> None:
    execution_id = backend.add_execution(phase=ExecutionPhase.EXECUTION_IN_PROGRESS)
    answer = await client.cancel(execution_id, "enough", wait=600)
    [call] = backend.calls_of("Cancel")
    assert "seconds: 60" in str(call.request)
    assert answer.phase == ExecutionPhase.EXECUTION_CANCELLED


async def test_without_a_server_it_says_so(home: Home) -> None:
    with pytest.raises(NotRunning, match="is not running") as caught:
        await _enter(Client(home, start_daemon=False))
    assert "stigmer server start" in caught.value.remedy
    assert str(home.operator_socket) in caught.value.message


@pytest.mark.parametrize(
    ("protocol", "words"), [(0, "the server is the older one"), (99, "this program is the older one")]
)
async def test_another_protocol_is_refused_and_says_who_is_older(home: Home, protocol: int, words: str) -> None:
    async with ScriptedBackend(home, protocol=protocol, version="0.0.9"):
        with pytest.raises(DaemonMismatch, match=r"version 0\.0\.9") as caught:
            await _enter(Client(home, start_daemon=True))
    assert words in caught.value.remedy


@pytest.mark.parametrize(
    "says", [b"HTTP/1.1 400 Bad Request\r\n\r\n", bytes(100), b""], ids=["http", "zeros", "nothing"]
)
async def test_what_is_not_a_stigmer_server_is_told_with_its_path(home: Home, says: bytes) -> None:
    home.prepare()
    home.operator_token.write_text("token")
    refused = pytest.raises(NotStigmer, match="is not a Stigmer server")
    with wrong_server(home.operator_socket, says), refused as caught:
        await _enter(Client(home, start_daemon=True))
    assert str(home.operator_socket) in caught.value.message
    assert "remove the file" in caught.value.remedy


async def test_a_server_that_says_nothing_is_told_as_such(home: Home) -> None:
    home.prepare()
    home.operator_token.write_text("token")
    with wrong_server(home.operator_socket, b"", holds=True):
        client = Client(home, start_daemon=True, options=ClientOptions(greeting_timeout=0.5))
        with pytest.raises(Unavailable, match="does not answer") as caught:
            await _enter(client)
    assert "stigmer server restart" in caught.value.remedy


async def test_another_version_of_the_same_protocol_is_a_notice(home: Home) -> None:
    async with ScriptedBackend(home, version="9.9.9"), Client(home, start_daemon=False) as client:
        assert "the server is version 9.9.9" in client.connection.notice
        assert client.server_info.version == "9.9.9"


async def test_a_token_that_is_missing_or_refused(home: Home, backend: ScriptedBackend) -> None:
    backend.tokens = {"another"}
    with pytest.raises(Unauthenticated, match="does not know our operator token"):
        await _enter(Client(home, start_daemon=False))
    home.operator_token.unlink()
    with pytest.raises(Unauthenticated, match=f"there is no token at {home.operator_token}"):
        await _enter(Client(home, start_daemon=False))
    home.operator_token.write_bytes(b"\xff")
    with pytest.raises(Unauthenticated, match="cannot be read"):
        await _enter(Client(home, start_daemon=False))


async def test_a_token_of_somebody_elses(home: Home, backend: ScriptedBackend) -> None:
    home.operator_token.chmod(0)
    with somebody_else(), pytest.raises(PermissionDenied, match="no permission to read the token"):
        await _enter(Client(home, start_daemon=False))


async def test_new_tokens_are_read_when_the_old_are_refused(
    client: Client, backend: ScriptedBackend, home: Home
) -> None:
    backend.tokens = {"new"}
    home.operator_token.write_text("new\n")
    assert (await client.get_status()).pid == 1
    backend.tokens = {"never told"}
    with pytest.raises(Unauthenticated):
        await client.get_status()


async def test_a_closed_client_says_so(home: Home, backend: ScriptedBackend) -> None:
    async with Client(home, start_daemon=False) as client:
        pass
    assert client.connection.state is ConnectionState.CLOSED
    with pytest.raises(FailedPrecondition, match="the client is closed"):
        await client.get_status()


async def test_the_connection_tells_how_it_stands(home: Home, backend: ScriptedBackend) -> None:
    seen: list[tuple[ConnectionState, str]] = []
    client = Client(home, start_daemon=False, options=ClientOptions(patience=0, first_delay=0.01))
    forget = client.connection.listen(lambda connection: seen.append((connection.state, connection.reason)))
    async with client:
        await backend.stop()
        with pytest.raises(Unavailable):
            await client.get_status()
        with pytest.raises(NotRunning):
            await client.get_status()
        await backend.start()
        await client.get_status()
        forget()
    assert [state for state, _ in seen] == ["connected", "lost", "lost", "connected"]
    assert seen[1][1] == "the connection to the server is lost"
    assert "is not running" in seen[2][1]


async def test_a_person_attaches_types_and_lets_go(client: Client, backend: ScriptedBackend) -> None:
    execution_id = backend.add_execution(phase=ExecutionPhase.EXECUTION_IN_PROGRESS)
    with pytest.raises(FailedPrecondition, match="no terminal is running"):
        await _enter(client.attach(execution_id))
    backend.emit(execution_id, *line_events("cat", finished=False))
    async with client.attach(execution_id, columns=100, rows=30) as session:
        [terminal] = backend.terminals
        assert (session.attached.title, session.attached.terminal_id) == ("cat", "term-1")
        assert (session.attached.started_seq, terminal.size) == (8, (100, 30))
        await session.write(b"k" * 200_000)
        await session.resize(120, 40)
        await until(lambda: len(terminal.input) == 200_000 and terminal.size == (120, 40))
        backend.end_terminal(terminal, "somebody else took it")
        frames = [frame async for frame in session]
        assert [frame.WhichOneof("frame") for frame in frames] == ["attached", "ended"]
        assert frames[1].ended.reason == "somebody else took it"
        with pytest.raises(Unavailable):
            await session.write(b"late")


async def test_an_attached_person_learns_that_the_connection_broke(client: Client, backend: ScriptedBackend) -> None:
    execution_id = backend.add_execution(phase=ExecutionPhase.EXECUTION_IN_PROGRESS)
    backend.emit(execution_id, *line_events("cat", finished=False))
    async with client.attach(execution_id) as session:
        await backend.stop()
        with pytest.raises(Unavailable):
            _ = [frame async for frame in session]
        with pytest.raises(Unavailable):
            await session.write(b"late")


async def _enter(context: AbstractAsyncContextManager[object]) -> None:
    """Enter a context that is expected to refuse."""
    async with context:
        pytest.fail("it was entered")


async def _nothing(_: str) -> None:
    """A hook that does nothing."""
