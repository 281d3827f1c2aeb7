"""Agents and their instances: what making one comes with, and what holds between the two."""

from collections.abc import Iterator, Sequence

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import Agent, AgentSpec
from stigmer_apis._generated.ai.stigmer.agentic.agentinstance.v1.agent_instance_pb2 import (
    AgentInstance,
    AgentInstanceSpec,
)
from stigmer_apis.errors import FieldViolation
from stigmer_apis.protocol import API_VERSION
from stigmer_backend.resources.catalogue import Catalogue, Means
from stigmer_backend.resources.defaults import default_metadata, free_id
from stigmer_backend.resources.kinds import AGENTS, ENVIRONMENTS, INSTANCES, MCP_SERVERS, SKILLS
from stigmer_backend.resources.lookup import find, storable
from stigmer_backend.resources.references import Owner, Reference, references
from stigmer_backend.resources.rules import check_agent, check_variables, needs_spec, refuse, twice
from stigmer_backend.resources.stamps import Stamp
from stigmer_backend.resources.text import quoted
from stigmer_backend.store import StateRead, StateWrite


def agent_and_instance(state: StateRead, wanted: str) -> tuple[Agent, AgentInstance]:
    """An agent with its default instance, or an instance with its agent, whichever has the id `wanted`. Raises `NotFound`."""
    if storable(wanted) and state.get(INSTANCES.table, wanted) is not None:
        instance = find(state, INSTANCES, wanted)
        return find(state, AGENTS, instance.spec.agent_id), instance
    agent = find(state, AGENTS, wanted)
    return agent, find(state, INSTANCES, agent.status.default_instance_id)


class Instances(Catalogue[AgentInstance]):
    """Agent instances: an agent made ready for a place."""

    def __init__(self, means: Means) -> None:
        super().__init__(INSTANCES, means)

    def owners(self, fresh: AgentInstance) -> Sequence[Owner]:
        """Its agent."""
        return (Owner("agent_id", AGENTS, fresh.spec.agent_id),)

    def references(self, fresh: AgentInstance) -> Sequence[Reference]:
        """Its environments."""
        return references("spec.environment_refs", ENVIRONMENTS, fresh.spec.environment_refs)


class Agents(Catalogue[Agent]):
    """Agents: what they are told, and with what they work."""

    def __init__(self, means: Means, instances: Instances) -> None:
        super().__init__(AGENTS, means)
        self._instances = instances

    def references(self, fresh: Agent) -> Sequence[Reference]:
        """Its skills, its sub-agents' skills, and its MCP servers."""
        spec = fresh.spec
        found = references("spec.skill_refs", SKILLS, spec.skill_refs)
        for place, helper in enumerate(spec.sub_agents):
            found += references(f"spec.sub_agents[{place}].skill_refs", SKILLS, helper.skill_refs)
        return found + references("spec.mcp_server_refs", MCP_SERVERS, spec.mcp_server_refs)

    def check(self, state: StateRead, fresh: Agent) -> None:
        """The rules beyond the contract's."""
        needs_spec(fresh, "agent", "say in spec.instructions what it shall do")
        check_agent(fresh.metadata, fresh.spec)
        refuse("agent", fresh.metadata, list(_problems(fresh.spec)))

    def adopt(self, fresh: Agent, wanted: Agent) -> None:
        """Which instance was its default one."""
        fresh.status.default_instance_id = wanted.status.default_instance_id

    def complete(self, state: StateWrite, fresh: Agent, stamp: Stamp) -> None:
        """Make the default instance `<name>-default`. Raises `AlreadyExists` where that name is taken."""
        meta = fresh.metadata
        known = free_id(state, INSTANCES, fresh.status.default_instance_id)
        wanted = AgentInstance(
            api_version=API_VERSION,
            kind=INSTANCES.name,
            metadata=default_metadata(meta, known),
            spec=AgentInstanceSpec(agent_id=meta.id, description=f"Default instance of {meta.name}"),
        )
        instance, _ = self._instances.create(state, wanted, stamp, keep_id=bool(known))
        fresh.status.default_instance_id = instance.metadata.id
        self.put(state, fresh, stamp.at_ns, None)


def _problems(spec: AgentSpec) -> Iterator[FieldViolation]:
    """What does not fit together within a spec."""
    yield from twice("spec.mcp_servers", "name", (server.name for server in spec.mcp_servers))
    yield from twice("spec.mcp_server_refs", "slug", (ref.slug for ref in spec.mcp_server_refs))
    yield from twice("spec.sub_agents", "name", (helper.name for helper in spec.sub_agents))
    yield from check_variables("spec.env_spec.data", spec.env_spec.data)
    servers = {server.name for server in spec.mcp_servers} | {ref.slug for ref in spec.mcp_server_refs}
    for place, helper in enumerate(spec.sub_agents):
        path = f"spec.sub_agents[{place}]"
        for number, name in enumerate(helper.mcp_servers):
            if name not in servers:
                yield _unknown_server(f"{path}.mcp_servers[{number}]", name)
        for name in helper.mcp_tool_selections:
            if name not in servers:
                yield _unknown_server(f"{path}.mcp_tool_selections[{quoted(name)}]", name)


def _unknown_server(path: str, name: str) -> FieldViolation:
    return FieldViolation(
        path, "stigmer.agent.mcp_server", f"names {quoted(name)}, which is no MCP server of the agent's own"
    )
