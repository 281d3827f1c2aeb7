"""The published services of sessions, and the directories that sessions work in."""

from pathlib import Path

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecutionId
from stigmer_apis._generated.ai.stigmer.agentic.session.v1.session_pb2 import (
    ListSessionsByAgentRequest,
    ListSessionsRequest,
    Session,
    SessionId,
    SessionSpec,
)
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import (
    ApiResourceMetadata,
    ApiResourceOwnerScope,
    ApiResourceReference,
)
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import CancelRequest
from stigmer_apis.errors import FailedPrecondition, InvalidArgument, NotFound
from stigmer_apis.protocol import API_VERSION
from stigmer_backend.resources.sessions import WORKSPACE_KEY
from tests.support.refusals import refused
from tests.support.served_backend import Served, serve_backend
from tests.support.waiting import eventually


async def session(served: Served, name: str = "", *tags: str, workspace: str = "") -> Session:
    """A session that is not stored yet, on the instance `shell-default`."""
    instance = await served.stubs.instance_queries.getByReference(
        ApiResourceReference(slug="shell-default"), metadata=served.stubs.metadata
    )
    return Session(
        api_version=API_VERSION,
        kind="Session",
        metadata=ApiResourceMetadata(name=name, tags=tags, owner_scope=ApiResourceOwnerScope.organization),
        spec=SessionSpec(
            agent_instance_id=instance.metadata.id, metadata={WORKSPACE_KEY: workspace} if workspace else {}
        ),
    )


async def create(served: Served, wanted: Session) -> Session:
    return await served.stubs.sessions.create(wanted, metadata=served.stubs.metadata)


async def cancelled(served: Served, execution_id: str) -> None:
    """Cancel an execution that nobody runs."""
    await served.stubs.service.Cancel(CancelRequest(execution_id=execution_id), metadata=served.stubs.metadata)
    await eventually(lambda: served.backend.counts()[1] == 0)


async def test_a_session_without_a_name_is_called_by_its_id(served: Served) -> None:
    made = await create(served, await session(served))
    assert made.metadata.name == made.metadata.slug == made.metadata.id
    named = await create(served, await session(served, "My Project"))
    assert named.metadata.slug == "my-project"


async def test_a_session_needs_its_instance(served: Served) -> None:
    wanted = await session(served)
    wanted.spec.agent_instance_id = "ain-nobody"
    with refused(NotFound):
        await create(served, wanted)


async def test_sessions_are_listed_newest_first_by_agent_and_by_tags(served: Served) -> None:
    made = [await create(served, await session(served, f"s{n}", *(["even"] if n % 2 == 0 else []))) for n in range(6)]
    names = [one.metadata.id for one in reversed(made)]
    everything = await served.stubs.session_queries.list(ListSessionsRequest(), metadata=served.stubs.metadata)
    assert [one.metadata.id for one in everything.entries] == names
    assert (everything.total_pages, everything.total_rows, everything.total_is_lower_bound) == (1, 6, False)
    first = await served.stubs.session_queries.list(
        ListSessionsRequest(page_size=2, tags=["even"]), metadata=served.stubs.metadata
    )
    second = await served.stubs.session_queries.list(
        ListSessionsRequest(page_size=2, tags=["even"], page_token=first.next_page_token),
        metadata=served.stubs.metadata,
    )
    assert [one.metadata.name for one in (*first.entries, *second.entries)] == ["s4", "s2", "s0"]
    assert (first.total_rows, second.total_rows, second.next_page_token) == (3, 3, "")
    of_shell = await served.stubs.session_queries.listByAgent(
        ListSessionsByAgentRequest(agent_id=await served.shell_id(), page_size=4), metadata=served.stubs.metadata
    )
    assert [one.metadata.id for one in of_shell.entries] == names[:4]
    assert of_shell.total_pages == 2
    with refused(InvalidArgument):
        await served.stubs.session_queries.list(
            ListSessionsRequest(page_token=of_shell.next_page_token), metadata=served.stubs.metadata
        )
    with refused(NotFound):
        await served.stubs.session_queries.listByAgent(
            ListSessionsByAgentRequest(agent_id="agt-nobody"), metadata=served.stubs.metadata
        )


