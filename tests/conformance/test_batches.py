"""Many resources at once: all or nothing, in the right order, with every mistake told."""

from collections.abc import Sequence

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import Agent
from stigmer_apis._generated.ai.stigmer.agentic.environment.v1.environment_pb2 import Environment
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import ApiResourceReference
from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import (
    ApplyResourcesRequest,
    ApplyResourcesResponse,
    GetResourceRequest,
    Resource,
)
from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2_grpc import ResourceServiceStub
from stigmer_apis.errors import Aborted, FailedPrecondition, InvalidArgument, ManyInvalid, NotFound
from stigmer_apis.errors_grpc import error_from_rpc
from stigmer_apis.protocol import IDEMPOTENCY_KEY
from stigmer_apis.transport import aio
from stigmer_backend.resources.kinds import (
    AGENTS,
    ENVIRONMENTS,
    EXECUTIONS,
    INSTANCES,
    SESSIONS,
    WORKFLOWS,
    AnyKind,
)
from stigmer_backend.resources.kinds import Resource as AnyResource
from stigmer_backend.resources.wrapping import wrap
from tests.conformance.grounds import JsonValue, document, workflow_spec
from tests.conformance.wire import Wire
from tests.support.refusals import refused
from tests.support.scale import scaled

CREATED = ApplyResourcesResponse.OUTCOME_CREATED
UPDATED = ApplyResourcesResponse.OUTCOME_UPDATED
UNCHANGED = ApplyResourcesResponse.OUTCOME_UNCHANGED


def one(kind: AnyKind, name: str, spec: dict[str, JsonValue], *, label: str = "") -> Resource:
    """A resource of a batch."""
    resource: AnyResource = document(kind, name, spec)
    if label:
        resource.metadata.labels["app"] = label
    return wrap(kind, resource)


def agent(name: str, *, instructions: str = "Help with whatever comes up.", label: str = "") -> Resource:
    return one(AGENTS, name, {"instructions": instructions, "model": "m-1"}, label=label)


def instance(name: str, of: str, *environments: str, label: str = "") -> Resource:
    refs: list[JsonValue] = [{"kind": "environment", "slug": slug} for slug in environments]
    return one(INSTANCES, name, {"agentId": of, "environmentRefs": refs}, label=label)


def environment(name: str, value: str = "blue", *, label: str = "") -> Resource:
    return one(ENVIRONMENTS, name, {"data": {"COLOUR": {"value": value}}}, label=label)


def runs(name: str, other: str) -> Resource:
    task: JsonValue = {"name": "go", "kind": "WORKFLOW_TASK_KIND_RUN", "taskConfig": {"workflow": other}}
    return one(WORKFLOWS, name, workflow_spec([task]))


async def apply(wire: Wire, *resources: Resource, dry_run: bool = False) -> ApplyResourcesResponse:
    return await ResourceServiceStub(wire.channel).ApplyResources(
        ApplyResourcesRequest(resources=resources, dry_run=dry_run), metadata=wire.metadata
    )


async def is_there(wire: Wire, kind: AnyKind, name: str) -> bool:
    try:
        await ResourceServiceStub(wire.channel).GetResource(
            GetResourceRequest(kind=kind.number, name=name), metadata=wire.metadata
        )
    except aio.AioRpcError as error:
        if not isinstance(error_from_rpc(error), NotFound):
            raise
        return False
    return True


def outcomes(answer: ApplyResourcesResponse) -> Sequence[int]:
    return [applied.outcome for applied in answer.applied]


async def test_a_batch_in_any_order_is_stored_with_what_others_name_first(wire: Wire) -> None:
    batch = [instance("helper-here", "helper", "colours"), agent("helper"), environment("colours")]
    answer = await apply(wire, *batch)
    assert outcomes(answer) == [CREATED] * 3
    made = answer.applied[0].after.agent_instance
    assert made.spec.agent_id == answer.applied[1].after.agent.metadata.id
    assert not answer.applied[0].HasField("before")
    again = await apply(wire, *batch)
    assert outcomes(again) == [UNCHANGED] * 3
    assert again.applied[2].before == again.applied[2].after
    batch[2] = environment("colours", "red")
    changed = await apply(wire, *batch)
    assert outcomes(changed) == [UNCHANGED, UNCHANGED, UPDATED]
    assert changed.applied[2].before.environment.spec.data["COLOUR"].value == "blue"
    assert changed.applied[2].after.environment.spec.data["COLOUR"].value == "red"


async def test_a_dry_run_tells_what_would_come_of_it_and_stores_nothing(wire: Wire) -> None:
    answer = await apply(wire, instance("i", "a"), agent("a"), dry_run=True)
    assert outcomes(answer) == [CREATED, CREATED]
    assert not await is_there(wire, AGENTS, "a")
    assert not await is_there(wire, INSTANCES, "i")


async def test_every_mistake_of_every_resource_is_told_and_nothing_is_stored(wire: Wire) -> None:
    wrong_kind = environment("wrong-kind")
    wrong_kind.environment.kind = "Agent"
    with refused(ManyInvalid) as refusal:
        await apply(
            wire,
            environment("fine"),
            agent("short", instructions="no"),
            wrong_kind,
            instance("lost", "nobody"),
            instance("follows", "short"),
            instance("dangling", "shell", "nowhere", "gone"),
            Resource(),
            one(EXECUTIONS, "run", {"message": "x", "agentId": "shell"}),
            environment("fine", "again"),
        )
    assert isinstance(refusal.error, InvalidArgument)
    fields = [violation.field for violation in refusal.error.violations]
    assert sorted(fields) == sorted(
        [
            "resources[1].agent.spec.instructions",
            "resources[2].environment.kind",
            "resources[3].agent_instance",
            "resources[5].agent_instance.spec.environment_refs[0]",
            "resources[5].agent_instance.spec.environment_refs[1]",
            "resources[6]",
            "resources[7].agent_execution",
            "resources[8].environment.metadata.name",
        ]
    )
    assert not await is_there(wire, ENVIRONMENTS, "fine")


