"""What a run's own steps look like as events, and how a run can end."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event


@dataclass(frozen=True, slots=True)
class Completed:
    """The workflow returned."""

    value: object


@dataclass(frozen=True, slots=True)
class Failed:
    """The workflow failed, or could not go on."""

    reason: str
    """In words for a person."""
    kind: str = ""
    """Class of the failure, such as `OutcomeUnknown`."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The workflow was cancelled."""

    reason: str


@dataclass(frozen=True, slots=True)
class Abandoned:
    """The lease was lost: somebody else goes on, nothing was written about the end."""

    reason: str


RunEnd = Completed | Failed | Cancelled
RunOutcome = RunEnd | Abandoned


class Chronicle(Protocol):
    """The events of a run's own steps; those of its activities come from the activities."""

    def begun(self) -> Sequence[Event]:
        """The run begins."""
        ...

    def applied(self, command_id: str) -> Sequence[Event]:
        """A command of a person took effect."""
        ...

    def rejected(self, command_id: str, reason: str) -> Sequence[Event]:
        """A command of a person was refused."""
        ...

    def ended(self, end: RunEnd) -> Sequence[Event]:
        """The run is over."""
        ...


class SilentChronicle:
    """A run without events of its own."""

    def begun(self) -> Sequence[Event]:
        """Nothing."""
        return ()

    def applied(self, command_id: str) -> Sequence[Event]:
        """Nothing."""
        return ()

    def rejected(self, command_id: str, reason: str) -> Sequence[Event]:
        """Nothing."""
        return ()

    def ended(self, end: RunEnd) -> Sequence[Event]:
        """Nothing."""
        return ()
