"""Our service for runners: the Link, and the engine's journal."""

import asyncio
from collections.abc import AsyncIterator

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecution
from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import (
    AwaitCallbackRequest,
    AwaitCallbackResponse,
    AwaitExecutionRequest,
    AwaitExecutionResponse,
    CancelChildRequest,
    CancelChildResponse,
    CreateCallbackRequest,
    CreateCallbackResponse,
    GetExecutionContextRequest,
    GetExecutionContextResponse,
    GetProviderKeyRequest,
    GetProviderKeyResponse,
    KeepValueRequest,
    KeepValueResponse,
    LinkRequest,
    LinkResponse,
    PublishEventRequest,
    PublishEventResponse,
    ReadJournalRequest,
    ReadJournalResponse,
    ReadSessionMemoryRequest,
    ReadSessionMemoryResponse,
    ReadSkillRequest,
    ReadSkillResponse,
    ReadValueRequest,
    ReadValueResponse,
    ServerSecrets,
    StartChildExecutionRequest,
    StartChildExecutionResponse,
    WriteArtifactRequest,
    WriteArtifactResponse,
)
from stigmer_apis._generated.stigmer.runner.v1.link_pb2_grpc import RunnerServiceServicer
from stigmer_apis.errors import FailedPrecondition, InvalidArgument, NotFound, StigmerError
from stigmer_apis.transport import aio
from stigmer_backend.access import principal
from stigmer_backend.artifacts.taking import Taking
from stigmer_backend.executions.event_batches import pieces
from stigmer_backend.executions.large_values import LargeValues, ended
from stigmer_backend.executions.live import LiveExecution
from stigmer_backend.executions.memory import remembered
from stigmer_backend.executions.registry import Registry
from stigmer_backend.executions.runners import Runners
from stigmer_backend.executions.runs import ground_of
from stigmer_backend.executions.sessions import RunnerSession
from stigmer_backend.executions.tailing import MESSAGE_BYTES
from stigmer_backend.resources.skills import has_version
from stigmer_backend.resources.text import quoted
from stigmer_backend.secrets.parts import Secrets
from stigmer_backend.secrets.provider_keys import check_provider, no_key
from stigmer_backend.services.skill_archives import SkillArchives
from stigmer_backend.store import Lane, Store
from stigmer_backend.workflows.parts import WorkflowParts

_READ_BYTES = 1 << 20


