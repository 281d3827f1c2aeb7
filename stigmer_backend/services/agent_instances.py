"""The published services of agent instances."""

from stigmer_apis._generated.ai.stigmer.agentic.agentinstance.v1.agent_instance_pb2 import (
    AgentInstance,
    AgentInstanceId,
    AgentInstanceList,
    GetAgentInstancesByAgentRequest,
)
from stigmer_apis._generated.ai.stigmer.agentic.agentinstance.v1.agent_instance_service_pb2_grpc import (
    AgentInstanceCommandControllerServicer,
    AgentInstanceQueryControllerServicer,
)
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import ApiResourceReference
from stigmer_apis.transport import aio
from stigmer_backend.executions.deletion import Deletion
from stigmer_backend.resources.kinds import AGENTS, INSTANCES
from stigmer_backend.resources.lookup import find, find_by_reference
from stigmer_backend.resources.paging import PUBLISHED_PAGE_SIZE, page_rows
from stigmer_backend.resources.removal import delete_instance
from stigmer_backend.resources.stamps import Stamps
from stigmer_backend.services.calls import is_forced
from stigmer_backend.services.writes import Writes
from stigmer_backend.store import StateRead, Store


class AgentInstanceCommands(AgentInstanceCommandControllerServicer):
    """Writes agent instances."""

    def __init__(self, writes: Writes[AgentInstance], deletion: Deletion, stamps: Stamps) -> None:
        self._writes = writes
        self._deletion = deletion
        self._stamps = stamps

    async def apply(
        self, request: AgentInstance, context: aio.ServicerContext[AgentInstance, AgentInstance]
    ) -> AgentInstance:
        """Create or update by slug."""
        return await self._writes.apply(request, context)

    async def create(
        self, request: AgentInstance, context: aio.ServicerContext[AgentInstance, AgentInstance]
    ) -> AgentInstance:
        """Store a new instance of an agent."""
        return await self._writes.create(request, context)

    async def update(
        self, request: AgentInstance, context: aio.ServicerContext[AgentInstance, AgentInstance]
    ) -> AgentInstance:
        """Replace a stored instance's spec."""
        return await self._writes.update(request, context)

    async def delete(
        self, request: AgentInstanceId, context: aio.ServicerContext[AgentInstanceId, AgentInstance]
    ) -> AgentInstance:
        """Delete an instance that is no agent's default one."""
        force, at_ns = is_forced(context), self._stamps.now().at_ns
        return await self._deletion.delete(lambda state: delete_instance(state, request.value, at_ns, force))


class AgentInstanceQueries(AgentInstanceQueryControllerServicer):
    """Reads agent instances."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get(
        self, request: AgentInstanceId, context: aio.ServicerContext[AgentInstanceId, AgentInstance]
    ) -> AgentInstance:
        """The instance with this id."""
        return await self._store.read_state(lambda state: find(state, INSTANCES, request.value))

    async def getByAgent(
        self,
        request: GetAgentInstancesByAgentRequest,
        context: aio.ServicerContext[GetAgentInstancesByAgentRequest, AgentInstanceList],
    ) -> AgentInstanceList:
        """Instances of an agent, newest first. The published page has a number, from 1; 0 is the first one too."""
        size = page_rows(request.page_info.size, PUBLISHED_PAGE_SIZE)
        number = max(1, request.page_info.num)

        def look(state: StateRead) -> AgentInstanceList:
            find(state, AGENTS, request.agent_id)
            rows = state.page(INSTANCES.table, request.agent_id, limit=number * size)[(number - 1) * size :]
            return AgentInstanceList(
                total_count=state.count(INSTANCES.table, request.agent_id),
                items=[find(state, INSTANCES, row.id) for row in rows],
            )

        return await self._store.read_state(look)

    async def getByReference(
        self, request: ApiResourceReference, context: aio.ServicerContext[ApiResourceReference, AgentInstance]
    ) -> AgentInstance:
        """The instance with this slug."""
        return await self._store.read_state(lambda state: find_by_reference(state, INSTANCES, request))
