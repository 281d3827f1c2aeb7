"""The context of a run: merged in order, given to the runner that holds it, masked for everybody else, gone with the run."""

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import Agent
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import (
    AgentExecution,
    AgentExecutionSpec,
)
from stigmer_apis._generated.ai.stigmer.agentic.agentinstance.v1.agent_instance_pb2 import (
    AgentInstance,
    AgentInstanceId,
)
from stigmer_apis._generated.ai.stigmer.agentic.environment.v1.environment_pb2 import EnvironmentValue
from stigmer_apis._generated.ai.stigmer.agentic.environment.v1.environment_service_pb2_grpc import (
    EnvironmentCommandControllerStub,
)
from stigmer_apis._generated.ai.stigmer.agentic.executioncontext.v1.execution_context_pb2 import (
    ExecutionContext,
    ExecutionValue,
)
from stigmer_apis._generated.ai.stigmer.agentic.executioncontext.v1.execution_context_service_pb2_grpc import (
    ExecutionContextQueryControllerStub,
)
from stigmer_apis._generated.ai.stigmer.agentic.mcpserver.v1.mcp_server_pb2 import (
    McpServer,
    McpServerSpec,
    StdioServerConfig,
)
from stigmer_apis._generated.ai.stigmer.agentic.mcpserver.v1.mcp_server_service_pb2_grpc import (
    McpServerCommandControllerStub,
)
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import (
    ApiResourceDeleteInput,
    ApiResourceMetadata,
    ApiResourceOwnerScope,
    ApiResourceReference,
)
from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import CancelRequest
from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import GetExecutionContextRequest, GetProviderKeyRequest
from stigmer_apis._generated.stigmer.secret.v1.secret_service_pb2 import (
    ListMissingKeysRequest,
    SetProviderKeyRequest,
    SetSecretRequest,
)
from stigmer_apis._generated.stigmer.secret.v1.secret_service_pb2_grpc import SecretServiceStub
from stigmer_apis.errors import FailedPrecondition, NotFound
from stigmer_apis.protocol import API_VERSION
from stigmer_backend.resources.kinds import EXECUTION_CONTEXTS
from stigmer_backend.resources.secret_values import MASK
from stigmer_backend.secrets import data_keys
from tests.secrets.conftest import Leasing
from tests.support.refusals import refused
from tests.support.served_backend import Served
from tests.support.waiting import eventually


async def shell_instance(served: Served) -> AgentInstance:
    """The default instance of the agent `shell`, as one may update it."""
    shell: Agent = await served.stubs.agent_queries.getByReference(
        ApiResourceReference(slug="shell"), metadata=served.stubs.metadata
    )
    wanted = AgentInstanceId(value=shell.status.default_instance_id)
    return await served.stubs.instance_queries.get(wanted, metadata=served.stubs.metadata)


async def lend(served: Served, *environments: str) -> None:
    """Lend environments to the agent `shell`, in this order."""
    instance = await shell_instance(served)
    del instance.spec.environment_refs[:]
    instance.spec.environment_refs.extend(
        ApiResourceReference(kind=ApiResourceKind.environment, slug=slug) for slug in environments
    )
    await served.stubs.instances.update(instance, metadata=served.stubs.metadata)


async def start(served: Served, **runtime: ExecutionValue) -> AgentExecution:
    """Start the agent `shell` with variables of its own."""
    spec = AgentExecutionSpec(agent_id=await served.shell_id(), message="true", runtime_env=runtime)
    wanted = AgentExecution(api_version=API_VERSION, kind="AgentExecution", metadata=ApiResourceMetadata(), spec=spec)
    return await served.stubs.executions.create(wanted, metadata=served.stubs.metadata)


async def put(served: Served, secrets: SecretServiceStub, environment: str, name: str, value: str) -> None:
    """Set a secret."""
    request = SetSecretRequest(name=name, value=value.encode(), environment=environment)
    await secrets.SetSecret(request, metadata=served.stubs.metadata)


async def leftovers(served: Served) -> tuple[int, int]:
    """Contexts, and data keys."""
    return await served.store.read_state(lambda state: (state.count(EXECUTION_CONTEXTS.table), data_keys.count(state)))


async def test_later_values_go_over_earlier_ones(served: Served, secrets: SecretServiceStub, leasing: Leasing) -> None:
    for environment, name, value in (
        ("one", "A", "a-of-environment-one"),
        ("one", "B", "b-of-environment-one"),
        ("two", "B", "b-of-environment-two"),
        ("two", "C", "c-of-environment-two"),
    ):
        await put(served, secrets, environment, name, value)
    await lend(served, "one", "two")
    run = await start(
        served,
        C=ExecutionValue(value="c-of-the-run-alone", is_secret=True),
        STAGE=ExecutionValue(value="test"),
    )
    expected = {
        "A": "a-of-environment-one",
        "B": "b-of-environment-two",
        "C": "c-of-the-run-alone",
        "STAGE": "test",
    }
    assert await leasing.values(run.metadata.id) == expected
    assert await leasing.values(run.metadata.id) == expected
    read = ExecutionContextQueryControllerStub(served.stubs.channel)
    shown: ExecutionContext = await read.getByReference(
        ApiResourceReference(slug=run.metadata.id), metadata=served.stubs.metadata
    )
    assert {name: value.value for name, value in shown.spec.data.items()} == {
        "A": MASK, "B": MASK, "C": MASK, "STAGE": "test",
    }  # fmt: skip


