"""The published services of agent executions."""

import asyncio
from collections.abc import AsyncIterator

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import (
    AgentExecution,
    AgentExecutionId,
    AgentExecutionList,
    AgentExecutionUpdateStatusInput,
    ListAgentExecutionsBySessionRequest,
    ListAgentExecutionsRequest,
)
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_service_pb2_grpc import (
    AgentExecutionCommandControllerServicer,
    AgentExecutionQueryControllerServicer,
)
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import ApiResourceId
from stigmer_apis.errors import PermissionDenied
from stigmer_apis.transport import aio
from stigmer_backend.executions.creation import Creation
from stigmer_backend.executions.options import ExecutionOptions
from stigmer_backend.executions.reading import ANY_PHASE, PublishedQuery, Reading
from stigmer_backend.executions.registry import Registry
from stigmer_backend.executions.reports import StatusReports
from stigmer_backend.resources.kinds import EXECUTIONS, SESSIONS
from stigmer_backend.resources.lookup import find
from stigmer_backend.resources.repeats import Repeatable
from stigmer_backend.resources.stamps import LOCAL_USER
from stigmer_backend.services.calls import idempotency_key, tell
from stigmer_backend.services.kind_services import Deletes, ServiceParts, by_value


class AgentExecutionCommands(Deletes[AgentExecution, ApiResourceId], AgentExecutionCommandControllerServicer):
    """Writes agent executions."""

    def __init__(
        self, parts: ServiceParts, registry: Registry, creation: Creation, reading: Reading, reports: StatusReports
    ) -> None:
        super().__init__(parts, EXECUTIONS, by_value)
        self._registry = registry
        self._creation = creation
        self._reading = reading
        self._reports = reports

    async def create(
        self, request: AgentExecution, context: aio.ServicerContext[AgentExecution, AgentExecution]
    ) -> AgentExecution:
        """Begin an execution."""
        asked = AgentExecution()
        asked.CopyFrom(request)
        if asked.spec.parent_execution_id:
            raise PermissionDenied("who started an execution is said by the server alone", remedy="leave the field out")
        masked = self._parts.mask(EXECUTIONS, asked).SerializeToString(deterministic=True)
        call = Repeatable.of(idempotency_key(context), f"{EXECUTIONS.name}/create", masked)
        return await self._get(await self._creation.create(request, call, LOCAL_USER))

    async def update(
        self, request: AgentExecution, context: aio.ServicerContext[AgentExecution, AgentExecution]
    ) -> AgentExecution:
        """Change names, labels and what else may change of an execution: never what was asked, nor its status."""
        stamp = self._parts.stamps.now()
        catalogue = self._parts.catalogues.executions
        stored, outcome = await self._parts.store.write(lambda state: catalogue.update(state, request, stamp))
        tell(context, outcome)
        live = self._registry.get(stored.metadata.id)
        if live is not None:
            live.execution = stored
        return await self._get(stored.metadata.id)

    async def updateStatus(
        self,
        request: AgentExecutionUpdateStatusInput,
        context: aio.ServicerContext[AgentExecutionUpdateStatusInput, AgentExecution],
    ) -> AgentExecution:
        """Take a published runner's report. Answers the execution, without messages where they are many."""
        await self._reports.take(request.execution_id, request.status)
        return self._parts.mask(EXECUTIONS, await self._reading.get_small(request.execution_id))

    async def _get(self, execution_id: str) -> AgentExecution:
        return self._parts.mask(EXECUTIONS, await self._reading.get(execution_id))


class AgentExecutionQueries(AgentExecutionQueryControllerServicer):
    """Reads agent executions."""

    def __init__(self, parts: ServiceParts, registry: Registry, reading: Reading, options: ExecutionOptions) -> None:
        self._parts = parts
        self._registry = registry
        self._reading = reading
        self._options = options

    async def get(
        self, request: AgentExecutionId, context: aio.ServicerContext[AgentExecutionId, AgentExecution]
    ) -> AgentExecution:
        """The execution with this id, whole."""
        return self._parts.mask(EXECUTIONS, await self._reading.get(request.value))

    async def list(
        self,
        request: ListAgentExecutionsRequest,
        context: aio.ServicerContext[ListAgentExecutionsRequest, AgentExecutionList],
    ) -> AgentExecutionList:
        """Executions, newest first."""
        return await self._page(
            PublishedQuery(
                "", request.phase, tuple(request.tags), request.page_size, request.page_token, request.with_content
            )
        )

    async def listBySession(
        self,
        request: ListAgentExecutionsBySessionRequest,
        context: aio.ServicerContext[ListAgentExecutionsBySessionRequest, AgentExecutionList],
    ) -> AgentExecutionList:
        """Executions of a session, newest first."""
        await self._parts.store.read_state(lambda state: find(state, SESSIONS, request.session_id))
        return await self._page(
            PublishedQuery(
                request.session_id, ANY_PHASE, (), request.page_size, request.page_token, request.with_content
            )
        )

    async def subscribe(
        self, request: AgentExecutionId, context: aio.ServicerContext[AgentExecutionId, AgentExecution]
    ) -> AsyncIterator[AgentExecution]:
        """The execution now, and again when it changed, until it has ended. Who reads slowly gets fewer, newer ones."""
        loop = asyncio.get_running_loop()
        while True:
            live = self._registry.get(request.value)
            shown = live.head if live is not None else 0
            over = live is None or live.ended
            began = loop.time()
            yield self._parts.mask(EXECUTIONS, await self._reading.get(request.value))
            if live is None or over:
                return
            await asyncio.sleep(began + self._options.subscribe_spacing_seconds - loop.time())
            while live.head == shown and not live.ended:
                await live.changed.wait()

    async def _page(self, query: PublishedQuery) -> AgentExecutionList:
        page = await self._reading.page(query)
        for execution in page.entries:
            self._parts.mask(EXECUTIONS, execution)
        return page
