"""Secrets that stand in the MCP servers' own resources: opened for the run of an agent that refers to them, and copied nowhere."""

from collections.abc import Iterator, Mapping

from stigmer_apis._generated.ai.stigmer.agentic.mcpserver.v1.mcp_server_pb2 import McpServer
from stigmer_backend.resources.kinds import AGENTS, MCP_SERVERS
from stigmer_backend.resources.lookup import find, storable
from stigmer_backend.secrets.sealing import Place, is_sealed
from stigmer_backend.secrets.vault import Vault
from stigmer_backend.store import StateRead


def has_server_secrets(state: StateRead, agent_id: str) -> bool:
    """Whether an MCP server of the agent has secrets of its own. Raises `NotFound` without the agent."""
    return any(_sealed(server) for server in _servers(state, agent_id))


def open_server_secrets(state: StateRead, vault: Vault, agent_id: str) -> Mapping[str, Mapping[str, str]]:
    """Secrets in plain text, by the id of the server and by name. Raises `MasterKeyWanted`, `SecretGone`, `SecretBroken`, `NotFound`."""
    return {
        server.metadata.id: {
            name: vault.open(state, Place(MCP_SERVERS.name, server.metadata.id, name), value)
            for name, value in sealed.items()
        }
        for server in _servers(state, agent_id)
        if (sealed := _sealed(server))
    }


def _servers(state: StateRead, agent_id: str) -> Iterator[McpServer]:
    """Those that the agent refers to and that are there: what is missing is told when the run is given to a runner."""
    slugs = dict.fromkeys(ref.slug for ref in find(state, AGENTS, agent_id).spec.mcp_server_refs if storable(ref.slug))
    for slug in slugs:
        found = state.by_slug(MCP_SERVERS.table, slug)
        if found is not None:
            yield find(state, MCP_SERVERS, found)


def _sealed(server: McpServer) -> Mapping[str, str]:
    return {name: value.value for name, value in server.spec.env_spec.data.items() if is_sealed(value.value)}
