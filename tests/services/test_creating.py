"""How executions begin, and what keeps them from it."""

import asyncio
import os
from pathlib import Path

import pytest

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import Agent, AgentSpec
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import (
    AgentExecution,
    AgentExecutionId,
    AgentExecutionSpec,
    ExecutionConfig,
)
from stigmer_apis._generated.ai.stigmer.agentic.executioncontext.v1.execution_context_pb2 import ExecutionValue
from stigmer_apis._generated.ai.stigmer.agentic.session.v1.session_pb2 import SessionId
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import (
    ApiResourceId,
    ApiResourceMetadata,
    ApiResourceOwnerScope,
)
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import EventBatch
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import CancelRequest
from stigmer_apis._generated.stigmer.execution.v1.options_pb2 import ClientEnvironment, RunOptions
from stigmer_apis.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound
from stigmer_apis.ids import is_id
from stigmer_apis.protocol import API_VERSION
from tests.support.refusals import refused
from tests.support.served_backend import Served, serve_backend
from tests.support.waiting import eventually


async def wanted(served: Served) -> AgentExecution:
    return AgentExecution(
        api_version=API_VERSION,
        kind="AgentExecution",
        metadata=ApiResourceMetadata(),
        spec=AgentExecutionSpec(agent_id=await served.shell_id(), message="true"),
    )


async def create(served: Served, execution: AgentExecution) -> AgentExecution:
    return await served.stubs.executions.create(execution, metadata=served.stubs.metadata)


async def test_only_an_agent_makes_a_session_on_its_default_instance(served: Served) -> None:
    made = await served.run("  \n echo hi\nsecond line")
    assert is_id(made.metadata.id, "aex")
    assert made.status.phase == ExecutionPhase.EXECUTION_PENDING
    assert made.status.audit.spec_audit.created_by.id == "local-user"
    session = await served.stubs.session_queries.get(
        SessionId(value=made.spec.session_id), metadata=served.stubs.metadata
    )
    assert session.spec.subject == "echo hi"
    batches = await served.store.read(made.metadata.id, 0, 1 << 20)
    events = [event for batch in batches for event in EventBatch.FromString(batch.body).events]
    assert [event.WhichOneof("body") for event in events] == ["execution_created", "phase_changed"]
    created = events[0].execution_created
    assert created.message == "  \n echo hi\nsecond line"
    assert created.workspace == str(served.home.workspaces / made.spec.session_id)
    assert (created.agent_name, created.author) == ("shell", "local-user")


async def test_what_the_client_says_of_id_and_status_is_dropped(served: Served) -> None:
    execution = await wanted(served)
    execution.metadata.id = "aex-mine"
    execution.status.phase = ExecutionPhase.EXECUTION_COMPLETED
    made = await create(served, execution)
    assert made.metadata.id != "aex-mine"
    assert made.status.phase == ExecutionPhase.EXECUTION_PENDING


async def test_neither_session_nor_agent_or_unknown_ones_are_refused(served: Served) -> None:
    execution = await wanted(served)
    execution.spec.agent_id = ""
    with refused(InvalidArgument):
        await create(served, execution)
    for field in ("agent_id", "session_id"):
        execution = await wanted(served)
        setattr(execution.spec, field, "x-nobody")
        with refused(NotFound):
            await create(served, execution)
    first = await served.run()
    execution = await wanted(served)
    execution.spec.session_id = first.spec.session_id
    execution.spec.agent_id = "agt-other"
    with refused(InvalidArgument):
        await create(served, execution)
    assert served.backend.counts() == (1, 1)


async def test_an_agent_that_a_model_drives_cannot_run_yet(served: Served) -> None:
    agent = await served.stubs.agents.create(
        Agent(
            api_version=API_VERSION,
            kind="Agent",
            metadata=ApiResourceMetadata(name="helper", owner_scope=ApiResourceOwnerScope.organization),
            spec=AgentSpec(instructions="Help with the code.", model="m-1"),
        ),
        metadata=served.stubs.metadata,
    )
    execution = await wanted(served)
    execution.spec.agent_id = agent.metadata.id
    execution.spec.execution_config.CopyFrom(ExecutionConfig(model_name="shell"))
    with refused(FailedPrecondition) as refusal:
        await create(served, execution)
    assert "the built-in agent" in refusal.text
    execution = await wanted(served)
    execution.spec.execution_config.CopyFrom(ExecutionConfig(model_name="m-1"))
    with refused(FailedPrecondition):
        await create(served, execution)


@pytest.mark.parametrize("make", ["missing", "file", "relative", "root", "inside", "escape", "unreadable"])
async def test_a_workspace_that_cannot_be_worked_in_is_refused(served: Served, tmp_path: Path, make: str) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    path = {
        "missing": str(tmp_path / "missing"),
        "file": str(tmp_path / "file"),
        "relative": "some/where",
        "root": "/../",
        "inside": str(served.home.data),
        "escape": str(tmp_path / "\x1b[31mred"),
        "unreadable": str(tmp_path / "loop"),
    }[make]
    with refused(InvalidArgument) as refusal:
        await served.run(workspace=path)
    assert "\x1b" not in refusal.text
    assert isinstance(refusal.error, InvalidArgument)
    assert refusal.error.remedy
    assert refusal.error.violations[0].field == "spec.options.workspace"
    assert served.backend.counts() == (0, 0)


