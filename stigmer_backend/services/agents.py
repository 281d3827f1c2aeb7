"""The published services of agents."""

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import Agent, AgentId
from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_service_pb2_grpc import (
    AgentCommandControllerServicer,
    AgentQueryControllerServicer,
)
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import ApiResourceReference
from stigmer_apis.transport import aio
from stigmer_backend.executions.deletion import Deletion
from stigmer_backend.resources.kinds import AGENTS
from stigmer_backend.resources.lookup import find, find_by_reference
from stigmer_backend.resources.removal import delete_agent
from stigmer_backend.resources.stamps import Stamps
from stigmer_backend.services.calls import is_forced
from stigmer_backend.services.writes import Writes
from stigmer_backend.store import Store


class AgentCommands(AgentCommandControllerServicer):
    """Writes agents."""

    def __init__(self, writes: Writes[Agent], deletion: Deletion, stamps: Stamps) -> None:
        self._writes = writes
        self._deletion = deletion
        self._stamps = stamps

    async def apply(self, request: Agent, context: aio.ServicerContext[Agent, Agent]) -> Agent:
        """Create or update by slug."""
        return await self._writes.apply(request, context)

    async def create(self, request: Agent, context: aio.ServicerContext[Agent, Agent]) -> Agent:
        """Store a new agent with its default instance."""
        return await self._writes.create(request, context)

    async def update(self, request: Agent, context: aio.ServicerContext[Agent, Agent]) -> Agent:
        """Replace a stored agent's spec."""
        return await self._writes.update(request, context)

    async def delete(self, request: AgentId, context: aio.ServicerContext[AgentId, Agent]) -> Agent:
        """Delete an agent with its default instance."""
        force, at_ns = is_forced(context), self._stamps.now().at_ns
        return await self._deletion.delete(lambda state: delete_agent(state, request.value, at_ns, force))


class AgentQueries(AgentQueryControllerServicer):
    """Reads agents."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get(self, request: AgentId, context: aio.ServicerContext[AgentId, Agent]) -> Agent:
        """The agent with this id."""
        return await self._store.read_state(lambda state: find(state, AGENTS, request.value))

    async def getByReference(
        self, request: ApiResourceReference, context: aio.ServicerContext[ApiResourceReference, Agent]
    ) -> Agent:
        """The agent with this slug."""
        return await self._store.read_state(lambda state: find_by_reference(state, AGENTS, request))
