"""What stands where in an archive. Pure.

archive.json                    what it is, and size and SHA-256 of everything else; the last member
resources/<Kind>/<id>.json      a resource, as `stigmer get -o json` shows it
resources/<Kind>/<id>.more.jsonl  what belongs to it beside that, one `Belonging` a line: its history, a schedule, a skill's versions and tags
runs/<id>/run.json              a run, likewise
runs/<id>/more.jsonl            of a run of a workflow: what it ran
runs/<id>/events.jsonl          its events, one JSON object a line: for people and programs
runs/<id>/events.bin            the same as `EventBatch`es, one behind the other: what an import takes
files/<SHA-256>                 a file that a run handed over, or the ZIP of a skill's version
"""

import re
import struct
from dataclasses import dataclass

FORMAT = 2
"""A higher one is refused. In 1 there were no runs of workflows, and nothing belonged to a resource beside its message."""
NEEDS = "0.1.0"
"""The oldest Stigmer that reads `FORMAT`."""

INDEX = "archive.json"
INDEX_LIMIT = 256 << 20
"""Bytes of the index that are read at most: about a million members."""

MEMBER = re.compile(
    r"archive\.json|resources/[A-Za-z]{1,40}/[a-z]{2,4}-[0-9a-z]{1,60}(?:\.more\.jsonl|\.json)|"
    r"runs/(?:aex|wex)-[0-9a-z]{1,60}/(?:run\.json|more\.jsonl|events\.jsonl|events\.bin)|files/[0-9a-f]{64}"
)
"""Nothing else is in an archive: no place outside a directory can be said."""

ORDER = (
    "Environment",
    "McpServer",
    "Skill",
    "Agent",
    "AgentInstance",
    "Workflow",
    "WorkflowInstance",
    "WorkflowExecution",
    "Session",
    "AgentExecution",
)
"""Kinds that an archive may hold: what is named comes before what names it."""
WORKFLOW_RUN = "WorkflowExecution"
RUNS = ("AgentExecution", WORKFLOW_RUN)
SKILL = "Skill"
SKILL_FILE = "skill_version"
"""The `Belonging` that names a file of a skill."""

LEFT_OUT = (
    "secret values: variables say that they are secret, and have none",
    "journals of runs: those in here have ended; they are read, and not gone on with",
    "workspaces of sessions, and which directories they worked in",
    "what was approved for whole sessions, settings, keys of model providers, API keys: they are their home's",
)
"""What is in no archive; each says so."""

LENGTH = struct.Struct(">I")
"""In front of each event where a digest over events is made."""


@dataclass(frozen=True, slots=True)
class Item:
    """A resource or a run."""

    kind: str
    id: str
    path: str
    """Of its JSON."""
    events: int = 0
    """How many events a run has."""
    digest: str = ""
    """SHA-256 of a run's events, hex, each as its length in 4 bytes and its bytes in deterministic order."""
    files: tuple[str, ...] = ()
    """SHA-256 of the files that belong to it."""
    more: str = ""
    """Path of what else belongs to it; "" where nothing does."""


def resource_path(kind: str, record_id: str) -> str:
    """Where a resource's JSON is."""
    return f"resources/{kind}/{record_id}.json"


def more_path(kind: str, record_id: str) -> str:
    """Where that is what belongs to it beside its JSON."""
    return run_path(record_id, "more.jsonl") if kind in RUNS else f"resources/{kind}/{record_id}.more.jsonl"


def run_path(run_id: str, name: str) -> str:
    """Where a file of a run is."""
    return f"runs/{run_id}/{name}"


def file_path(digest: str) -> str:
    """Where the bytes with this SHA-256 are."""
    return f"files/{digest}"
