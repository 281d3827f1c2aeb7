"""One time that a task ran: what it took, what it waits for, how it ended."""

from dataclasses import dataclass, field
from enum import Enum

from stigmer_tui.workflow.values import Json


class TaskState(Enum):
    """Where a task stands."""

    AHEAD = "not begun"
    RUNNING = "running"
    WAITING = "waiting"
    """For time to pass, a signal, a person, another run."""
    RETRYING = "waiting to try again"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"

    @property
    def live(self) -> bool:
        """Whether it has begun and not ended."""
        return self in (TaskState.RUNNING, TaskState.WAITING, TaskState.RETRYING)


class WaitKind(Enum):
    """What a task waits for."""

    TIME = "time"
    SIGNALS = "signals"
    RETRY = "retry"
    CHILD = "child"
    PERSON = "person"
    ACTIVITY = "activity"


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a task waits for now."""

    kind: WaitKind
    until_micros: int = 0
    """For time to pass, or to try again: microseconds since 1970."""
    names: tuple[str, ...] = ()
    """Of signals; none where any will do."""
    wants_all: bool = False
    """Of the signals each, and not the first that comes."""
    received: int = 0
    attempt: int = 0
    """Which one comes next."""
    error: str = ""
    """Why it is tried again."""
    child: str = ""
    """The execution."""
    about: str = ""
    """The queue of an activity, the attention of a person."""
    token: str = ""
    """Completes an activity."""


@dataclass(slots=True, eq=False)
class Visit:
    """A task that was come to: once, or once for each turn of a loop."""

    task_id: str
    state: TaskState = TaskState.RUNNING
    attempt: int = 1
    index: int | None = None
    """Of the loop around it, from 0."""
    branch: str = ""
    started_micros: int = 0
    ended_micros: int = 0
    waiting: Waiting | None = None
    child: str = ""
    """The execution that it started, for as long as anybody looks."""
    done: int = 0
    """Turns of a loop that are over."""
    total: int = 0
    """Turns in all; 0 where nobody knows."""
    then: str = ""
    """Where it went on, where that was decided here."""
    why: str = ""
    """It was skipped, or it failed, in words."""
    trouble: dict[str, Json] = field(default_factory=dict[str, Json])
    """The error as the language has it: type, status, title, detail, instance."""
    terminals: list[str] = field(default_factory=list[str])
    input: Json = None
    has_input: bool = False
    output: Json = None
    has_output: bool = False
    taken_over: str = ""
    """The execution that did it, where this one took it over."""
    dropped: bool = False
    """What it took and gave is not kept any more: others came after it."""
