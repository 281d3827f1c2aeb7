"""The published lists: real pages, tokens that stay right, filters before paging; and the published subscribe."""

from dataclasses import dataclass
from typing import cast

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import (
    AgentExecution,
    AgentExecutionId,
    AgentExecutionList,
    ListAgentExecutionsBySessionRequest,
    ListAgentExecutionsRequest,
)
from stigmer_apis._generated.ai.stigmer.agentic.agentinstance.v1.agent_instance_pb2 import (
    AgentInstanceList,
    GetAgentInstancesByAgentRequest,
)
from stigmer_apis._generated.ai.stigmer.agentic.session.v1.session_pb2 import (
    ListSessionsByAgentRequest,
    ListSessionsRequest,
    SessionList,
)
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_pb2 import (
    ListWorkflowExecutionsByWorkflowRequest,
    ListWorkflowExecutionsRequest,
    SubscribeWorkflowExecutionRequest,
    WorkflowExecution,
    WorkflowExecutionList,
)
from stigmer_apis._generated.ai.stigmer.agentic.workflowinstance.v1.workflow_instance_pb2 import (
    GetWorkflowInstancesByWorkflowRequest,
    WorkflowInstanceList,
)
from stigmer_apis._generated.ai.stigmer.commons.rpc.page_pb2 import PageInfo
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import CancelRequest
from stigmer_apis.errors import InvalidArgument, NotFound
from stigmer_backend.resources.kinds import (
    AGENTS,
    EXECUTIONS,
    INSTANCES,
    SESSIONS,
    WORKFLOW_EXECUTIONS,
    WORKFLOW_INSTANCES,
    WORKFLOWS,
    AnyKind,
)
from tests.conformance.grounds import Ground, document, make
from tests.conformance.wire import Wire
from tests.support.refusals import refused

AnyList = SessionList | AgentExecutionList | WorkflowExecutionList


@dataclass(frozen=True, slots=True)
class Listed:
    """A published list with tokens."""

    kind: AnyKind
    method: str
    request: type[Message]
    owner: str = ""
    """The request's field of what the listed belong to."""


LISTS = (
    Listed(SESSIONS, "list", ListSessionsRequest),
    Listed(SESSIONS, "listByAgent", ListSessionsByAgentRequest, "agent_id"),
    Listed(EXECUTIONS, "list", ListAgentExecutionsRequest),
    Listed(EXECUTIONS, "listBySession", ListAgentExecutionsBySessionRequest, "session_id"),
    Listed(WORKFLOW_EXECUTIONS, "list", ListWorkflowExecutionsRequest),
    Listed(WORKFLOW_EXECUTIONS, "listByWorkflow", ListWorkflowExecutionsByWorkflowRequest, "workflow_id"),
)


async def owner_of(wire: Wire, ground: Ground, listed: Listed) -> dict[str, str]:
    """What goes into the request so that it lists what `another` makes."""
    match listed.owner:
        case "agent_id":
            return {"agent_id": await ground.of(AGENTS)}
        case "session_id":
            spec = {"agentInstanceId": "shell-default"}
            talk = await wire.write(SESSIONS, "apply", document(SESSIONS, "talk", dict(spec)))
            return {"session_id": talk.metadata.id}
        case "workflow_id":
            return {"workflow_id": await ground.of(WORKFLOWS)}
        case _:
            return {}


async def another(wire: Wire, ground: Ground, listed: Listed, above: dict[str, str], name: str) -> str:
    """Make one more of what is listed; its id."""
    wanted = await make(ground, listed.kind, name)
    if isinstance(wanted, AgentExecution) and above:
        wanted.spec.session_id = above["session_id"]
    elif isinstance(wanted, SESSIONS.message):
        agent = await wire.get(AGENTS, await ground.of(AGENTS))
        wanted.spec.agent_instance_id = agent.status.default_instance_id
    elif isinstance(wanted, WorkflowExecution):
        wanted.spec.workflow_instance_id, wanted.spec.workflow_id = "", await ground.of(WORKFLOWS)
    wanted.metadata.tags.append(name.split()[0])
    return (await wire.write(listed.kind, "create", wanted)).metadata.id


async def page(wire: Wire, listed: Listed, **asked: object) -> AnyList:
    return cast(AnyList, await wire.call(listed.kind, listed.method, listed.request(**asked)))


