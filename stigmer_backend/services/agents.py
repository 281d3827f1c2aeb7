"""The published services of agents."""

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import Agent, AgentId
from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_service_pb2_grpc import (
    AgentCommandControllerServicer,
    AgentQueryControllerServicer,
)
from stigmer_backend.services.kind_services import Commands, Queries


class AgentCommands(Commands[Agent, AgentId], AgentCommandControllerServicer):
    """Writes agents."""


class AgentQueries(Queries[Agent, AgentId], AgentQueryControllerServicer):
    """Reads agents."""
