"""What a workflow asks for in an activation, as values of our own."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import Failure as RecordedFailure
from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import Payload as RecordedPayload
from stigmer_runner.engine.retry import RetryRule
from stigmer_runner.engine.temporalio_names import Payload


class Cancellation(Enum):
    """What a workflow that cancels an activity or a child workflow waits for."""

    AT_ONCE = "at once"
    """It is told, and counts as cancelled at once."""
    WAIT = "wait"
    """It is told, and the workflow sees how it really ended."""
    ABANDON = "abandon"
    """It is not told, and counts as cancelled at once."""


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """How long an activity may take, in seconds; None for no limit."""

    start_to_close: float | None
    """One attempt, from its start."""
    schedule_to_close: float | None
    """All attempts and the waits between them."""
    heartbeat: float | None
    """Between two heartbeats of an attempt."""


@dataclass(frozen=True, slots=True)
class ScheduleActivity:
    """Run an activity."""

    sequence: int
    activity_id: str
    name: str
    arguments: Sequence[Payload]
    limits: TimeLimits
    retry: RetryRule
    cancellation: Cancellation


@dataclass(frozen=True, slots=True)
class CancelActivity:
    """Cancel an activity that was scheduled."""

    sequence: int


@dataclass(frozen=True, slots=True)
class StartTimer:
    """Wake the workflow after so many seconds."""

    sequence: int
    seconds: float


@dataclass(frozen=True, slots=True)
class CancelTimer:
    """Forget a timer."""

    sequence: int


@dataclass(frozen=True, slots=True)
class NoticePatch:
    """The workflow took the way of a patch; a replay must take it again."""

    patch_id: str


@dataclass(frozen=True, slots=True)
class AnswerQuery:
    """The answer to a query: a value, or why there is none."""

    query_id: str
    value: Payload | None
    error: str


class Verdict(Enum):
    """What became of an update."""

    ACCEPTED = "accepted"
    """The validator let it through; its handler runs."""
    REJECTED = "rejected"
    """The validator refused it, or its handler failed."""
    COMPLETED = "completed"
    """Its handler returned."""


@dataclass(frozen=True, slots=True)
class AnswerUpdate:
    """Something became of an update."""

    update_id: str
    verdict: Verdict
    value: Payload | None = None
    """What the handler returned, for COMPLETED."""
    reason: str = ""
    """Why, for REJECTED, in words."""


@dataclass(frozen=True, slots=True)
class StartChild:
    """Run a child workflow."""

    sequence: int
    workflow_id: str
    workflow_type: str
    arguments: Sequence[Payload]
    cancellation: Cancellation


@dataclass(frozen=True, slots=True)
class CancelChild:
    """Cancel a child workflow."""

    sequence: int
    reason: str


@dataclass(frozen=True, slots=True)
class SignalChild:
    """Send a child workflow a signal."""

    sequence: int
    workflow_id: str
    name: str
    arguments: Sequence[Payload]


@dataclass(frozen=True, slots=True)
class CompleteRun:
    """The workflow returned."""

    result: RecordedPayload | None


@dataclass(frozen=True, slots=True)
class FailRun:
    """The workflow failed."""

    failure: RecordedFailure


@dataclass(frozen=True, slots=True)
class CancelRun:
    """The workflow ended because it was cancelled."""


@dataclass(frozen=True, slots=True)
class ContinueRun:
    """The run ends, and another begins in its place with these arguments."""

    workflow_type: str
    arguments: Sequence[RecordedPayload]


EndRun = CompleteRun | FailRun | CancelRun | ContinueRun
Command = (
    ScheduleActivity
    | CancelActivity
    | StartTimer
    | CancelTimer
    | NoticePatch
    | AnswerQuery
    | AnswerUpdate
    | StartChild
    | CancelChild
    | SignalChild
    | EndRun
)