@pytest.mark.parametrize("listed", LISTS, ids=lambda listed: f"{listed.kind.name}-{listed.method}")
async def test_pages_are_newest_first_and_stay_right_while_rows_are_added(
    wire: Wire, ground: Ground, listed: Listed
) -> None:
    above = await owner_of(wire, ground, listed)
    ids = [await another(wire, ground, listed, above, f"one {number}") for number in range(5)]
    first = await page(wire, listed, page_size=2, **above)
    assert (first.total_rows, first.total_pages, first.total_is_lower_bound) == (5, 3, False)
    await another(wire, ground, listed, above, "late")
    seen = [entry.metadata.id for entry in first.entries]
    token = first.next_page_token
    while token:
        following = await page(wire, listed, page_size=2, page_token=token, **above)
        assert following.total_rows == 6
        seen += [entry.metadata.id for entry in following.entries]
        token = following.next_page_token
    assert seen == ids[::-1]
    for wrong in ({"page_token": "bogus"}, {"page_size": 1001}, {"page_size": -1}):
        with refused(InvalidArgument):
            await page(wire, listed, **wrong, **above)
    if listed.owner:
        with refused(NotFound):
            await page(wire, listed, **{listed.owner: "nobody"})
    else:
        with refused(InvalidArgument):
            await page(wire, listed, page_token=first.next_page_token, tags=["one"])
        tagged = await page(wire, listed, tags=["late"])
        assert [entry.metadata.name for entry in tagged.entries] == ["late"]


async def test_workflow_executions_are_listed_by_phase(wire: Wire, ground: Ground) -> None:
    listed = LISTS[4]
    made = await another(wire, ground, listed, {}, "one")
    waiting = await page(wire, listed, phase=ExecutionPhase.EXECUTION_PENDING)
    assert [entry.metadata.id for entry in waiting.entries] == [made]
    assert not (await page(wire, listed, phase=ExecutionPhase.EXECUTION_FAILED)).entries


async def test_instances_are_listed_by_number_of_page(wire: Wire, ground: Ground) -> None:
    for kind in (INSTANCES, WORKFLOW_INSTANCES):
        for number in range(4):
            await wire.write(kind, "create", await make(ground, kind, f"one {number}"))
    agent, workflow = await ground.of(AGENTS), await ground.of(WORKFLOWS)
    slugs: list[list[str]] = []
    for number in (0, 1, 3, 4):
        info = PageInfo(num=number, size=2)
        asked = GetAgentInstancesByAgentRequest(agent_id=agent, page_info=info)
        of_agent = cast(AgentInstanceList, await wire.call(INSTANCES, "getByAgent", asked))
        also = GetWorkflowInstancesByWorkflowRequest(workflow_id=workflow, page_info=info)
        of_workflow = cast(WorkflowInstanceList, await wire.call(WORKFLOW_INSTANCES, "getByWorkflow", also))
        assert (of_agent.total_count, of_workflow.total_pages) == (5, 3)
        assert len(of_agent.items) == len(of_workflow.entries)
        slugs.append([one.metadata.slug for one in of_workflow.entries])
    assert slugs == [["one-3", "one-2"], ["one-3", "one-2"], ["ground-workflow-default"], []]
    for wrong in (PageInfo(size=1001), PageInfo(num=2_000_000_000, size=1000)):
        with refused(InvalidArgument):
            await wire.call(INSTANCES, "getByAgent", GetAgentInstancesByAgentRequest(agent_id=agent, page_info=wrong))


async def test_subscribing_to_what_has_ended_gives_it_and_ends(wire: Wire, ground: Ground) -> None:
    made = await ground.of(WORKFLOW_EXECUTIONS)
    await wire.served.stubs.service.Cancel(
        CancelRequest(execution_id=made, reason="enough", wait=Duration(seconds=30)),
        metadata=wire.served.stubs.metadata,
    )
    seen = [
        cast(WorkflowExecution, one)
        async for one in wire.stream(
            WORKFLOW_EXECUTIONS, "subscribe", SubscribeWorkflowExecutionRequest(execution_id=made)
        )
    ]
    assert [one.status.phase for one in seen] == [ExecutionPhase.EXECUTION_CANCELLED]
    with refused(NotFound):
        asked = SubscribeWorkflowExecutionRequest(execution_id="wex-nobody")
        async for _ in wire.stream(WORKFLOW_EXECUTIONS, "subscribe", asked):
            pass


async def test_subscribing_to_what_goes_on_gives_it_at_once(wire: Wire) -> None:
    run = await wire.served.run()
    async for one in wire.stream(EXECUTIONS, "subscribe", AgentExecutionId(value=run.metadata.id)):
        assert cast(AgentExecution, one).metadata.id == run.metadata.id
        break
