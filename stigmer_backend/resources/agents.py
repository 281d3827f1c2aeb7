"""Agents and their instances: what making one comes with, and what holds between the two."""

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import Agent
from stigmer_apis._generated.ai.stigmer.agentic.agentinstance.v1.agent_instance_pb2 import (
    AgentInstance,
    AgentInstanceSpec,
)
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import ApiResourceMetadata
from stigmer_apis.errors import FieldViolation, InvalidArgument
from stigmer_apis.protocol import API_VERSION
from stigmer_backend.resources.catalogue import Catalogue, NewId
from stigmer_backend.resources.kinds import AGENTS, INSTANCES
from stigmer_backend.resources.lookup import find
from stigmer_backend.resources.rules import check_agent
from stigmer_backend.resources.stamps import Stamp
from stigmer_backend.store import StateRead, StateWrite


class Instances(Catalogue[AgentInstance]):
    """Agent instances: an agent made ready for a place."""

    def __init__(self, new_id: NewId) -> None:
        super().__init__(INSTANCES, new_id)

    def check(self, state: StateRead, fresh: AgentInstance) -> None:
        """The agent must be there."""
        find(state, AGENTS, fresh.spec.agent_id)

    def parents(self, state: StateRead, fresh: AgentInstance) -> tuple[str, ...]:
        """Its agent."""
        return (fresh.spec.agent_id,)


class Agents(Catalogue[Agent]):
    """Agents: what they are told, and with what they work."""

    def __init__(self, new_id: NewId, instances: Instances) -> None:
        super().__init__(AGENTS, new_id)
        self._instances = instances

    def check(self, state: StateRead, fresh: Agent) -> None:
        """The rules beyond the contract's."""
        if not fresh.HasField("spec"):
            raise InvalidArgument(
                "the agent has no spec",
                remedy="say in spec.instructions what it shall do",
                violations=[FieldViolation("spec", "required", "value is required")],
            )
        check_agent(fresh.metadata, fresh.spec)

    def complete(self, state: StateWrite, fresh: Agent, stamp: Stamp) -> None:
        """Make the default instance `<name>-default`. Raises `AlreadyExists` where that name is taken."""
        meta = fresh.metadata
        wanted = AgentInstance(
            api_version=API_VERSION,
            kind=INSTANCES.name,
            metadata=ApiResourceMetadata(
                name=f"{meta.name}-default", slug=f"{meta.slug}-default", org=meta.org, owner_scope=meta.owner_scope
            ),
            spec=AgentInstanceSpec(agent_id=meta.id, description=f"Default instance of {meta.name}"),
        )
        instance, _ = self._instances.create(state, wanted, stamp)
        fresh.status.default_instance_id = instance.metadata.id
        self.put(state, fresh, stamp.at_ns, None)