class RunnerService(RunnerServiceServicer):
    """What runners call. Admission is the interceptor's: here the caller has the runner's role."""

    def __init__(
        self,
        store: Store,
        registry: Registry,
        runners: Runners,
        secrets: Secrets,
        archives: SkillArchives,
        taking: Taking,
        workflows: WorkflowParts,
        values: LargeValues,
    ) -> None:
        self._store = store
        self._registry = registry
        self._runners = runners
        self._secrets = secrets
        self._archives = archives
        self._taking = taking
        self._workflows = workflows
        self._values = values

    async def Link(
        self, request_iterator: AsyncIterator[LinkRequest], context: aio.ServicerContext[LinkRequest, LinkResponse]
    ) -> AsyncIterator[LinkResponse]:
        """A runner's one connection, from its hello to its end."""
        first = await anext(request_iterator, None)
        if first is None or not first.HasField("hello"):
            raise InvalidArgument("a Link begins with a hello")
        session = self._runners.welcome(first.hello, principal().runner_id, principal().via)
        reader = asyncio.create_task(self._read(session, request_iterator), name=f"link {session.report.runner_id}")
        try:
            async for response in session.outgoing():
                yield response
        finally:
            self._runners.leave(session)
            reader.cancel()
            await asyncio.wait([reader])
        if not reader.cancelled():
            reader.result()

    async def ReadJournal(
        self, request: ReadJournalRequest, context: aio.ServicerContext[ReadJournalRequest, ReadJournalResponse]
    ) -> AsyncIterator[ReadJournalResponse]:
        """The engine's lane of an execution that the caller holds."""
        self._held(request.execution_id, request.epoch)
        after = 0
        while batches := await self._store.read(request.execution_id, after, _READ_BYTES, Lane.ENGINE):
            for batch in batches:
                after = batch.first_seq - 1
                for count, piece in pieces(batch.body, MESSAGE_BYTES):
                    yield ReadJournalResponse(journal=piece, first_record=after + 1)
                    after += count

    async def GetExecutionContext(
        self,
        request: GetExecutionContextRequest,
        context: aio.ServicerContext[GetExecutionContextRequest, GetExecutionContextResponse],
    ) -> GetExecutionContextResponse:
        """The values that an execution and its MCP servers run with, secrets in plain text: to the runner that holds it alone."""
        self._held(request.execution_id, request.epoch)
        made = await self._secrets.contexts.of(request.execution_id)
        of_servers = await self._secrets.contexts.of_servers(request.execution_id)
        self._held(request.execution_id, request.epoch)
        server_secrets = {server_id: ServerSecrets(values=values) for server_id, values in of_servers.items()}
        return GetExecutionContextResponse(context=made, server_secrets=server_secrets)

    async def GetProviderKey(
        self,
        request: GetProviderKeyRequest,
        context: aio.ServicerContext[GetProviderKeyRequest, GetProviderKeyResponse],
    ) -> GetProviderKeyResponse:
        """The key of a model provider, for an execution that the runner holds."""
        self._held(request.execution_id, request.epoch)
        check_provider(request.provider)
        key = await self._secrets.provider_keys.find(request.provider)
        if key is None:
            raise no_key(request.provider)
        return GetProviderKeyResponse(value=key.value.encode(), origin=key.origin.value)

    async def ReadSessionMemory(
        self,
        request: ReadSessionMemoryRequest,
        context: aio.ServicerContext[ReadSessionMemoryRequest, ReadSessionMemoryResponse],
    ) -> AsyncIterator[ReadSessionMemoryResponse]:
        """What was said and done before in the session of an execution that the runner holds."""
        session_id = ground_of(self._held(request.execution_id, request.epoch).execution)
        for told in await self._store.read_state(
            lambda state: remembered(state, session_id, request.execution_id, request.max_bytes)
        ):
            yield told

    async def ReadSkill(
        self, request: ReadSkillRequest, context: aio.ServicerContext[ReadSkillRequest, ReadSkillResponse]
    ) -> AsyncIterator[ReadSkillResponse]:
        """The archive of a skill that the agent of an execution names, for the runner that holds it."""
        execution = self._held(request.execution_id, request.epoch).execution
        agent_id = execution.spec.agent_id if isinstance(execution, AgentExecution) else ""
        if not agent_id or not await self._store.read_state(
            lambda state: has_version(state, agent_id, request.version_hash)
        ):
            raise NotFound(
                f"the agent of {request.execution_id} names no skill in the version {quoted(request.version_hash)}",
                remedy="take the version from the skills that came with the lease",
            )
        archive = await self._archives.read(request.version_hash)
        for start in range(0, len(archive), MESSAGE_BYTES):
            yield ReadSkillResponse(data=archive[start : start + MESSAGE_BYTES])

    async def WriteArtifact(
        self,
        request_iterator: AsyncIterator[WriteArtifactRequest],
        context: aio.ServicerContext[WriteArtifactRequest, WriteArtifactResponse],
    ) -> WriteArtifactResponse:
        """A file that an execution made, to be kept, from the runner that holds it."""
        kept = await self._taking.take(request_iterator, self._held)
        return WriteArtifactResponse(artifact_id=kept.artifact_id, hash=kept.hash, size=kept.size)

    async def StartChildExecution(
        self,
        request: StartChildExecutionRequest,
        context: aio.ServicerContext[StartChildExecutionRequest, StartChildExecutionResponse],
    ) -> StartChildExecutionResponse:
        """Start an execution for a workflow execution that the runner holds; once for each key."""
        parent = self._held(request.execution_id, request.epoch)
        return StartChildExecutionResponse(child_execution_id=await self._workflows.children.start(parent, request))

    async def AwaitExecution(
        self,
        request: AwaitExecutionRequest,
        context: aio.ServicerContext[AwaitExecutionRequest, AwaitExecutionResponse],
    ) -> AsyncIterator[AwaitExecutionResponse]:
        """How a child stands, until it has ended."""
        parent = self._held(request.execution_id, request.epoch)
        async for told in self._workflows.children.follow(parent, request.child_execution_id):
            yield told

    async def CancelChild(
        self, request: CancelChildRequest, context: aio.ServicerContext[CancelChildRequest, CancelChildResponse]
    ) -> CancelChildResponse:
        """Stop a child."""
        parent = self._held(request.execution_id, request.epoch)
        return await self._workflows.children.cancel(parent, request.child_execution_id, request.reason)

    async def PublishEvent(
        self, request: PublishEventRequest, context: aio.ServicerContext[PublishEventRequest, PublishEventResponse]
    ) -> PublishEventResponse:
        """Hand an event to who waits for its type."""
        return await self._workflows.signals.publish(self._held(request.execution_id, request.epoch), request)

    async def CreateCallback(
        self,
        request: CreateCallbackRequest,
        context: aio.ServicerContext[CreateCallbackRequest, CreateCallbackResponse],
    ) -> CreateCallbackResponse:
        """A token by which somebody outside completes a task; the same for the same key."""
        self._held(request.execution_id, request.epoch)
        return await self._workflows.callbacks.create(request)

    async def AwaitCallback(
        self, request: AwaitCallbackRequest, context: aio.ServicerContext[AwaitCallbackRequest, AwaitCallbackResponse]
    ) -> AwaitCallbackResponse:
        """Wait until a token was used or has expired."""
        self._held(request.execution_id, request.epoch)
        return await self._workflows.callbacks.wait(request.execution_id, request.token)

    async def KeepValue(
        self,
        request_iterator: AsyncIterator[KeepValueRequest],
        context: aio.ServicerContext[KeepValueRequest, KeepValueResponse],
    ) -> KeepValueResponse:
        """A value that is too large for a cluster's history, of an execution that lives: whichever runner made it."""
        first = await anext(request_iterator, None)
        if first is None or self._registry.get(first.execution_id) is None:
            raise ended("" if first is None else first.execution_id)
        digest, size = await self._values.keep(first.execution_id, _data(first, request_iterator))
        return KeepValueResponse(hash=digest, size=size)

    async def ReadValue(
        self, request: ReadValueRequest, context: aio.ServicerContext[ReadValueRequest, ReadValueResponse]
    ) -> AsyncIterator[ReadValueResponse]:
        """A value that is kept."""
        if self._registry.get(request.execution_id) is None:
            raise ended(request.execution_id)
        async for piece in self._values.read(request.execution_id, request.hash):
            yield ReadValueResponse(data=piece)

    def _held(self, execution_id: str, epoch: int) -> LiveExecution:
        """The execution; raises `FailedPrecondition` where the caller does not hold it under this epoch."""
        live = self._registry.get(execution_id)
        lease = None if live is None else live.lease
        if live is None or lease is None or lease.runner_id != principal().runner_id or lease.epoch != epoch:
            raise FailedPrecondition(f"the runner does not hold {execution_id} under epoch {epoch}")
        return live

    async def _read(self, session: RunnerSession, requests: AsyncIterator[LinkRequest]) -> None:
        """Listen until the runner ends the stream; what it must not send ends it with an error."""
        try:
            await self._runners.listen(session, requests)
        except StigmerError as error:
            self._runners.leave(session, error)
        finally:
            self._runners.leave(session)


async def _data(first: KeepValueRequest, requests: AsyncIterator[KeepValueRequest]) -> AsyncIterator[bytes]:
    yield first.data
    async for request in requests:
        yield request.data
