"""What an agent's references mean when it is given to a runner."""

from collections.abc import Sequence
from dataclasses import dataclass

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import Agent
from stigmer_apis._generated.ai.stigmer.agentic.mcpserver.v1.mcp_server_pb2 import McpServer
from stigmer_apis._generated.ai.stigmer.agentic.skill.v1.skill_pb2 import Skill
from stigmer_apis.errors import FailedPrecondition
from stigmer_backend.resources.kinds import MCP_SERVERS
from stigmer_backend.resources.lookup import find, storable
from stigmer_backend.resources.secret_values import mask_values
from stigmer_backend.resources.skills import skills_of_agent
from stigmer_backend.resources.text import quoted
from stigmer_backend.store import StateRead


@dataclass(frozen=True, slots=True)
class Needs:
    """What goes along with an agent. A skill comes without its SKILL.md, which is in its archive."""

    skills: Sequence[Skill]
    mcp_servers: Sequence[McpServer]


def needs_of(state: StateRead, agent: Agent) -> Needs:
    """What `agent` names, as it is now. Raises `FailedPrecondition` for what is not there, with who names it and what to do."""
    skills = skills_of_agent(state, agent)
    for skill in skills:
        skill.spec.skill_md = ""
    servers: dict[str, McpServer] = {}
    for number, ref in enumerate(agent.spec.mcp_server_refs):
        found = state.by_slug(MCP_SERVERS.table, ref.slug) if storable(ref.slug) else None
        if found is None:
            raise FailedPrecondition(
                f"the agent {quoted(agent.metadata.slug)} names the MCP server {quoted(ref.slug)} "
                f"(spec.mcp_server_refs[{number}]), which is not there; create it (`stigmer apply -f FILE`), "
                "or take it out of the agent"
            )
        server = find(state, MCP_SERVERS, found)
        mask_values(server)
        servers[server.metadata.id] = server
    return Needs(skills, list(servers.values()))
