"""The kinds of resources that are served: what they are called, on the wire, in the store, in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, Self, TypeVar

from google.protobuf.message import Message

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import Agent
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecution
from stigmer_apis._generated.ai.stigmer.agentic.agentinstance.v1.agent_instance_pb2 import AgentInstance
from stigmer_apis._generated.ai.stigmer.agentic.environment.v1.environment_pb2 import Environment
from stigmer_apis._generated.ai.stigmer.agentic.executioncontext.v1.execution_context_pb2 import ExecutionContext
from stigmer_apis._generated.ai.stigmer.agentic.mcpserver.v1.mcp_server_pb2 import McpServer
from stigmer_apis._generated.ai.stigmer.agentic.session.v1.session_pb2 import Session
from stigmer_apis._generated.ai.stigmer.agentic.skill.v1.skill_pb2 import Skill
from stigmer_apis._generated.ai.stigmer.agentic.workflow.v1.workflow_pb2 import Workflow
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_pb2 import WorkflowExecution
from stigmer_apis._generated.ai.stigmer.agentic.workflowinstance.v1.workflow_instance_pb2 import WorkflowInstance
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
    """What the messages of all kinds have."""

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

    def HasField(self, field_name: Literal["metadata", "spec", "status"]) -> bool:
        """Whether the part is set."""
        ...

    def ClearField(self, field_name: Literal["metadata", "spec", "status"]) -> None:
        """Take the part out."""
        ...

    def CopyFrom(self, other_msg: Self) -> None:
        """Become equal to another."""
        ...

    def SerializeToString(self, *, deterministic: bool = ...) -> bytes:
        """The message's bytes."""
        ...

    def ByteSize(self) -> int:
        """How many bytes it takes."""
        ...

    @classmethod
    def FromString(cls, s: bytes) -> Self:
        """The message with these bytes."""
        ...


R = TypeVar("R", bound=Resource)
"""One of the served kinds."""
R_co = TypeVar("R_co", bound=Resource, covariant=True)
"""One of the served kinds, where it is only given."""


@dataclass(frozen=True, slots=True)
class Kind(Generic[R_co]):
    """One kind of resource."""

    name: str
    """As in the `kind` field."""
    words: str
    """For people, in the singular."""
    field: str
    """Of `stigmer.resource.v1.Resource`, and its table in the store."""
    prefix: Prefix
    """Of its ids."""
    number: ApiResourceKind.ValueType
    """In references."""
    message: type[R_co]
    """Its message."""
    named: bool
    """Whether a person has to name it; what is not named is called by its id."""

    @property
    def table(self) -> str:
        """In the store."""
        return self.field

    def has_number(self, said: int) -> bool:
        """Whether a reference that says the number `said` may be to this kind. 0 says nothing.

        The contract's rule on `environment_refs` asks for 52, while its own enum gives environments 53: both are taken.
        """
        return said in (0, self.number) or (
            self.number == ApiResourceKind.environment and said == ApiResourceKind.workflow_execution
        )

    def decode(self, data: bytes) -> R_co:
        """The resource that was stored as `data`."""
        return self.message.FromString(data)


AnyKind = Kind[Resource]
"""A kind of which no more is known."""

_Number = ApiResourceKind

AGENTS = Kind("Agent", "agent", "agent", Prefix.AGENT, _Number.agent, Agent, named=True)
INSTANCES = Kind(
    "AgentInstance",
    "agent instance",
    "agent_instance",
    Prefix.AGENT_INSTANCE,
    _Number.agent_instance,
    AgentInstance,
    named=True,
)
SESSIONS = Kind("Session", "session", "session", Prefix.SESSION, _Number.session, Session, named=False)
EXECUTIONS = Kind(
    "AgentExecution",
    "agent execution",
    "agent_execution",
    Prefix.AGENT_EXECUTION,
    _Number.agent_execution,
    AgentExecution,
    named=False,
)
WORKFLOWS = Kind("Workflow", "workflow", "workflow", Prefix.WORKFLOW, _Number.workflow, Workflow, named=True)
WORKFLOW_INSTANCES = Kind(
    "WorkflowInstance",
    "workflow instance",
    "workflow_instance",
    Prefix.WORKFLOW_INSTANCE,
    _Number.workflow_instance,
    WorkflowInstance,
    named=True,
)
WORKFLOW_EXECUTIONS = Kind(
    "WorkflowExecution",
    "workflow execution",
    "workflow_execution",
    Prefix.WORKFLOW_EXECUTION,
    _Number.workflow_execution,
    WorkflowExecution,
    named=False,
)
ENVIRONMENTS = Kind(
    "Environment", "environment", "environment", Prefix.ENVIRONMENT, _Number.environment, Environment, named=True
)
EXECUTION_CONTEXTS = Kind(
    "ExecutionContext",
    "execution context",
    "execution_context",
    Prefix.EXECUTION_CONTEXT,
    _Number.execution_context,
    ExecutionContext,
    named=False,
)
SKILLS = Kind("Skill", "skill", "skill", Prefix.SKILL, _Number.skill, Skill, named=True)
MCP_SERVERS = Kind(
    "McpServer", "MCP server", "mcp_server", Prefix.MCP_SERVER, _Number.mcp_server, McpServer, named=True
)

KINDS: tuple[AnyKind, ...] = (
    AGENTS,
    INSTANCES,
    SESSIONS,
    EXECUTIONS,
    WORKFLOWS,
    WORKFLOW_INSTANCES,
    WORKFLOW_EXECUTIONS,
    ENVIRONMENTS,
    EXECUTION_CONTEXTS,
    SKILLS,
    MCP_SERVERS,
)
"""All of them."""
BY_NUMBER: Mapping[int, AnyKind] = {kind.number: kind for kind in KINDS}
"""By the number in references and requests. Not all of the published numbers are kinds that are served."""
BY_NAME: Mapping[str, AnyKind] = {kind.name: kind for kind in KINDS}
"""By the `kind` field."""
BY_FIELD: Mapping[str, AnyKind] = {kind.field: kind for kind in KINDS}
"""By the field of `stigmer.resource.v1.Resource`."""
