"""Deleting: what goes along, what keeps a resource, and what force does."""

import pytest

from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import ApiResourceDeleteInput
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import CancelRequest
from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import (
    DeleteResourceRequest,
    DeleteResourceResponse,
    GetResourceRequest,
)
from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2_grpc import ResourceServiceStub
from stigmer_apis.errors import FailedPrecondition, InvalidArgument, NotFound
from stigmer_backend.resources.kinds import (
    AGENTS,
    ENVIRONMENTS,
    EXECUTIONS,
    INSTANCES,
    KINDS,
    MCP_SERVERS,
    SESSIONS,
    SKILLS,
    WORKFLOW_EXECUTIONS,
    WORKFLOW_INSTANCES,
    WORKFLOWS,
    AnyKind,
)
from tests.conformance.grounds import WRITTEN, Ground, JsonValue, document, make, workflow_spec
from tests.conformance.wire import Wire
from tests.support.refusals import refused
from tests.support.waiting import eventually


async def asked(
    wire: Wire, kind: AnyKind, name: str, *, force: bool = False, dry_run: bool = False
) -> DeleteResourceResponse:
    return await ResourceServiceStub(wire.channel).DeleteResource(
        DeleteResourceRequest(kind=kind.number, name=name, force=force, dry_run=dry_run), metadata=wire.metadata
    )


async def end(wire: Wire, execution_id: str) -> None:
    """Cancel what nobody holds, and wait until its end is stored."""
    served = wire.served
    lives = served.backend.counts()[1]
    await served.stubs.service.Cancel(CancelRequest(execution_id=execution_id), metadata=served.stubs.metadata)
    await eventually(lambda: served.backend.counts()[1] < lives)


@pytest.mark.parametrize("kind", [kind for kind in WRITTEN if kind is not EXECUTIONS], ids=lambda kind: kind.name)
async def test_what_is_deleted_is_answered_and_gone(wire: Wire, ground: Ground, kind: AnyKind) -> None:
    made = await wire.write(kind, "create", await make(ground, kind, "one"))
    if kind is WORKFLOW_EXECUTIONS:
        await end(wire, made.metadata.id)
        made = await wire.get(kind, made.metadata.id)
    assert (await wire.delete(kind, made.metadata.id)).metadata == made.metadata
    for name in ("get", "delete"):
        with refused(NotFound):
            await getattr(wire, name)(kind, made.metadata.id)
    again = await wire.write(kind, "create", await make(ground, kind, "one"))
    assert again.metadata.slug == made.metadata.slug


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
async def test_every_kind_is_got_and_deleted_by_id_and_by_slug(wire: Wire, ground: Ground, kind: AnyKind) -> None:
    stub = ResourceServiceStub(wire.channel)
    made = await ground.of(kind)
    slug = (await wire.get(kind, made)).metadata.slug
    for name in (made, slug):
        found = await stub.GetResource(GetResourceRequest(kind=kind.number, name=name), metadata=wire.metadata)
        assert found.resource.WhichOneof("resource") == kind.field
        assert getattr(found.resource, kind.field).metadata.id == made
    with refused(NotFound):
        await stub.GetResource(GetResourceRequest(kind=kind.number, name="nobody"), metadata=wire.metadata)
    if kind in (EXECUTIONS, WORKFLOW_EXECUTIONS):
        with refused(FailedPrecondition) as refusal:
            await asked(wire, kind, made)
        assert "not ended" in refusal.text
        return
    told = await asked(wire, kind, made, dry_run=True)
    assert getattr(told.deleted, kind.field).metadata.id == made
    await asked(wire, kind, slug)
    with refused(NotFound):
        await asked(wire, kind, made)