async def test_hundreds_of_mistakes_are_told_one_by_one(wire: Wire) -> None:
    with refused(ManyInvalid) as refusal:
        await apply(wire, *(agent(f"a{number}", instructions="no") for number in range(300)))
    assert isinstance(refusal.error, InvalidArgument)
    assert len(refusal.error.violations) == 300


async def test_workflows_that_run_each_other_are_a_circle(wire: Wire) -> None:
    with refused(InvalidArgument) as refusal:
        await apply(wire, runs("a", "b"), runs("b", "c"), runs("c", "a"))
    assert isinstance(refusal.error, InvalidArgument)
    assert "a -> b -> c -> a" in refusal.error.violations[0].message
    with refused(InvalidArgument) as refusal:
        await apply(wire, runs("a", "a"))
    assert "circle" in refusal.text
    await apply(wire, one(WORKFLOWS, "a", workflow_spec()), runs("b", "a"))
    with refused(InvalidArgument) as refusal:
        await apply(wire, runs("a", "b"))
    assert "a -> b -> a" in refusal.text


async def test_a_stale_version_in_a_batch_is_aborted(wire: Wire) -> None:
    made = (await apply(wire, environment("shared"))).applied[0].after
    await apply(wire, environment("shared", "red"))
    made.environment.spec.data["COLOUR"].value = "green"
    with refused(Aborted) as refusal:
        await apply(wire, made, environment("other"))
    assert "version 2" in refusal.text
    assert not await is_there(wire, ENVIRONMENTS, "other")


async def test_the_same_batch_with_its_key_is_one_call(wire: Wire) -> None:
    stub = ResourceServiceStub(wire.channel)
    made = (await apply(wire, environment("shared"))).applied[0].after
    made.environment.spec.data["COLOUR"].value = "green"
    request = ApplyResourcesRequest(resources=[made])
    keyed = (*wire.metadata, (IDEMPOTENCY_KEY, "batch-1"))
    assert outcomes(await stub.ApplyResources(request, metadata=keyed)) == [UPDATED]
    assert outcomes(await stub.ApplyResources(request, metadata=keyed)) == [UNCHANGED]


async def test_pruning_takes_what_has_the_label_and_is_not_in_the_batch(wire: Wire) -> None:
    stub = ResourceServiceStub(wire.channel)
    await apply(
        wire,
        agent("a", label="shop"),
        agent("b", label="shop"),
        instance("b-here", "b", "old", label="shop"),
        environment("old", label="shop"),
        environment("kept", label="other"),
    )
    request = ApplyResourcesRequest(
        resources=[agent("a", label="shop")],
        prune_labels={"app": "shop"},
        prune_kinds=[ApiResourceKind.agent, ApiResourceKind.agent_instance, ApiResourceKind.environment],
    )
    dry = ApplyResourcesRequest()
    dry.CopyFrom(request)
    dry.dry_run = True
    foreseen = await stub.ApplyResources(dry, metadata=wire.metadata)
    assert await is_there(wire, AGENTS, "b")
    answer = await stub.ApplyResources(request, metadata=wire.metadata)
    gone = [resource.WhichOneof("resource") for resource in answer.pruned]
    assert gone == ["agent_instance", "agent", "environment"]
    assert [resource.WhichOneof("resource") for resource in foreseen.pruned] == gone
    assert await is_there(wire, AGENTS, "a")
    assert not await is_there(wire, AGENTS, "b")
    assert await is_there(wire, ENVIRONMENTS, "kept")


async def test_what_keeps_a_pruned_resource_undoes_the_whole_batch(wire: Wire) -> None:
    stub = ResourceServiceStub(wire.channel)
    await apply(wire, agent("b", label="shop"), instance("mine", "b"))
    request = ApplyResourcesRequest(resources=[agent("new", label="shop")], prune_labels={"app": "shop"})
    with refused(FailedPrecondition) as refusal:
        await stub.ApplyResources(request, metadata=wire.metadata)
    assert "mine" in refusal.text
    assert not await is_there(wire, AGENTS, "new")
    request.force = True
    await stub.ApplyResources(request, metadata=wire.metadata)
    assert not await is_there(wire, INSTANCES, "mine")


async def test_a_large_batch_is_one_call_and_too_large_a_one_is_refused(wire: Wire) -> None:
    count = scaled(300, 10_000)
    answer = await apply(wire, *(environment(f"e{number}") for number in range(count)))
    assert len(answer.applied) == count
    with refused(InvalidArgument):
        await apply(wire, *(Resource(environment=Environment()) for _ in range(10_001)))


async def test_a_session_of_a_batch_may_name_its_instance(wire: Wire) -> None:
    answer = await apply(wire, one(SESSIONS, "talk", {"agentInstanceId": "shell-default"}))
    assert answer.applied[0].after.session.spec.agent_instance_id.startswith("ain-")
    reference = ApiResourceReference(slug="shell")
    shell = await wire.call(AGENTS, "getByReference", reference)
    assert isinstance(shell, Agent)
    assert shell.metadata.slug == "shell"
