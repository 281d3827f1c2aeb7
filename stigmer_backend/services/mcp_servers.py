"""The published services of MCP servers."""

from stigmer_apis._generated.ai.stigmer.agentic.mcpserver.v1.mcp_server_pb2 import McpServer
from stigmer_apis._generated.ai.stigmer.agentic.mcpserver.v1.mcp_server_service_pb2_grpc import (
    McpServerCommandControllerServicer,
    McpServerQueryControllerServicer,
)
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import (
    ApiResourceDeleteInput,
    ApiResourceId,
)
from stigmer_backend.services.kind_services import Commands, Queries


class McpServerCommands(Commands[McpServer, ApiResourceDeleteInput], McpServerCommandControllerServicer):
    """Writes MCP servers."""


class McpServerQueries(Queries[McpServer, ApiResourceId], McpServerQueryControllerServicer):
    """Reads MCP servers."""