async def test_a_workflow_takes_its_default_instance_along_and_spares_what_others_made(wire: Wire) -> None:
    made = await wire.write(WORKFLOWS, "create", document(WORKFLOWS, "wf", workflow_spec()))
    default = made.status.default_instance_id
    with refused(FailedPrecondition) as refusal:
        await wire.delete(WORKFLOW_INSTANCES, default)
    assert "default instance" in refusal.text
    run = await wire.write(WORKFLOW_EXECUTIONS, "create", document(WORKFLOW_EXECUTIONS, "run", {"workflowId": "wf"}))
    told = await asked(wire, WORKFLOWS, "wf", dry_run=True)
    assert [one.id for one in told.along] == [default]
    assert [(one.id, one.name, one.stays) for one in told.holding] == [(run.metadata.id, "run", False)]
    with refused(FailedPrecondition) as refusal:
        await wire.delete(WORKFLOWS, made.metadata.id)
    assert "run" in refusal.text
    with refused(FailedPrecondition) as refusal:
        await wire.delete(WORKFLOWS, made.metadata.id, force=True)
    assert "not ended" in refusal.text
    await end(wire, run.metadata.id)
    await wire.delete(WORKFLOWS, made.metadata.id, force=True)
    for kind, gone in ((WORKFLOW_INSTANCES, default), (WORKFLOW_EXECUTIONS, run.metadata.id)):
        with refused(NotFound):
            await wire.get(kind, gone)


async def test_what_is_named_by_others_stays_unless_it_is_forced_and_they_stay_then(wire: Wire, ground: Ground) -> None:
    environment = await wire.write(ENVIRONMENTS, "create", await make(ground, ENVIRONMENTS, "colours"))
    spec: dict[str, JsonValue] = {
        "agentId": await ground.of(AGENTS),
        "environmentRefs": [{"kind": "environment", "slug": "colours"}],
    }
    user = await wire.write(INSTANCES, "create", document(INSTANCES, "user", spec))
    for named in (environment.metadata.id, "colours"):
        told = await asked(wire, ENVIRONMENTS, named, dry_run=True)
        assert [(one.name, one.stays) for one in told.holding] == [("user", True)]
    with refused(FailedPrecondition) as refusal:
        await wire.delete(ENVIRONMENTS, environment.metadata.id)
    assert "user" in refusal.text
    forced = ApiResourceDeleteInput(resource_id=environment.metadata.id, force=True)
    await wire.call(ENVIRONMENTS, "delete", forced)
    assert (await wire.get(INSTANCES, user.metadata.id)).metadata.slug == "user"
    user.spec.description = "still the same"
    with refused(InvalidArgument) as refusal:
        await wire.write(INSTANCES, "update", user)
    assert "colours" in refusal.text


async def test_skills_and_mcp_servers_are_kept_by_the_agents_that_name_them(wire: Wire, ground: Ground) -> None:
    skill, server = await ground.of(SKILLS), await ground.of(MCP_SERVERS)
    spec: dict[str, JsonValue] = {
        "instructions": "Help with whatever comes up.",
        "model": "m-1",
        "skillRefs": [{"kind": "skill", "slug": "ground"}],
        "mcpServerRefs": [{"kind": "mcp_server", "slug": (await wire.get(MCP_SERVERS, server)).metadata.slug}],
    }
    made = await wire.write(AGENTS, "create", document(AGENTS, "user", spec))
    for kind, named in ((SKILLS, skill), (MCP_SERVERS, server)):
        with refused(FailedPrecondition) as refusal:
            await wire.delete(kind, named)
        assert "user" in refusal.text
    await wire.delete(AGENTS, made.metadata.id)
    for kind, named in ((SKILLS, skill), (MCP_SERVERS, server)):
        await wire.delete(kind, named)


async def test_a_session_goes_with_its_executions_but_not_while_one_goes_on(wire: Wire) -> None:
    run = await wire.served.run()
    session = run.spec.session_id
    told = await asked(wire, SESSIONS, session, dry_run=True)
    assert [one.id for one in told.along] == [run.metadata.id]
    assert "not ended" in told.along[0].reason
    for force in (False, True):
        with refused(FailedPrecondition) as refusal:
            await wire.delete(SESSIONS, session, force=force)
        assert "not ended" in refusal.text