async def test_the_first_execution_settles_where_a_session_works(served: Served, tmp_path: Path) -> None:
    project, other = tmp_path / "project", tmp_path / "other"
    project.mkdir()
    other.mkdir()
    (tmp_path / "link").symlink_to(project)
    made = await create(served, await session(served))
    first = await served.run(session_id=made.metadata.id, workspace=str(tmp_path / "link"))
    assert first.spec.options.workspace == str(project)
    stored = await served.stubs.session_queries.get(SessionId(value=made.metadata.id), metadata=served.stubs.metadata)
    assert stored.spec.metadata[WORKSPACE_KEY] == str(project)
    await served.run(session_id=made.metadata.id)
    await served.run(session_id=made.metadata.id, workspace=str(project))
    with refused(InvalidArgument) as refusal:
        await served.run(session_id=made.metadata.id, workspace=str(other))
    assert str(project) in refusal.text
    assert str(other) in refusal.text


async def test_a_session_on_its_own_directory_takes_no_other_later(served: Served, tmp_path: Path) -> None:
    first = await served.run()
    own = served.home.workspaces / first.spec.session_id
    assert own.stat().st_mode & 0o777 == 0o700
    with refused(InvalidArgument):
        await served.run(session_id=first.spec.session_id, workspace=str(tmp_path))


async def test_an_update_keeps_the_workspace_that_was_worked_in(served: Served, tmp_path: Path) -> None:
    made = await create(served, await session(served, workspace=str(tmp_path)))
    assert made.spec.metadata[WORKSPACE_KEY] == str(tmp_path)
    await served.run(session_id=made.metadata.id)
    change = await session(served)
    change.metadata.id = made.metadata.id
    change.spec.subject = "renamed"
    changed = await served.stubs.sessions.update(change, metadata=served.stubs.metadata)
    assert (changed.spec.subject, changed.spec.metadata[WORKSPACE_KEY]) == ("renamed", str(tmp_path))
    (tmp_path / "inner").mkdir()
    change.spec.metadata[WORKSPACE_KEY] = str(tmp_path / "inner")
    with refused(FailedPrecondition):
        await served.stubs.sessions.update(change, metadata=served.stubs.metadata)


async def test_a_session_may_not_name_a_directory_that_cannot_be_worked_in(served: Served) -> None:
    with refused(InvalidArgument):
        await create(served, await session(served, workspace="relative/path"))


async def test_deleting_a_session_takes_executions_and_its_own_directory(served: Served) -> None:
    execution = await served.run()
    own = served.home.workspaces / execution.spec.session_id
    locked = own / "locked"
    locked.mkdir()
    (locked / "file").write_text("x")
    locked.chmod(0)
    (own / "outside").symlink_to(served.home.data)
    with refused(FailedPrecondition) as refusal:
        await served.stubs.sessions.delete(SessionId(value=execution.spec.session_id), metadata=served.stubs.metadata)
    assert "has not ended" in refusal.text
    assert own.is_dir()
    await cancelled(served, execution.metadata.id)
    await served.stubs.sessions.delete(SessionId(value=execution.spec.session_id), metadata=served.stubs.metadata)
    with refused(NotFound):
        await served.stubs.execution_queries.get(
            AgentExecutionId(value=execution.metadata.id), metadata=served.stubs.metadata
        )
    await eventually(lambda: not own.exists())
    assert (served.home.data / "state.fs").exists()
    assert served.backend.counts() == (0, 0)


async def test_a_directory_that_a_person_named_is_never_deleted(served: Served, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("x")
    execution = await served.run(workspace=str(tmp_path))
    await cancelled(served, execution.metadata.id)
    await served.stubs.sessions.delete(SessionId(value=execution.spec.session_id), metadata=served.stubs.metadata)
    await served.stubs.session_queries.list(ListSessionsRequest(), metadata=served.stubs.metadata)
    assert (tmp_path / "precious").read_text() == "x"


async def test_a_delete_that_was_cut_off_is_finished_at_the_next_start(short_tmp: Path) -> None:
    async with serve_backend(short_tmp) as served:
        execution = await served.run()
        await cancelled(served, execution.metadata.id)
        session_id = execution.spec.session_id
        own = served.home.workspaces / session_id
        await served.store.write(
            lambda state: [
                state.delete("agent_execution", execution.metadata.id),
                state.delete("session", session_id),
                state.put("leaving", session_id, b"", created_ns=1, summary=b""),
                state.put("leaving", execution.metadata.id, b"", created_ns=1, summary=b""),
            ]
        )
    async with serve_backend(short_tmp) as served:
        await eventually(lambda: not own.exists())

        async def nothing_left() -> bool:
            return not await served.store.read_state(lambda state: state.count("leaving"))

        await eventually(nothing_left)
