"""Every call that changes something, made again with its idempotency key, gets its first answer and changes nothing; by the descriptors, so that
none is forgotten."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import cast

import pytest
from google.protobuf.message import Message

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import (
    AgentExecution,
    AgentExecutionStatus,
    AgentExecutionUpdateStatusInput,
)
from stigmer_apis._generated.ai.stigmer.agentic.skill.v1.skill_pb2 import PushSkillRequest
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import ApiResourceOwnerScope
from stigmer_apis._generated.stigmer.access.v1 import api_key_service_pb2 as key_service
from stigmer_apis._generated.stigmer.access.v1.api_key_service_pb2_grpc import (
    ApiKeyServiceStub,
    add_ApiKeyServiceServicer_to_server,
)
from stigmer_apis._generated.stigmer.execution.v1 import execution_service_pb2 as execution
from stigmer_apis._generated.stigmer.resource.v1 import resource_service_pb2 as resource
from stigmer_apis._generated.stigmer.schedule.v1 import schedule_service_pb2 as schedule
from stigmer_apis._generated.stigmer.secret.v1 import secret_service_pb2 as secret
from stigmer_apis.errors import AlreadyExists
from stigmer_apis.protocol import IDEMPOTENCY_KEY
from stigmer_apis.transport import aio, grpc
from stigmer_backend.access import POLICIES, Role
from stigmer_backend.access.api_keys import ApiKeys
from stigmer_backend.access.policy import WRITE
from stigmer_backend.daemon.api_key_service import ApiKeyService
from stigmer_backend.resources.kinds import (
    AGENTS,
    ENVIRONMENTS,
    EXECUTIONS,
    KINDS,
    SKILLS,
    WORKFLOW_EXECUTIONS,
    WORKFLOWS,
    AnyKind,
)
from stigmer_backend.services.first_answers import kept_methods
from tests.access.served import Rpc, every_rpc
from tests.conformance.grounds import Ground, archive, change, make
from tests.conformance.wire import Wire, by_id
from tests.support.waiting import eventually

Making = Callable[[Ground], Awaitable[Message]]

_ELSEWHERE = (
    "WorkflowRunnerServiceController",  # Commands of a run: tests/services/test_workflow_children.py.
    "/stigmer.server.v1.ServerService/Shutdown",  # Ends the server that would be asked again.
    "/stigmer.server.v1.ServerService/DrainRunner",  # Said of a runner: tests/remote has them.
    "/stigmer.steering.v1.SteeringService/",  # Commands of a run: tests/services/test_commands.py, with a runner that takes them.
    "ExecutionService/SendMessage",
    "/stigmer.access.v1.ApiKeyService/",  # A key is told once, so a repeat is answered without it: below.
)

_MAY_BE_REFUSED = ("WorkflowExecutionCommandController/updateStatus", "/UnlockSecrets")
"""What has ended takes no status, and there is nothing to unlock."""

RPCS = [
    rpc
    for rpc in every_rpc()
    if POLICIES[rpc.method] is WRITE
    and not (rpc.client_streaming or rpc.server_streaming)
    and not any(name in rpc.method for name in _ELSEWHERE)
]


async def run_id(ground: Ground) -> str:
    """An execution that goes on: nobody holds it."""
    return (await ground.wire.served.run("true")).metadata.id


async def ended_id(ground: Ground) -> str:
    """An execution that was cancelled."""
    made, served = await run_id(ground), ground.wire.served
    live = served.backend.counts()[1]
    await served.stubs.service.Cancel(execution.CancelRequest(execution_id=made), metadata=served.stubs.metadata)
    await eventually(lambda: served.backend.counts()[1] < live)
    return made


async def ended_workflow_id(ground: Ground) -> str:
    """A workflow's execution that was cancelled."""
    served, live = ground.wire.served, ground.wire.served.backend.counts()[1]
    wanted = await make(ground, WORKFLOW_EXECUTIONS, "to be ended")
    made = await ground.wire.write(WORKFLOW_EXECUTIONS, "create", wanted)
    asked = execution.CancelRequest(execution_id=made.metadata.id)
    await served.stubs.service.Cancel(asked, metadata=served.stubs.metadata)
    await eventually(lambda: served.backend.counts()[1] == live)
    return made.metadata.id


def of_schedule(request: type[Message]) -> Making:
    """A request about a workflow that starts by itself."""

    async def made(ground: Ground) -> Message:
        wanted = await make(ground, WORKFLOWS, "tick")
        wanted.spec.yaml = (
            "document: {dsl: 1.0.0, namespace: t, name: tick, version: 1.0.0}\n"
            "schedule: {every: {days: 1}}\ndo: [{one: {set: {a: 1}}}]\n"
        )
        await ground.wire.write(WORKFLOWS, "create", wanted)
        return cast("Callable[..., Message]", request)(workflow="tick")

    return made