async def test_a_context_is_gone_when_the_run_completes(served: Served, leasing: Leasing) -> None:
    run = await start(served, C=ExecutionValue(value="c-of-the-run-alone", is_secret=True))
    await leasing.runner.begin(run.metadata.id)
    await leasing.values(run.metadata.id)
    assert await leftovers(served) == (1, 2)
    await leasing.runner.complete(run.metadata.id)
    await eventually(lambda: _none_left(served))


async def test_a_run_that_is_cancelled_before_it_starts_leaves_no_key(served: Served) -> None:
    run = await start(served, C=ExecutionValue(value="c-of-the-run-alone", is_secret=True))
    assert await leftovers(served) == (0, 1)
    await served.stubs.service.Cancel(CancelRequest(execution_id=run.metadata.id), metadata=served.stubs.metadata)
    await eventually(lambda: _none_left(served))


async def test_values_are_for_the_runner_that_holds_the_run_alone(served: Served, leasing: Leasing) -> None:
    run = await start(served, C=ExecutionValue(value="c-of-the-run-alone", is_secret=True))
    held = await leasing.runner.lease(run.metadata.id)
    for execution_id, epoch in ((run.metadata.id, held.granted.epoch + 1), ("aex-unknown", 1)):
        with refused(FailedPrecondition):
            await leasing.stub.GetExecutionContext(
                GetExecutionContextRequest(execution_id=execution_id, epoch=epoch), metadata=leasing.metadata
            )
    assert held.granted.execution.spec.runtime_env["C"].value == MASK


async def test_secrets_of_mcp_servers_go_with_the_runs_of_agents_that_refer_to_them(
    served: Served, leasing: Leasing
) -> None:
    stub = McpServerCommandControllerStub(served.stubs.channel)
    made = [await stub.create(_server(name), metadata=served.stubs.metadata) for name in ("wanted", "other")]
    shell: Agent = await served.stubs.agent_queries.getByReference(
        ApiResourceReference(slug="shell"), metadata=served.stubs.metadata
    )
    before = await start(served)
    assert not (await leasing.answer(before.metadata.id)).server_secrets
    shell.spec.mcp_server_refs.append(ApiResourceReference(slug="wanted"))
    await served.stubs.agents.update(shell, metadata=served.stubs.metadata)
    run = await start(served)
    held = await leasing.runner.lease(run.metadata.id)
    (lent,) = held.granted.mcp_servers
    assert (lent.metadata.id, lent.spec.env_spec.data["KEY"].value) == (made[0].metadata.id, MASK)
    answer = await leasing.answer(run.metadata.id)
    given = {server: dict(secrets.values) for server, secrets in answer.server_secrets.items()}
    assert given == {made[0].metadata.id: {"KEY": "key-of-wanted"}}
    assert not answer.context.spec.data
    assert await served.store.read_state(lambda state: state.count(EXECUTION_CONTEXTS.table)) == 0


async def test_a_run_whose_environment_is_not_there_is_refused(served: Served, secrets: SecretServiceStub) -> None:
    request = SetSecretRequest(name="A", value=b"a-of-environment-one", environment="one")
    made = await secrets.SetSecret(request, metadata=served.stubs.metadata)
    await lend(served, "one")
    stub = EnvironmentCommandControllerStub(served.stubs.channel)
    await stub.delete(
        ApiResourceDeleteInput(resource_id=made.environment_id),
        metadata=(*served.stubs.metadata, ("stigmer-force", "true")),
    )
    with refused(NotFound) as refusal:
        await start(served)
    assert "one" in refusal.text


async def test_the_key_of_a_provider_goes_to_who_holds_a_run(
    served: Served, secrets: SecretServiceStub, leasing: Leasing
) -> None:
    run = await start(served)
    held = await leasing.runner.lease(run.metadata.id)
    asked = GetProviderKeyRequest(execution_id=run.metadata.id, epoch=held.granted.epoch, provider="anthropic")
    with refused(FailedPrecondition) as refusal:
        await leasing.stub.GetProviderKey(asked, metadata=leasing.metadata)
    assert "ANTHROPIC_API_KEY" in refusal.text
    assert "stigmer secrets provider set anthropic" in refusal.text
    key = SetProviderKeyRequest(provider="anthropic", value=b"sk-ant-0123456789")
    await secrets.SetProviderKey(key, metadata=served.stubs.metadata)
    answer = await leasing.stub.GetProviderKey(asked, metadata=leasing.metadata)
    assert (answer.value, answer.origin) == (b"sk-ant-0123456789", "memory")


async def test_what_an_unknown_agent_misses_is_not_found(served: Served, secrets: SecretServiceStub) -> None:
    with refused(NotFound):
        await secrets.ListMissingKeys(ListMissingKeysRequest(agent="nobody"), metadata=served.stubs.metadata)


def _server(name: str) -> McpServer:
    """A server with a secret of its own, and a value that is none."""
    spec = McpServerSpec(description="Tells the time.", stdio=StdioServerConfig(command="true"))
    spec.env_spec.data["KEY"].CopyFrom(EnvironmentValue(value=f"key-of-{name}", is_secret=True))
    spec.env_spec.data["PLAIN"].value = "not-hidden"
    metadata = ApiResourceMetadata(name=name, owner_scope=ApiResourceOwnerScope.organization)
    return McpServer(api_version=API_VERSION, kind="McpServer", metadata=metadata, spec=spec)


async def _none_left(served: Served) -> bool:
    return await leftovers(served) == (0, 0)
