"""MCP servers that are kept by themselves. One that cannot be used as it stands is kept, and says why."""

from collections.abc import Iterator

from stigmer_apis._generated.ai.stigmer.agentic.mcpserver.v1.mcp_server_pb2 import (
    McpServer,
    McpServerSpec,
    ValidationState,
)
from stigmer_backend.resources.catalogue import Catalogue, Means
from stigmer_backend.resources.kinds import MCP_SERVERS
from stigmer_backend.resources.rules import check_variables, needs_spec, refuse
from stigmer_backend.store import StateRead


class McpServers(Catalogue[McpServer]):
    """MCP servers."""

    def __init__(self, means: Means) -> None:
        super().__init__(MCP_SERVERS, means)

    def settle(self, fresh: McpServer) -> None:
        """Whether it can be used as it stands: it must say how it is reached."""
        wrong = "; ".join(_wrong(fresh.spec))
        fresh.status.validation_message = wrong
        fresh.status.validation_state = (
            ValidationState.VALIDATION_STATE_INVALID if wrong else ValidationState.VALIDATION_STATE_VALID
        )

    def check(self, state: StateRead, fresh: McpServer) -> None:
        """The rules beyond the contract's."""
        needs_spec(fresh, "MCP server", "say in spec.stdio, spec.http or spec.docker how it is reached")
        refuse("MCP server", fresh.metadata, list(check_variables("spec.env_spec.data", fresh.spec.env_spec.data)))


def _wrong(spec: McpServerSpec) -> Iterator[str]:
    """What keeps it from being used, in words for a person."""
    match spec.WhichOneof("server_type"):
        case None:
            yield "it does not say how it is reached: set spec.stdio, spec.http or spec.docker"
        case "http" if not spec.http.url.lower().startswith(("http://", "https://")):
            yield "spec.http.url must begin with http:// or https://"
        case "stdio" if "\0" in spec.stdio.command or not spec.stdio.command.strip():
            yield "spec.stdio.command names no program"
        case _:
            pass
    doubled = sorted({tool for tool in spec.default_enabled_tools if list(spec.default_enabled_tools).count(tool) > 1})
    if doubled:
        yield f"spec.default_enabled_tools names {', '.join(doubled)} twice"