async def updated(ground: Ground, kind: AnyKind) -> Message:
    made = await ground.wire.write(kind, "create", await make(ground, kind, "to be changed"))
    change(kind, made, "other words")
    made.metadata.version.Clear()
    return cast(Message, made)


async def deleted(ground: Ground, kind: AnyKind) -> Message:
    if kind is SKILLS:
        return by_id(kind, "delete", await ground.of(kind))
    if kind is EXECUTIONS:
        return by_id(kind, "delete", await ended_id(ground))
    if kind is WORKFLOW_EXECUTIONS:
        return by_id(kind, "delete", await ended_workflow_id(ground))
    made = await ground.wire.write(kind, "create", await make(ground, kind, "to be deleted"))
    return by_id(kind, "delete", made.metadata.id)


async def applied(ground: Ground) -> Message:
    wanted = resource.Resource()
    wanted.environment.CopyFrom(await make(ground, ENVIRONMENTS, "applied"))
    return resource.ApplyResourcesRequest(resources=[wanted])


async def restored(ground: Ground) -> Message:
    made = await ground.wire.write(ENVIRONMENTS, "create", await make(ground, ENVIRONMENTS, "restored"))
    change(ENVIRONMENTS, made, "second")
    await ground.wire.write(ENVIRONMENTS, "update", made)
    return resource.RestoreVersionRequest(kind=ENVIRONMENTS.number, name="restored", version_id="1")


async def secret_deleted(ground: Ground) -> Message:
    given = secret.SetSecretRequest(name="TOKEN", value=b"a value of some length")
    await outcome(ground.wire, RPC_OF["SetSecret"], given)
    return secret.DeleteSecretRequest(name="TOKEN")


async def reported(ground: Ground, kind: AnyKind) -> Message:
    if kind is EXECUTIONS:
        status = AgentExecutionStatus(phase=ExecutionPhase.EXECUTION_COMPLETED)
        return AgentExecutionUpdateStatusInput(execution_id=await run_id(ground), status=status)
    message = RPC_BY_KIND[kind.name, "updateStatus"].request
    return message(execution_id=await ground.of(kind))


def of_run(request: type[Message], **fields: object) -> Making:
    """A request about an execution that goes on."""

    async def made(ground: Ground) -> Message:
        return cast("Callable[..., Message]", request)(execution_id=await run_id(ground), **fields)

    return made


def always(request: Message) -> Making:
    async def made(ground: Ground) -> Message:
        return request

    return made


async def label(ground: Ground) -> Message:
    return execution.LabelExecutionsRequest(execution_ids=[await run_id(ground)], set={"team": "red"})


async def delete_many(ground: Ground) -> Message:
    return execution.DeleteExecutionsRequest(execution_ids=[await ended_id(ground)])


async def delete_any(ground: Ground) -> Message:
    await ground.wire.write(AGENTS, "create", await make(ground, AGENTS, "gone"))
    return resource.DeleteResourceRequest(kind=AGENTS.number, name="gone")


async def push(ground: Ground) -> Message:
    return PushSkillRequest(name="pushed", scope=ApiResourceOwnerScope.organization, artifact=archive())


OURS: dict[str, Making] = {
    "ApplyResources": applied,
    "DeleteResource": delete_any,
    "RestoreVersion": restored,
    "SetSecret": always(secret.SetSecretRequest(name="NAME", value=b"a value of some length")),
    "DeleteSecret": secret_deleted,
    "RotateMasterKey": always(secret.RotateMasterKeyRequest()),
    "UnlockSecrets": always(secret.UnlockSecretsRequest()),
    "SetProviderKey": always(secret.SetProviderKeyRequest(provider="openai", value=b"sk-of-some-length")),
    "DeleteProviderKey": always(secret.DeleteProviderKeyRequest(provider="openai")),
    "Cancel": of_run(execution.CancelRequest),
    "PauseSchedule": of_schedule(schedule.PauseScheduleRequest),
    "ResumeSchedule": of_schedule(schedule.ResumeScheduleRequest),
    "TriggerSchedule": of_schedule(schedule.TriggerScheduleRequest),
    "MarkSeen": always(execution.MarkSeenRequest(all=True)),
    "LabelExecutions": label,
    "DeleteExecutions": delete_many,
}


def making(rpc: Rpc) -> Making:
    """What makes a request of a method that can be answered. A method without one fails here: say how it is called."""
    service, _, name = rpc.method.rpartition("/")
    if service.startswith("/stigmer."):
        return OURS[name]
    kind = kind_of(rpc)

    async def made(ground: Ground) -> Message:
        match name:
            case "push":
                return await push(ground)
            case "delete":
                return await deleted(ground, kind)
            case "updateStatus":
                return await reported(ground, kind)
            case "update":
                return await updated(ground, kind)
            case _:
                return cast(Message, await make(ground, kind, "one"))

    return made


