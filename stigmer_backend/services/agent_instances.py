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
from stigmer_apis.transport import aio
from stigmer_backend.resources.kinds import AGENTS, INSTANCES
from stigmer_backend.services.instance_lists import numbered_page
from stigmer_backend.services.kind_services import Commands, Queries


class AgentInstanceCommands(Commands[AgentInstance, AgentInstanceId], AgentInstanceCommandControllerServicer):
    """Writes agent instances."""


class AgentInstanceQueries(Queries[AgentInstance, AgentInstanceId], AgentInstanceQueryControllerServicer):
    """Reads agent instances."""

    async def getByAgent(
        self,
        request: GetAgentInstancesByAgentRequest,
        context: aio.ServicerContext[GetAgentInstancesByAgentRequest, AgentInstanceList],
    ) -> AgentInstanceList:
        """Instances of an agent, newest first."""
        items, total = await numbered_page(self._parts, INSTANCES, AGENTS, request.agent_id, request.page_info)
        return AgentInstanceList(total_count=total, items=items)
