"""Lists that a resource stands in beside those of what it belongs to: of each label, each tag, and its phase.

Their names are parents to the store, and hold a character that no id or reference does.
"""

import hashlib
from collections.abc import Iterable
from typing import Final, cast

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecution
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_pb2 import WorkflowExecution
from stigmer_apis.fold import is_terminal
from stigmer_backend.resources.kinds import Resource

_MARK: Final = "\x01"
_LONGEST_BYTES = 200

LIVE_LIST: Final = f"live{_MARK}"
"""Of executions that had not ended when they were last stored."""
UNSEEN_LIST: Final = f"unseen{_MARK}"
"""Of executions that failed and that nobody has said to have seen. It is not of what a resource says: who rewrites one keeps it."""


def label_list(key: str, value: str) -> str:
    """Of the resources with a label."""
    return _short("label", f"{key}{_MARK}{value}")


def tag_list(tag: str) -> str:
    """Of the resources with a tag."""
    return _short("tag", tag)


def phase_list(phase: ExecutionPhase.ValueType) -> str:
    """Of the executions that ended in a phase."""
    return f"phase{_MARK}{int(phase)}"


def lists_of(resource: Resource) -> tuple[str, ...]:
    """All of them that `resource` stands in."""
    meta = resource.metadata
    found = [label_list(key, value) for key, value in sorted(meta.labels.items())]
    found += [tag_list(tag) for tag in sorted(set(meta.tags))]
    phase = phase_of(resource)
    if phase is not None:
        found.append(phase_list(phase) if is_terminal(phase) else LIVE_LIST)
    return tuple(found)


def relisted(parents: Iterable[str], resource: Resource) -> tuple[str, ...]:
    """`parents`, with the lists that `resource` stands in by now in the place of those of before."""
    kept = tuple(parents)
    return (*(parent for parent in kept if _MARK not in parent), *lists_of(resource), *unseen_of(kept))


def unseen_of(parents: Iterable[str]) -> tuple[str, ...]:
    """The list of what was not seen, where it is among `parents`."""
    return (UNSEEN_LIST,) if UNSEEN_LIST in parents else ()


def label_lists(key: str) -> str:
    """What the names of the lists of all values of a label begin with; a value follows, as far as it is short."""
    return f"label{_MARK}{key}{_MARK}"


def phase_of(resource: Resource) -> ExecutionPhase.ValueType | None:
    """The phase of an execution; None for what has none. The phases of both kinds of executions have the same numbers."""
    match resource:
        case AgentExecution():
            return resource.status.phase
        case WorkflowExecution():
            return cast(ExecutionPhase.ValueType, resource.status.phase)
        case _:
            return None


def row_summary(slug: str) -> bytes:
    """What the lists of a resource show of it, but for agent executions, which show more: its name, to be sorted by."""
    return slug.encode("utf-8", "surrogateescape")


def _short(what: str, text: str) -> str:
    body = text.encode("utf-8", "surrogateescape")
    return f"{what}{_MARK}{text if len(body) <= _LONGEST_BYTES else _MARK + hashlib.sha256(body).hexdigest()}"
