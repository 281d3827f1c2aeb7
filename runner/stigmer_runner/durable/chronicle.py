"""The events of an agent execution's own steps."""

from collections.abc import Callable, Sequence

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import (
    EXECUTION_CANCELLED,
    EXECUTION_COMPLETED,
    EXECUTION_FAILED,
    EXECUTION_IN_PROGRESS,
    ExecutionPhase,
)
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import CommandApplied, CommandRejected, Event, PhaseChanged
from stigmer_runner.engine.chronicle import Cancelled, Failed, RunEnd


class ExecutionChronicle:
    """Tells the phases of an execution and which commands took effect. `clock` gives microseconds since 1970."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock

    def begun(self) -> Sequence[Event]:
        """A runner took it up."""
        return (self._phase(EXECUTION_IN_PROGRESS, ""),)

    def applied(self, command_id: str) -> Sequence[Event]:
        """A command took effect."""
        return (Event(time_unix_micros=self._clock(), command_applied=CommandApplied(command_id=command_id)),)

    def rejected(self, command_id: str, reason: str) -> Sequence[Event]:
        """A command will not take effect."""
        rejected = CommandRejected(command_id=command_id, reason=reason)
        return (Event(time_unix_micros=self._clock(), command_rejected=rejected),)

    def ended(self, end: RunEnd) -> Sequence[Event]:
        """It is over."""
        match end:
            case Failed(reason):
                return (self._phase(EXECUTION_FAILED, reason),)
            case Cancelled(reason):
                return (self._phase(EXECUTION_CANCELLED, reason),)
            case _:
                return (self._phase(EXECUTION_COMPLETED, ""),)

    def _phase(self, phase: ExecutionPhase.ValueType, reason: str) -> Event:
        return Event(time_unix_micros=self._clock(), phase_changed=PhaseChanged(phase=phase, reason=reason))
