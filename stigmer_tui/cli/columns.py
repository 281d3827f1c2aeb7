"""What a table of each kind shows."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stigmer_apis.protocol import DAMAGE_ANNOTATION
from stigmer_tui.manifests.kinds import Kind

Cell = Callable[[Any], str]
"""The text of a cell, of a resource or a summary."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column."""

    heading: str
    cell: Cell
    wide: bool = False
    """Only in a wide table."""


def columns_of(kind: Kind) -> Sequence[Column]:
    """The columns of a table of resources of `kind`."""
    return (*_OF_KIND.get(kind.field, (_NAME, _ID, _DESCRIPTION)), _AGE, _VERSION, _LABELS)


def sandbox_of(spec: Any) -> str:
    """What the commands of an agent, or of a run, were asked to run in; empty for what settings say."""
    policy = getattr(getattr(spec, "options", spec), "policy", None)
    return "" if policy is None else policy.sandbox


def age(unix_micros: int) -> str:
    """How long ago, in the largest unit that fits: 12s, 5m, 3h, 9d."""
    seconds = max(0, int(time.time() - unix_micros / 1_000_000))
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def phase_words(phase: int) -> str:
    """`in progress` for EXECUTION_IN_PROGRESS. The phases of both kinds of executions have the same names."""
    from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums

    name = enums.ExecutionPhase.Name(enums.ExecutionPhase.ValueType(phase))
    return name.removeprefix("EXECUTION_").lower().replace("_", " ")


def damage_of(resource: Any) -> str:
    """What a damaged disk took of a resource, in words; empty where it is whole. The server says it when it is read."""
    return str(resource.metadata.annotations.get(DAMAGE_ANNOTATION, ""))


def _of(path: str) -> Cell:
    """The text at a path such as `spec.model`."""
    parts = path.split(".")

    def cell(message: Any) -> str:
        for part in parts:
            message = getattr(message, part)
        return str(message)

    return cell


def _created(message: Any) -> str:
    created = message.status.audit.spec_audit.created_at
    return age(created.seconds * 1_000_000) if created.seconds else "-"


def _labels(message: Any) -> str:
    return ",".join(f"{name}={value}" for name, value in sorted(message.metadata.labels.items())) or "-"


def _references(path: str) -> Cell:
    field = path.split(".")[-1]
    return lambda message: ",".join(reference.slug for reference in getattr(message.spec, field)) or "-"


def _server(message: Any) -> str:
    """How an MCP server is reached."""
    chosen = message.spec.WhichOneof("server_type")
    match chosen:
        case "stdio":
            return f"stdio {message.spec.stdio.command}"
        case "http":
            return f"http {message.spec.http.url}"
        case "docker":
            return f"docker {message.spec.docker.image}"
        case _:
            return "-"


def _count(path: str) -> Cell:
    return lambda message: str(len(getattr(message.spec, path)))


_NAME = Column("NAME", lambda message: message.metadata.slug + (" (damaged)" if damage_of(message) else ""))
_ID = Column("ID", _of("metadata.id"))
_DESCRIPTION = Column("DESCRIPTION", _of("spec.description"))
_AGE = Column("AGE", _created, wide=True)
_VERSION = Column("VERSION", _of("metadata.version.id"), wide=True)
_LABELS = Column("LABELS", _labels, wide=True)
_SANDBOX = Column("SANDBOX", lambda message: sandbox_of(message.spec) or "-", wide=True)
_PHASE = Column(
    "PHASE",
    lambda message: phase_words(message.status.phase) + (", damaged" if damage_of(message) else ""),
)

_OF_KIND: Mapping[str, Sequence[Column]] = {
    "agent": (_NAME, _ID, Column("MODEL", _of("spec.model")), _DESCRIPTION, _SANDBOX),
    "session": (_ID, Column("INSTANCE", _of("spec.agent_instance_id")), Column("SUBJECT", _of("spec.subject"))),
    "agent_instance": (
        _NAME,
        _ID,
        Column("AGENT", _of("spec.agent_id")),
        Column("ENVIRONMENTS", _references("spec.environment_refs")),
        _DESCRIPTION,
    ),
    "workflow": (_NAME, _ID, Column("TASKS", _count("tasks")), _DESCRIPTION),
    "workflow_instance": (
        _NAME,
        _ID,
        Column("WORKFLOW", _of("spec.workflow_id")),
        Column("ENVIRONMENTS", _references("spec.env_refs")),
        _DESCRIPTION,
    ),
    "environment": (_NAME, _ID, Column("VALUES", _count("data")), _DESCRIPTION),
    "mcp_server": (_NAME, _ID, Column("SERVER", _server), _DESCRIPTION),
    "skill": (_NAME, _ID, Column("TAG", _of("spec.tag"))),
    "agent_execution": (
        _ID,
        _PHASE,
        Column("SESSION", _of("spec.session_id")),
        Column("MESSAGE", lambda message: message.spec.message.partition("\n")[0][:60]),
        _SANDBOX,
    ),
    "workflow_execution": (
        _ID,
        _PHASE,
        Column("WORKFLOW", lambda message: message.spec.workflow_id or "(a document that is not stored)"),
    ),
    "execution_context": (_ID, Column("EXECUTION", _of("spec.execution_id")), Column("VALUES", _count("data"))),
}
