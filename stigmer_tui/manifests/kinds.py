"""The kinds of resources, by all the names that people use for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of resource. Plain facts: no message is imported to know a name."""

    name: str
    """In the `kind` field of a document: `AgentInstance`."""
    field: str
    """In `stigmer.resource.v1.Resource`, and in the enum of kinds: `agent_instance`."""
    number: int
    """In references."""
    prefix: str
    """Of its ids."""
    scope: str = ""
    """The owner scope that is filled in where a document has none; empty where the kind has none."""
    refused: str = ""
    """Why a document cannot describe one, and what to do instead; empty where it can."""

    @property
    def words(self) -> str:
        """For people: `agent instance`."""
        return self.field.replace("_", " ")

    @property
    def word(self) -> str:
        """As one word of a command line: `agent-instance`."""
        return self.field.replace("_", "-")

    @property
    def plural(self) -> str:
        """As one word of a command line: `agent-instances`."""
        return f"{self.word}s"

    @property
    def aliases(self) -> tuple[str, ...]:
        """Everything that it may be called, in lower case, the plural first."""
        return (
            self.plural,
            self.word,
            self.field,
            f"{self.field}s",
            self.name.lower(),
            f"{self.name.lower()}s",
            self.prefix,
        )


AGENT = Kind("Agent", "agent", 40, "agt", scope="organization")
AGENT_EXECUTION = Kind(
    "AgentExecution",
    "agent_execution",
    41,
    "aex",
    refused="an execution is not described in a file: `stigmer run AGENT -m MESSAGE` starts one",
)
SESSION = Kind("Session", "session", 42, "ses", scope="organization")
SKILL = Kind(
    "Skill",
    "skill",
    43,
    "skl",
    scope="organization",
    refused="a skill is a folder with a SKILL.md that is pushed whole, not a document",
)
MCP_SERVER = Kind("McpServer", "mcp_server", 44, "mcp")
AGENT_INSTANCE = Kind("AgentInstance", "agent_instance", 45, "ain")
WORKFLOW = Kind("Workflow", "workflow", 50, "wfl", scope="organization")
WORKFLOW_INSTANCE = Kind("WorkflowInstance", "workflow_instance", 51, "win")
WORKFLOW_EXECUTION = Kind(
    "WorkflowExecution",
    "workflow_execution",
    52,
    "wex",
    scope="organization",
    refused="an execution is not described in a file: it is started",
)
ENVIRONMENT = Kind("Environment", "environment", 53, "env", scope="organization")
EXECUTION_CONTEXT = Kind(
    "ExecutionContext",
    "execution_context",
    54,
    "exec",
    refused="the server makes an execution's context by itself, from environments",
)

KINDS: tuple[Kind, ...] = (
    AGENT, AGENT_INSTANCE, SESSION, AGENT_EXECUTION, WORKFLOW, WORKFLOW_INSTANCE, WORKFLOW_EXECUTION,
    ENVIRONMENT, EXECUTION_CONTEXT, SKILL, MCP_SERVER,
)  # fmt: skip
"""All of them, in the order of `Resource`."""

DESCRIBED: tuple[Kind, ...] = tuple(kind for kind in KINDS if not kind.refused)
"""Those that a document can describe."""

BY_NAME: Mapping[str, Kind] = {kind.name: kind for kind in KINDS}
BY_FIELD: Mapping[str, Kind] = {kind.field: kind for kind in KINDS}
BY_NUMBER: Mapping[int, Kind] = {kind.number: kind for kind in KINDS}


@cache
def aliases() -> Mapping[str, Kind]:
    """Every alias with its kind. `executions` are those of agents."""
    found = {alias: kind for kind in KINDS for alias in kind.aliases}
    return found | {
        "execution": AGENT_EXECUTION,
        "executions": AGENT_EXECUTION,
        "instance": AGENT_INSTANCE,
        "instances": AGENT_INSTANCE,
        "context": EXECUTION_CONTEXT,
        "contexts": EXECUTION_CONTEXT,
        "envs": ENVIRONMENT,
    }


def find_kind(name: str) -> Kind | None:
    """The kind that somebody calls `name`; None where nobody does."""
    return aliases().get(name.lower())
