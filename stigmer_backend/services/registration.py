"""The published services of all kinds but executions, added to a server."""

from dataclasses import dataclass

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1 import agent_service_pb2_grpc
from stigmer_apis._generated.ai.stigmer.agentic.agentinstance.v1 import agent_instance_service_pb2_grpc
from stigmer_apis._generated.ai.stigmer.agentic.environment.v1 import environment_service_pb2_grpc
from stigmer_apis._generated.ai.stigmer.agentic.executioncontext.v1 import execution_context_service_pb2_grpc
from stigmer_apis._generated.ai.stigmer.agentic.mcpserver.v1 import mcp_server_service_pb2_grpc
from stigmer_apis._generated.ai.stigmer.agentic.session.v1 import session_service_pb2_grpc
from stigmer_apis._generated.ai.stigmer.agentic.skill.v1 import skill_service_pb2_grpc
from stigmer_apis._generated.ai.stigmer.agentic.workflow.v1 import workflow_service_pb2_grpc
from stigmer_apis._generated.ai.stigmer.agentic.workflowinstance.v1 import workflow_instance_service_pb2_grpc
from stigmer_apis.transport import aio
from stigmer_backend.executions.board import Board
from stigmer_backend.executions.workspace import Workspaces
from stigmer_backend.resources.kinds import (
    AGENTS,
    ENVIRONMENTS,
    EXECUTION_CONTEXTS,
    INSTANCES,
    MCP_SERVERS,
    WORKFLOW_INSTANCES,
    WORKFLOWS,
)
from stigmer_backend.services.agent_instances import AgentInstanceCommands, AgentInstanceQueries
from stigmer_backend.services.agents import AgentCommands, AgentQueries
from stigmer_backend.services.environments import (
    EnvironmentCommands,
    EnvironmentQueries,
    ExecutionContextCommands,
    ExecutionContextQueries,
)
from stigmer_backend.services.kind_services import ServiceParts, by_input, by_value
from stigmer_backend.services.mcp_servers import McpServerCommands, McpServerQueries
from stigmer_backend.services.sessions import SessionCommands, SessionQueries
from stigmer_backend.services.skill_archives import SkillArchives
from stigmer_backend.services.skills import SkillCommands, SkillQueries
from stigmer_backend.services.workflows import (
    WorkflowCommands,
    WorkflowInstanceCommands,
    WorkflowInstanceQueries,
    WorkflowQueries,
)


@dataclass(frozen=True, slots=True)
class KindServices:
    """What the services of the kinds are made of."""

    parts: ServiceParts
    board: Board
    workspaces: Workspaces
    archives: SkillArchives
    scan_rows: int
    """With a filter: rows that a page looks at."""

    def register(self, server: aio.Server) -> None:
        """Add them all."""
        self._agents(server)
        self._workflows(server)
        self._values(server)
        self._tools(server)

    def _agents(self, server: aio.Server) -> None:
        parts, kinds = self.parts, self.parts.catalogues
        agent_service_pb2_grpc.add_AgentCommandControllerServicer_to_server(
            AgentCommands(parts, kinds.agents, by_value), server
        )
        agent_service_pb2_grpc.add_AgentQueryControllerServicer_to_server(AgentQueries(parts, AGENTS), server)
        agent_instance_service_pb2_grpc.add_AgentInstanceCommandControllerServicer_to_server(
            AgentInstanceCommands(parts, kinds.instances, by_value), server
        )
        agent_instance_service_pb2_grpc.add_AgentInstanceQueryControllerServicer_to_server(
            AgentInstanceQueries(parts, INSTANCES), server
        )
        session_service_pb2_grpc.add_SessionCommandControllerServicer_to_server(
            SessionCommands(parts, self.workspaces), server
        )
        session_service_pb2_grpc.add_SessionQueryControllerServicer_to_server(
            SessionQueries(parts, self.board, self.scan_rows), server
        )

    def _workflows(self, server: aio.Server) -> None:
        parts, kinds = self.parts, self.parts.catalogues
        workflow_service_pb2_grpc.add_WorkflowCommandControllerServicer_to_server(
            WorkflowCommands(parts, kinds.workflows, by_value), server
        )
        workflow_service_pb2_grpc.add_WorkflowQueryControllerServicer_to_server(
            WorkflowQueries(parts, WORKFLOWS), server
        )
        workflow_instance_service_pb2_grpc.add_WorkflowInstanceCommandControllerServicer_to_server(
            WorkflowInstanceCommands(parts, kinds.workflow_instances, by_value), server
        )
        workflow_instance_service_pb2_grpc.add_WorkflowInstanceQueryControllerServicer_to_server(
            WorkflowInstanceQueries(parts, WORKFLOW_INSTANCES), server
        )

    def _values(self, server: aio.Server) -> None:
        parts, kinds = self.parts, self.parts.catalogues
        environment_service_pb2_grpc.add_EnvironmentCommandControllerServicer_to_server(
            EnvironmentCommands(parts, kinds.environments, by_input), server
        )
        environment_service_pb2_grpc.add_EnvironmentQueryControllerServicer_to_server(
            EnvironmentQueries(parts, ENVIRONMENTS), server
        )
        execution_context_service_pb2_grpc.add_ExecutionContextCommandControllerServicer_to_server(
            ExecutionContextCommands(parts, kinds.execution_contexts, by_input), server
        )
        execution_context_service_pb2_grpc.add_ExecutionContextQueryControllerServicer_to_server(
            ExecutionContextQueries(parts, EXECUTION_CONTEXTS), server
        )

    def _tools(self, server: aio.Server) -> None:
        parts, kinds = self.parts, self.parts.catalogues
        skill_service_pb2_grpc.add_SkillCommandControllerServicer_to_server(SkillCommands(parts, self.archives), server)
        skill_service_pb2_grpc.add_SkillQueryControllerServicer_to_server(SkillQueries(parts, self.archives), server)
        mcp_server_service_pb2_grpc.add_McpServerCommandControllerServicer_to_server(
            McpServerCommands(parts, kinds.mcp_servers, by_input), server
        )
        mcp_server_service_pb2_grpc.add_McpServerQueryControllerServicer_to_server(
            McpServerQueries(parts, MCP_SERVERS), server
        )