def kind_of(rpc: Rpc) -> AnyKind:
    """The kind of a published method."""
    controller = rpc.method.split("/")[1].rpartition(".")[2]
    return next(kind for kind in KINDS if controller == f"{kind.name}CommandController")


RPC_OF = {rpc.method.rpartition("/")[2]: rpc for rpc in RPCS if rpc.method.startswith("/stigmer.")}
RPC_BY_KIND = {
    (kind_of(rpc).name, rpc.method.rpartition("/")[2]): rpc for rpc in RPCS if not rpc.method.startswith("/stigmer.")
}


async def outcome(wire: Wire, rpc: Rpc, request: Message, key: str = "") -> Message | grpc.StatusCode:
    """The answer, or as what the call was refused."""
    stub = wire.channel.unary_unary(
        rpc.method, request_serializer=rpc.request.SerializeToString, response_deserializer=rpc.answer.FromString
    )
    more = ((IDEMPOTENCY_KEY, key),) if key else ()
    try:
        return await stub(request, metadata=(*wire.metadata, *more))
    except aio.AioRpcError as error:
        return error.code()


@pytest.mark.parametrize("rpc", RPCS, ids=lambda rpc: ".".join(rpc.method.split(".")[-1:]))
async def test_the_same_call_again_gets_its_first_answer(ground: Ground, rpc: Rpc) -> None:
    wire, request = ground.wire, await making(rpc)(ground)
    first = await outcome(wire, rpc, request, "key")
    again = await outcome(wire, rpc, request, "key")
    assert isinstance(first, Message) or rpc.method.endswith(_MAY_BE_REFUSED)
    if isinstance(first, AgentExecution) and rpc.method.endswith("/create"):
        assert isinstance(again, AgentExecution)
        assert again.metadata.id == first.metadata.id
    elif isinstance(first, resource.ApplyResourcesResponse):
        assert isinstance(again, resource.ApplyResourcesResponse)
        assert [one.after for one in again.applied] == [one.after for one in first.applied]
    else:
        assert again == first
    if isinstance(first, Message):
        other = rpc.request.FromString(request.SerializeToString() + b"\xf8\x7f\x01")
        assert await outcome(wire, rpc, other, "key") is grpc.StatusCode.INVALID_ARGUMENT


def test_no_answer_is_kept_that_tells_a_secret() -> None:
    telling = {
        method: [
            field.name for field in answer.DESCRIPTOR.fields if field.name in ("key", "token", "secret", "passphrase")
        ]
        for method, answer in kept_methods().items()
    }
    assert {method: fields for method, fields in telling.items() if fields} == {}


async def test_the_same_call_for_an_api_key_finds_the_one_that_it_made_and_is_told_no_secret_again(
    short_tmp: Path,
) -> None:
    path = short_tmp / "api-keys.json"

    async def again(keys: ApiKeys) -> tuple[key_service.CreateApiKeyResponse, key_service.RevokeApiKeyResponse]:
        server = aio.server()
        add_ApiKeyServiceServicer_to_server(ApiKeyService(keys, lambda: None), server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        try:
            async with aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                stub = ApiKeyServiceStub(channel)
                asked = key_service.CreateApiKeyRequest(name="laptop", role=key_service.API_KEY_ROLE_VIEWER)
                made = [await stub.CreateApiKey(asked, metadata=((IDEMPOTENCY_KEY, "one"),)) for _ in range(2)]
                assert not made[1].key
                assert made[0].api_key == made[1].api_key
                asked.name = "another"
                with pytest.raises(aio.AioRpcError):
                    await stub.CreateApiKey(asked, metadata=((IDEMPOTENCY_KEY, "one"),))
                assert len(keys.list()) == 1
                gone = key_service.RevokeApiKeyRequest(key="laptop")
                told = [await stub.RevokeApiKey(gone, metadata=((IDEMPOTENCY_KEY, "two"),)) for _ in range(2)]
                assert told[0] == told[1]
                return made[0], told[0]
        finally:
            await server.stop(None)

    made, _ = await again(ApiKeys(path))
    assert made.key
    first, _ = ApiKeys(path).create("kept", Role.VIEWER, 0, None, "three")
    found, key = ApiKeys(path).create("kept", Role.VIEWER, 0, None, "three")  # Another start of the daemon.
    assert (found, key) == (first, "")
    with pytest.raises(AlreadyExists):
        ApiKeys(path).create("kept", Role.VIEWER, 0, None, "four")
