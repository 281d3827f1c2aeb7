"""What an activity is: the work that a workflow asks for, with its side effects.

An attempt is journaled before it runs, together with the events that announce it. What an activity has to say about its
end goes with the record of its result, so that after a crash the log holds both or neither.
"""

import typing
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Sequence
from enum import Enum
from typing import Protocol

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event


class Unfinished(Enum):
    """Why an attempt that was announced did not come to its own end."""

    UNKNOWN = "unknown"
    """Its runner died: nobody knows how far it came."""
    CANCELLED = "cancelled"
    """It was cancelled before it began."""


class ActivityCall(Protocol):
    """One attempt at an activity, as the activity sees it."""

    @property
    def arguments(self) -> Sequence[object]:
        """The workflow's arguments, of the activity's `argument_types`."""
        ...

    @property
    def sequence(self) -> int:
        """The workflow's number of the activity."""
        ...

    @property
    def attempt(self) -> int:
        """Counted from 1."""
        ...

    @property
    def cancel_reason(self) -> str:
        """Why the run is being cancelled, empty while it is not."""
        ...

    async def begun(self) -> None:
        """Wait until the attempt's start is durable. Raises `LeaseLost`, which the activity lets through."""
        ...

    def record(self, events: Sequence[Event], *, urgent: bool) -> Awaitable[None]:
        """Append events now; the awaitable is done once they are durable, and need not be awaited."""
        ...

    def conclude(self, events: Iterable[Event]) -> None:
        """Add events that go with the record of the activity's result."""
        ...

    def leave(self, *details: object) -> None:
        """What the workflow finds in the cancellation, where the attempt ends by one."""
        ...

    def heartbeat(self) -> None:
        """Say that the attempt is alive, where the workflow gave it a heartbeat limit."""
        ...


class Activity(ABC):
    """A kind of work, by name."""

    name: str
    """As the workflow asks for it."""
    argument_types: Sequence[type] = ()
    """Of the workflow's arguments."""
    repeatable: bool = False
    """Whether an attempt whose runner died may be made again. Without it the outcome is unknown, and told so."""

    early: bool = False
    """Whether an attempt may begin while its start is still on its way to the journal, one at a time. Only for what changes nothing and may
    be made again; its result is written after its start all the same, and nothing else begins before both are durable."""

    prepares: bool = False
    """Whether an attempt gets ready while its start is still on its way to the journal, and itself waits for `ActivityCall.begun` before it
    changes anything."""

    def intent(self, call: ActivityCall) -> Sequence[Event]:
        """The events that announce an attempt; journaled with its start, before anything is done. Must not block."""
        return ()

    @abstractmethod
    async def run(self, call: ActivityCall) -> object:
        """Do the work and return its result, or raise (`ActivityFailure` to say how).

        It is cancelled as a task; it cleans up, says its last by `conclude`, and lets the cancellation through.
        """

    def unfinished(self, call: ActivityCall, why: Unfinished) -> Sequence[Event]:
        """The events about an attempt that was announced and never came to its end by itself. Must not block."""
        return ()


class FunctionActivity(Activity):
    """An activity made of a plain coroutine function, repeatable unless told otherwise."""

    def __init__(self, name: str, function: Callable[..., Awaitable[object]], *, repeatable: bool = True) -> None:
        hints = {key: hint for key, hint in typing.get_type_hints(function).items() if key != "return"}
        self.name = name
        self.argument_types = tuple(hints.values())
        self.repeatable = repeatable
        self._function = function

    async def run(self, call: ActivityCall) -> object:
        """Call the function."""
        return await self._function(*call.arguments)


class Activities:
    """The activities of a runner, by name."""

    def __init__(self, activities: Iterable[Activity]) -> None:
        self._by_name = {activity.name: activity for activity in activities}

    def get(self, name: str) -> Activity | None:
        """The activity of that name."""
        return self._by_name.get(name)
