"""What a person writes into the filter line, as a filter for the server."""

from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import ExecutionFilter
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionKind
from stigmer_tui.theme.phases import PHASES_BY_WORD

_KINDS = {"agent": ExecutionKind.EXECUTION_KIND_UNSPECIFIED, "workflow": ExecutionKind.EXECUTION_KIND_WORKFLOW}
LONGEST_TEXT = 200
"""The server takes no longer ones."""


def filter_of(text: str) -> ExecutionFilter:
    """`phase:`, `agent:`, `workflow:`, `kind:`, `parent:`, `session:`, `label:NAME=VALUE`, `tag:`, `needs:me`, `is:new` and `is:top` narrow by field, everything else is looked for as text. An unknown word is text too."""
    wanted = ExecutionFilter()
    words: list[str] = []
    for word in text.split():
        field, colon, value = word.partition(":")
        if not colon or not value or not _narrow(wanted, field.lower(), value):
            words.append(word)
    wanted.text = " ".join(words)[:LONGEST_TEXT]
    return wanted


def _narrow(wanted: ExecutionFilter, field: str, value: str) -> bool:
    match field:
        case "phase" | "p":
            phases = [phase for word, phase in PHASES_BY_WORD.items() if word.startswith(value.lower())]
            wanted.phases.extend(dict.fromkeys(phases))
            return bool(phases)
        case "agent" | "a":
            wanted.agent = value
        case "workflow" | "w":
            wanted.workflow = value
        case "parent":
            wanted.parent_execution_id = value
        case "kind":
            kind = _KINDS.get(value.lower().rstrip("s"))
            if kind is None:
                return False
            wanted.kinds.append(kind)
        case "session" | "s":
            wanted.session_id = value
        case "label" | "l":
            key, equals, content = value.partition("=")
            if not equals or not key:
                return False
            wanted.labels[key] = content
        case "tag":
            wanted.tags.append(value)
        case "needs":
            wanted.needs_attention = True
        case "is" if value.lower() == "top":
            wanted.top = True
        case "is":
            if value.lower() not in ("new", "unseen"):
                return False
            wanted.unseen = True
        case _:
            return False
    return True
