"""Everything that can be asked of a Stigmer server."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Self

from google.protobuf.duration_pb2 import Duration

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import Agent, AgentId
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import (
    AgentExecution,
    AgentExecutionId,
    AgentExecutionSpec,
)
from stigmer_apis._generated.ai.stigmer.agentic.executioncontext.v1.execution_context_pb2 import ExecutionValue
from stigmer_apis._generated.ai.stigmer.agentic.session.v1.session_pb2 import (
    ListSessionsRequest,
    Session,
    SessionId,
    SessionList,
)
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import (
    ApiResourceMetadata,
    ApiResourceReference,
)
from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import (
    CancelRequest,
    CancelResponse,
    ExecutionFilter,
    ListAgentsRequest,
    ListAgentsResponse,
    ListExecutionsRequest,
    ListExecutionsResponse,
    SearchExecutionResponse,
    SendMessageRequest,
    SendMessageResponse,
    WatchResponse,
)
from stigmer_apis._generated.stigmer.execution.v1.options_pb2 import Attachment, ClientEnvironment, RunOptions
from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Limits, Policy
from stigmer_apis._generated.stigmer.server.v1.server_pb2 import (
    DrainRunnerRequest,
    DrainRunnerResponse,
    GetServerInfoResponse,
    GetStatusRequest,
    GetStatusResponse,
    ShutdownRequest,
    ShutdownResponse,
)
from stigmer_apis._generated.stigmer.terminal.v1.attach_pb2 import AttachRequest
from stigmer_apis.client.attaching import AttachSession
from stigmer_apis.client.calls import call, new_idempotency_key
from stigmer_apis.client.connection import Connection
from stigmer_apis.client.dial import Role
from stigmer_apis.client.options import ClientOptions
from stigmer_apis.client.searching import search_execution
from stigmer_apis.client.tailing import TailItem, tail
from stigmer_apis.client.watching import watch
from stigmer_apis.errors import InvalidArgument, NotFound, Unavailable
from stigmer_apis.home import Home
from stigmer_apis.matching import Pattern
from stigmer_apis.protocol import API_VERSION
from stigmer_apis.slugs import slugify

if TYPE_CHECKING:
    from stigmer_apis.client.api_keys import ApiKeys
    from stigmer_apis.client.artifacts import Artifacts
    from stigmer_apis.client.boards import Boards
    from stigmer_apis.client.remote import Remote
    from stigmer_apis.client.resources import Resources
    from stigmer_apis.client.secrets import Secrets
    from stigmer_apis.client.skills import Skills
    from stigmer_apis.client.steering import Steering
    from stigmer_apis.client.workflows import Workflows

_LONGEST_WAIT_SECONDS = 60.0


class Client:
    """A connection to the server of a home, and everything that can be asked through it. Used as `async with`, in one event loop.

    A call fails with an error of `stigmer_apis.errors`. While nobody answers, calls are tried again for `ClientOptions.patience` seconds and streams
    for as long as they are read; with `start_daemon`, a server that is gone is started again.
    """

    def __init__(
        self,
        home: Home | None = None,
        *,
        start_daemon: bool = True,
        role: str = "operator",
        options: ClientOptions | None = None,
        remote: "Remote | None" = None,
    ) -> None:
        """A client for `home` (default: the environment's), as `operator` or `viewer`; or for the server `remote`, as what the key to it says.
        Nothing is connected yet."""
        self.connection = Connection(
            home or Home.from_environment(),
            start_daemon=start_daemon,
            role=Role(role),
            options=options or ClientOptions(),
            remote=remote,
        )

    async def __aenter__(self) -> Self:
        """Connect, and start the server where that is wanted and none runs. Raises what stands in the way, with its remedy."""
        async with self.connection.wire():
            return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect. What runs goes on."""
        await self.connection.close()

    @property
    def home(self) -> Home:
        """Whose server this is."""
        return self.connection.home

    @property
    def server_info(self) -> GetServerInfoResponse:
        """Who answered when the connection was last made."""
        return self.connection.server_info

    @cached_property
    def api_keys(self) -> "ApiKeys":
        """Keys for clients of other machines."""
        from stigmer_apis.client.api_keys import ApiKeys

        return ApiKeys(self.connection)

    @cached_property
    def artifacts(self) -> "Artifacts":
        """Files that runs made."""
        from stigmer_apis.client.artifacts import Artifacts

        return Artifacts(self.connection)

    @cached_property
    def boards(self) -> "Boards":
        """Lists of executions in any order and in groups, and what is done to many."""
        from stigmer_apis.client.boards import Boards

        return Boards(self.connection)

    @cached_property
    def resources(self) -> "Resources":
        """Resources of every kind: lists, many at once, versions."""
        from stigmer_apis.client.resources import Resources

        return Resources(self.connection)

    @cached_property
    def steering(self) -> "Steering":
        """What a person wants of an execution that runs: decisions, answers, another direction."""
        from stigmer_apis.client.steering import Steering

        return Steering(self.connection)

    @cached_property
    def secrets(self) -> "Secrets":
        """Secrets and keys of providers: set, named, never shown."""
        from stigmer_apis.client.secrets import Secrets

        return Secrets(self.connection)

    @cached_property
    def skills(self) -> "Skills":
        """Skills: pushed, found by version, fetched."""
        from stigmer_apis.client.skills import Skills

        return Skills(self.connection)

    @cached_property
    def workflows(self) -> "Workflows":
        """Workflows: run, signalled, retried, completed, scheduled."""
        from stigmer_apis.client.workflows import Workflows

        return Workflows(self.connection)

    async def run(
        self,
        agent: str,
        message: str,
        *,
        workspace: str | None = None,
        session_id: str | None = None,
        client_environment: ClientEnvironment | None = None,
        timeout: float | None = None,
        variables: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
        model: str = "",
        policy: Policy | None = None,
        limits: Limits | None = None,
        attachments: Sequence[Attachment] = (),
        labels: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> AgentExecution:
        """Start an execution of `agent` (name or id of an agent, or of an instance of one) with its first `message`, and return it with its id.

        `workspace`: an absolute directory to work in, else the session's own. `session_id`: go on in that session; then `agent` may be empty.
        `timeout`: the longest that one command line may take, in seconds. `variables` and `secrets`: for this run's commands alone, over those of
        its agent and environments; secrets are sealed, never shown, and gone when it ends. `model`, `policy` and `limits`: over those of its agent.
        `attachments`: what the model is shown with the message. `labels`: of the execution; `runner` says whose runner may have it. `idempotency_key`: a repeat with the same key is the same execution.
        Raises `NotFound` for an unknown agent or session, `InvalidArgument` for what breaks a rule, `MessageTooLarge` past 16 MiB.
        """
        options = RunOptions(
            workspace=workspace or "",
            client=client_environment,
            policy=policy,
            limits=limits,
            attachments=attachments,
        )
        if timeout is not None:
            options.command_timeout.CopyFrom(_duration(timeout))
        spec = AgentExecutionSpec(session_id=session_id or "", message=message, options=options)
        if model:
            spec.execution_config.model_name = model
        if agent:
            spec.agent_id = await self._agent_id(agent)
        for values, is_secret in ((variables or {}, False), (secrets or {}, True)):
            for name, value in values.items():
                spec.runtime_env[name].CopyFrom(ExecutionValue(value=value, is_secret=is_secret))
        execution = AgentExecution(
            api_version=API_VERSION,
            kind="AgentExecution",
            metadata=ApiResourceMetadata(labels=labels or {}),
            spec=spec,
        )
        return await call(
            self.connection,
            lambda wire: wire.execution_commands.create,
            execution,
            idempotency_key=idempotency_key or new_idempotency_key(),
        )

    async def get_execution(self, execution_id: str) -> AgentExecution:
        """An execution with its status. Raises `NotFound`."""
        return await call(
            self.connection, lambda wire: wire.execution_queries.get, AgentExecutionId(value=execution_id)
        )

    async def list_executions(
        self,
        filter: ExecutionFilter | None = None,
        *,
        page_size: int = 0,
        page_token: str = "",
        oldest_first: bool = False,
        skip: int = 0,
    ) -> ListExecutionsResponse:
        """A page of executions, newest first unless asked otherwise. `page_size` 1 to 1000, 0 for 50. `skip`: rows to pass over first."""
        request = ListExecutionsRequest(
            filter=filter, page_size=page_size, page_token=page_token, oldest_first=oldest_first, skip=skip
        )
        return await call(self.connection, lambda wire: wire.executions.ListExecutions, request)

    def watch(self, after_revision: int = 0) -> AsyncGenerator[WatchResponse, None]:
        """Which executions change after `after_revision` (a list's), without end; it connects again by itself.

        A response with `reset` says that changes were missed: list again. What follows it are whole rows, so that an overlap does no harm.
        Raises only what does not mend itself, such as `PermissionDenied`.
        """
        return watch(self.connection, after_revision)

    def tail(
        self, execution_id: str, after_seq: int = 0, follow: bool = True, *, incarnation: str = "", last_bytes: int = 0
    ) -> AsyncGenerator[TailItem, None]:
        """The events of an execution after `after_seq`, each exactly once; live until it ends with `follow`, else up to now.

        It connects again by itself, across restarts of the server. `incarnation`: of the batch that gave `after_seq`, where one is known; a server
        whose store has lost that batch then says so with a `TailReset`. `last_bytes`: with `after_seq` 0, only about so many bytes of the newest
        events; a `TailReset` with `held_back` comes first where that leaves something out. Raises only what does not mend itself: `NotFound`,
        `PermissionDenied`, `DataLoss`.
        """
        return tail(self.connection, execution_id, after_seq, incarnation, follow=follow, last_bytes=last_bytes)

    def search_execution(
        self, execution_id: str, pattern: Pattern, max_hits: int = 0
    ) -> AsyncGenerator[SearchExecutionResponse, None]:
        """How many lines of a run match, counted on the server over everything, step by step; and the first `max_hits` (1000 at most) of them.

        Not tried again by itself. Raises `InvalidArgument` for an expression that is wrong or takes too long, `NotFound`, `Unavailable`.
        """
        return search_execution(self.connection, execution_id, pattern, max_hits)

    async def send_message(
        self,
        execution_id: str,
        text: str,
        *,
        now: bool = False,
        attachments: Sequence[Attachment] = (),
        idempotency_key: str | None = None,
    ) -> SendMessageResponse:
        """Hand the agent another message; for `shell` a command line. Returns when the execution has it.

        `now` interrupts what the agent does; else it waits until the current turn is over. `attachments`: what the model is shown with it.

        Raises `NotFound`, `FailedPrecondition` where it has ended, `MessageTooLarge` past 16 MiB.
        """
        return await call(
            self.connection,
            lambda wire: wire.executions.SendMessage,
            SendMessageRequest(execution_id=execution_id, text=text, now=now, attachments=attachments),
            idempotency_key=idempotency_key or new_idempotency_key(),
        )

    async def cancel(
        self, execution_id: str, reason: str = "", wait: float | None = None, *, idempotency_key: str | None = None
    ) -> CancelResponse:
        """Stop an execution and everything that it started. `wait`: seconds to wait for the end, at most 60; None answers at once.

        The answer has the phase as known then. Raises `NotFound`.
        """
        request = CancelRequest(execution_id=execution_id, reason=reason)
        if wait is not None:
            request.wait.CopyFrom(_duration(min(wait, _LONGEST_WAIT_SECONDS)))
        return await call(
            self.connection,
            lambda wire: wire.executions.Cancel,
            request,
            idempotency_key=idempotency_key or new_idempotency_key(),
            timeout=self.connection.options.call_timeout + (wait or 0.0),
        )

    def attach(self, execution_id: str, terminal_id: str = "", *, columns: int = 80, rows: int = 24) -> AttachSession:
        """A session at the execution's terminal (the running one where none is named), to be used as `async with`. Sizes in cells."""
        opening = AttachRequest.Open(execution_id=execution_id, terminal_id=terminal_id, columns=columns, rows=rows)
        return AttachSession(self.connection, opening)

    async def list_agents(self, *, page_size: int = 0, page_token: str = "") -> ListAgentsResponse:
        """A page of agents, newest first."""
        request = ListAgentsRequest(page_size=page_size, page_token=page_token)
        return await call(self.connection, lambda wire: wire.executions.ListAgents, request)

    async def get_agent(self, agent: str) -> Agent:
        """The agent of that name or id. Raises `NotFound`."""
        if agent.startswith("agt-"):
            return await call(self.connection, lambda wire: wire.agents.get, AgentId(value=agent))
        slug = slugify(agent)
        if not slug:
            raise InvalidArgument(f"{agent!r} cannot be an agent's name", remedy="`stigmer get agents` lists them")
        reference = ApiResourceReference(kind=ApiResourceKind.agent, slug=slug)
        try:
            return await call(self.connection, lambda wire: wire.agents.getByReference, reference)
        except NotFound as error:
            raise NotFound(f"there is no agent named {agent!r}", remedy="`stigmer get agents` lists them") from error

    async def list_sessions(self, *, page_size: int = 0, page_token: str = "") -> SessionList:
        """A page of sessions, newest first."""
        request = ListSessionsRequest(page_size=page_size, page_token=page_token)
        return await call(self.connection, lambda wire: wire.sessions.list, request)

    async def get_session(self, session_id: str) -> Session:
        """A session. Raises `NotFound`."""
        return await call(self.connection, lambda wire: wire.sessions.get, SessionId(value=session_id))

    async def get_status(self) -> GetStatusResponse:
        """How every part of the server does, as each reports it."""
        return await call(self.connection, lambda wire: wire.server.GetStatus, GetStatusRequest())

    async def drain_runner(self, runner_id: str) -> DrainRunnerResponse:
        """Give the runner whose id begins so nothing more; it leaves once what it runs has ended. Raises `NotFound`."""
        return await call(
            self.connection,
            lambda wire: wire.server.DrainRunner,
            DrainRunnerRequest(runner_id=runner_id),
            idempotency_key=new_idempotency_key(),
        )

    async def shutdown(self, keep_runners: bool = False) -> ShutdownResponse:
        """Stop the server, and its runners with it unless `keep_runners`. The answer has the pid of the process that goes.

        A connection that breaks meanwhile is the server going, and counts as its answer: asking again would start another one to stop it.
        """
        pid = self.server_info.pid
        try:
            return await call(
                self.connection,
                lambda wire: wire.server.Shutdown,
                ShutdownRequest(keep_runners=keep_runners),
                idempotency_key=new_idempotency_key(),
                once=True,
            )
        except Unavailable:
            return ShutdownResponse(pid=pid)

    async def _agent_id(self, agent: str) -> str:
        if agent.startswith(("agt-", "ain-")):
            return agent
        try:
            return (await self.get_agent(agent)).metadata.id
        except NotFound:
            with suppress(NotFound):
                found = await self.resources.get(ApiResourceKind.agent_instance, agent)
                return found.agent_instance.metadata.id
            raise


def _duration(seconds: float) -> Duration:
    duration = Duration()
    duration.FromNanoseconds(round(seconds * 1_000_000_000))
    return duration
