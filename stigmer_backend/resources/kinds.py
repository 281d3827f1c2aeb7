"""The kinds of resources that are served: what they are called, on the wire, in the store, in words."""

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from google.protobuf.message import Message

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import Agent
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecution
from stigmer_apis._generated.ai.stigmer.agentic.agentinstance.v1.agent_instance_pb2 import AgentInstance
from stigmer_apis._generated.ai.stigmer.agentic.session.v1.session_pb2 import Session
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import (
    ApiResourceAudit,
    ApiResourceMetadata,
)
from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis.ids import Prefix


class Audited(Protocol):
    """A status that carries the audit."""

    @property
    def audit(self) -> ApiResourceAudit:
        """Who made and changed it, and when."""
        ...


class Resource(Protocol):
    """What every kind has."""

    api_version: str
    kind: str

    @property
    def metadata(self) -> ApiResourceMetadata:
        """Name, slug, id, labels, tags, version."""
        ...

    @property
    def spec(self) -> Message:
        """What somebody wants."""
        ...

    @property
    def status(self) -> Audited:
        """What is."""
        ...

    def SerializeToString(self, *, deterministic: bool = ...) -> bytes:
        """The message's bytes."""
        ...


R = TypeVar("R", Agent, AgentInstance, Session, AgentExecution)
"""One of the served kinds."""


@dataclass(frozen=True, slots=True)
class Kind(Generic[R]):
    """One kind of resource."""

    name: str
    """As in the `kind` field."""
    words: str
    """For people, in the singular."""
    table: str
    """In the store."""
    prefix: Prefix
    """Of its ids."""
    number: int
    """In references."""
    message: type[R]
    """Its message."""
    named: bool
    """Whether a person has to name it; what is not named is called by its id."""

    def decode(self, data: bytes) -> R:
        """The resource that was stored as `data`."""
        return self.message.FromString(data)


AGENTS = Kind("Agent", "agent", "agent", Prefix.AGENT, ApiResourceKind.agent, Agent, named=True)
INSTANCES = Kind(
    "AgentInstance",
    "agent instance",
    "agent_instance",
    Prefix.AGENT_INSTANCE,
    ApiResourceKind.agent_instance,
    AgentInstance,
    named=True,
)
SESSIONS = Kind("Session", "session", "session", Prefix.SESSION, ApiResourceKind.session, Session, named=False)
EXECUTIONS = Kind(
    "AgentExecution",
    "agent execution",
    "agent_execution",
    Prefix.AGENT_EXECUTION,
    ApiResourceKind.agent_execution,
    AgentExecution,
    named=False,
)
