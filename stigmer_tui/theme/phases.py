"""Phases as they are drawn: by a shape and by a colour, so that either alone is enough."""

from dataclasses import dataclass

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums


@dataclass(frozen=True, slots=True)
class PhaseLook:
    """How a phase is drawn."""

    shape: str
    """One cell."""
    word: str
    """For the status line and for filters: `phase:running`."""
    style: str
    """Name of the component class, without its prefix."""


PENDING = PhaseLook("●", "waiting", "pending")
RUNNING = PhaseLook("▶", "running", "running")
COMPLETED = PhaseLook("✓", "completed", "completed")
FAILED = PhaseLook("✗", "failed", "failed")
CANCELLED = PhaseLook("■", "cancelled", "cancelled")
STOPPING = PhaseLook("■", "stopping", "stopping")
UNKNOWN = PhaseLook("?", "unknown", "pending")

_LOOKS = {
    enums.EXECUTION_PENDING: PENDING,
    enums.EXECUTION_IN_PROGRESS: RUNNING,
    enums.EXECUTION_COMPLETED: COMPLETED,
    enums.EXECUTION_FAILED: FAILED,
    enums.EXECUTION_CANCELLED: CANCELLED,
}
LIVE = frozenset({enums.EXECUTION_PENDING, enums.EXECUTION_IN_PROGRESS})
"""Phases that are not an end."""

PHASES_BY_WORD = {look.word: phase for phase, look in _LOOKS.items()} | {
    "pending": enums.EXECUTION_PENDING,
    "done": enums.EXECUTION_COMPLETED,
    "error": enums.EXECUTION_FAILED,
}
"""What a person may write behind `phase:`."""


def look_of(phase: "enums.ExecutionPhase.ValueType", *, stopping: bool = False) -> PhaseLook:
    """The look of a phase; `stopping` where a cancel was asked for and has not come to its end."""
    if stopping and phase in LIVE:
        return STOPPING
    return _LOOKS.get(phase, UNKNOWN)