async def test_options_that_cannot_be_meant_are_refused(served: Served) -> None:
    for client in (
        ClientEnvironment(variables={"LD_PRELOAD": "x.so"}),
        ClientEnvironment(variables={"LANG": "C\x1b"}),
        ClientEnvironment(path="/bin\n/evil"),
        ClientEnvironment(columns=1 << 31, rows=1),
    ):
        execution = await wanted(served)
        execution.spec.options.CopyFrom(RunOptions(client=client))
        with refused(InvalidArgument):
            await create(served, execution)
    execution = await wanted(served)
    execution.spec.options.command_timeout.seconds = -1
    with refused(InvalidArgument):
        await create(served, execution)
    execution = await wanted(served)
    execution.spec.options.client.CopyFrom(
        ClientEnvironment(path="/bin:/usr/bin", variables={"LANG": "C.UTF-8", "LC_TIME": "C"}, columns=80, rows=24)
    )
    assert (await create(served, execution)).spec.options.client.columns == 80


async def test_secret_values_come_back_masked_and_a_short_one_is_refused(served: Served) -> None:
    execution = await wanted(served)
    execution.spec.runtime_env["KEY"].CopyFrom(ExecutionValue(value="canary", is_secret=True))
    with refused(InvalidArgument) as refusal:
        await create(served, execution)
    assert "canary" not in refusal.text
    execution.spec.runtime_env["KEY"].value = "canary-number-1"
    assert (await create(served, execution)).spec.runtime_env["KEY"].value == "********"


async def test_a_taken_name_is_refused(served: Served) -> None:
    await served.run(name="nightly")
    with refused(AlreadyExists):
        await served.run(name="nightly")
    with refused(InvalidArgument):
        await served.run(name="a\x1b]0;title\x07")


async def test_the_same_key_makes_one_execution_also_at_once_and_over_restarts(short_tmp: Path) -> None:
    async with serve_backend(short_tmp) as served:
        many = await asyncio.gather(*(served.run("true", key="key-1") for _ in range(8)))
        assert len({one.metadata.id for one in many}) == 1
        assert served.backend.counts() == (1, 1)
        assert len(os.listdir(served.home.workspaces)) == 1
        with refused(InvalidArgument):
            await served.run("false", key="key-1")
        assert (await served.run("true", key="key-2")).metadata.id != many[0].metadata.id
    async with serve_backend(short_tmp) as served:
        assert (await served.run("true", key="key-1")).metadata.id == many[0].metadata.id
        assert served.backend.counts() == (2, 2)


async def test_a_cancelled_create_is_all_or_nothing(served: Served) -> None:
    for delay in (0.0, 0.001, 0.002, 0.004, 0.008):
        call = served.stubs.executions.create(await wanted(served), metadata=served.stubs.metadata)
        await asyncio.sleep(delay)
        call.cancel()
        await asyncio.wait([asyncio.ensure_future(call.code())])

    async def agrees() -> bool:
        rows = await served.store.read_state(
            lambda state: (state.count("agent_execution"), state.count("live_execution"))
        )
        return rows == served.backend.counts()

    await eventually(agrees)


async def test_an_update_changes_names_and_not_what_was_asked(served: Served) -> None:
    made = await served.run("true", name="first")
    change = await wanted(served)
    change.metadata.id = made.metadata.id
    change.metadata.name = "second"
    change.metadata.labels["team"] = "a"
    changed = await served.stubs.executions.update(change, metadata=served.stubs.metadata)
    assert (changed.metadata.name, changed.metadata.slug) == ("second", "first")
    assert changed.metadata.labels["team"] == "a"
    assert changed.spec.session_id == made.spec.session_id
    change.spec.message = "rm -rf"
    with refused(InvalidArgument) as refusal:
        await served.stubs.executions.update(change, metadata=served.stubs.metadata)
    assert isinstance(refusal.error, InvalidArgument)
    assert refusal.error.violations[0].field == "spec.message"
    read = await served.stubs.execution_queries.get(
        AgentExecutionId(value=made.metadata.id), metadata=served.stubs.metadata
    )
    assert read.metadata.name == "second"


async def test_an_execution_is_deleted_after_its_end_alone(served: Served) -> None:
    made = await served.run()
    name = ApiResourceId(value=made.metadata.id)
    with refused(FailedPrecondition):
        await served.stubs.executions.delete(name, metadata=served.stubs.metadata)
    await served.stubs.service.Cancel(CancelRequest(execution_id=made.metadata.id), metadata=served.stubs.metadata)
    await eventually(lambda: served.backend.counts() == (1, 0))
    deleted = await served.stubs.executions.delete(name, metadata=served.stubs.metadata)
    assert deleted.status.phase == ExecutionPhase.EXECUTION_CANCELLED
    with refused(NotFound):
        await served.stubs.executions.delete(name, metadata=served.stubs.metadata)
    assert served.backend.counts() == (0, 0)
