"""A real backend over a real store, served on real sockets: what the services are tested through."""

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_service_pb2_grpc import (
    AgentCommandControllerStub,
    AgentQueryControllerStub,
)
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import (
    AgentExecution,
    AgentExecutionSpec,
)
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_service_pb2_grpc import (
    AgentExecutionCommandControllerStub,
    AgentExecutionQueryControllerStub,
)
from stigmer_apis._generated.ai.stigmer.agentic.agentinstance.v1.agent_instance_service_pb2_grpc import (
    AgentInstanceCommandControllerStub,
    AgentInstanceQueryControllerStub,
)
from stigmer_apis._generated.ai.stigmer.agentic.session.v1.session_service_pb2_grpc import (
    SessionCommandControllerStub,
    SessionQueryControllerStub,
)
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import (
    ApiResourceMetadata,
    ApiResourceReference,
)
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2_grpc import ExecutionServiceStub
from stigmer_apis._generated.stigmer.execution.v1.options_pb2 import RunOptions
from stigmer_apis._generated.stigmer.server.v1 import server_pb2_grpc
from stigmer_apis._generated.stigmer.server.v1.server_pb2 import GetStatusResponse
from stigmer_apis._generated.stigmer.terminal.v1.attach_pb2_grpc import TerminalServiceStub
from stigmer_apis.home import Home
from stigmer_apis.protocol import API_VERSION, AUTHORIZATION, IDEMPOTENCY_KEY
from stigmer_apis.transport import aio, client_options, server_options, unix_target
from stigmer_backend.access import AccessInterceptor, Role, Tokens
from stigmer_backend.daemon.ending import Ending
from stigmer_backend.daemon.failures import store_failure
from stigmer_backend.daemon.server_service import ServerService
from stigmer_backend.executions.options import ExecutionOptions
from stigmer_backend.services import Backend
from stigmer_backend.store import Store, StoreOptions

Metadata = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Stubs:
    """A person's client: every service that is served, over one channel."""

    channel: aio.Channel
    agents: AgentCommandControllerStub
    agent_queries: AgentQueryControllerStub
    instances: AgentInstanceCommandControllerStub
    instance_queries: AgentInstanceQueryControllerStub
    sessions: SessionCommandControllerStub
    session_queries: SessionQueryControllerStub
    executions: AgentExecutionCommandControllerStub
    execution_queries: AgentExecutionQueryControllerStub
    service: ExecutionServiceStub
    terminals: TerminalServiceStub
    metadata: Metadata
    """Carries the operator's token; every call takes it."""

    def keyed(self, key: str, *more: tuple[str, str]) -> Metadata:
        """The metadata with an idempotency key."""
        return (*self.metadata, (IDEMPOTENCY_KEY, key), *more)


@dataclass(slots=True)
class Served:
    """A backend that is served, until its block ends."""

    home: Home
    store: Store
    backend: Backend
    stubs: Stubs
    tokens: Tokens

    async def shell_id(self) -> str:
        """Id of the built-in agent."""
        agent = await self.stubs.agent_queries.getByReference(
            ApiResourceReference(slug="shell"), metadata=self.stubs.metadata
        )
        return agent.metadata.id

    async def run(
        self,
        message: str = "true",
        *,
        session_id: str = "",
        workspace: str = "",
        key: str = "",
        name: str = "",
        runner: str = "",
    ) -> AgentExecution:
        """Create an execution of the agent `shell`; with `runner` for a runner that has this label."""
        wanted = AgentExecution(
            api_version=API_VERSION,
            kind="AgentExecution",
            metadata=ApiResourceMetadata(name=name, labels={"runner": runner} if runner else {}),
            spec=AgentExecutionSpec(
                session_id=session_id,
                agent_id="" if session_id else await self.shell_id(),
                message=message,
                options=RunOptions(workspace=workspace),
            ),
        )
        metadata = self.stubs.keyed(key) if key else self.stubs.metadata
        return await self.stubs.executions.create(wanted, metadata=metadata)


@asynccontextmanager
async def serve_backend(
    root: Path,
    *,
    options: ExecutionOptions | None = None,
    store_options: StoreOptions | None = None,
    storage: str = "",
    clock: Callable[[], float] = time.time,
) -> AsyncGenerator[Served]:
    """Serve the backend of the home `root`, as the daemon does; again on the same `root` is another start of the daemon.

    `storage` is the storage's URI: `memory:` for one without files, which forgets everything at the end.
    """
    home = Home(root=root, run=root / "run")
    home.prepare()
    async with AsyncExitStack() as stack:
        store = await Store.open_at(storage, home.data, options=store_options)
        stack.push_async_callback(store.close)
        backend = await Backend.open(store, home, clock=clock, options=options)
        stack.push_async_callback(backend.close)
        tokens = Tokens.open(home)
        who = ServerService(
            pid=0,
            home=str(home.root),
            incarnation=store.incarnation,
            status=_no_status,
            ending=Ending(),
            stopped_note=home.stopped_note,
        )
        await _listen(stack, home.operator_socket, tokens, {Role.OPERATOR, Role.VIEWER}, backend, who)
        await _listen(stack, home.runner_socket, tokens, {Role.RUNNER}, backend, who)
        channel = aio.insecure_channel(unix_target(home.operator_socket), options=client_options())
        stack.push_async_callback(channel.close)
        yield Served(home, store, backend, _stubs(channel, home.operator_token.read_text().strip()), tokens)


async def _no_status() -> GetStatusResponse:
    raise AssertionError("nobody asks for it here")


async def _listen(
    stack: AsyncExitStack, path: Path, tokens: Tokens, admits: set[Role], backend: Backend, who: ServerService
) -> None:
    interceptor = AccessInterceptor(tokens, admits=admits, translations=[store_failure])
    server = aio.server(interceptors=[interceptor, *backend.interceptors], options=server_options())
    if Role.RUNNER in admits:
        backend.register_runner(server)
    else:
        backend.register_operator(server)
        server_pb2_grpc.add_ServerServiceServicer_to_server(who, server)
    server.add_insecure_port(unix_target(path))
    await server.start()
    stack.push_async_callback(server.stop, None)


def _stubs(channel: aio.Channel, token: str) -> Stubs:
    return Stubs(
        channel,
        AgentCommandControllerStub(channel),
        AgentQueryControllerStub(channel),
        AgentInstanceCommandControllerStub(channel),
        AgentInstanceQueryControllerStub(channel),
        SessionCommandControllerStub(channel),
        SessionQueryControllerStub(channel),
        AgentExecutionCommandControllerStub(channel),
        AgentExecutionQueryControllerStub(channel),
        ExecutionServiceStub(channel),
        TerminalServiceStub(channel),
        ((AUTHORIZATION, f"Bearer {token}"),),
    )
