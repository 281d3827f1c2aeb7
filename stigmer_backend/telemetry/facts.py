"""What can be told, and to whom."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFact:
    """A call that was answered."""

    service: str
    method: str
    """`unknown` for what is no method of ours."""
    code: str
    """Of gRPC, such as `OK` or `NOT_FOUND`."""
    streams: bool
    """Whether it answers with a stream: then it takes as long as somebody reads."""
    began_ns: int
    """Since 1970."""
    ended_ns: int
    parent: str = ""
    """The caller's `traceparent` (W3C Trace Context), where it has one."""

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.ended_ns - self.began_ns) / 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFact:
    """A task of an execution."""

    name: str
    began_ns: int
    ended_ns: int
    failed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFact:
    """An execution that ended."""

    execution_id: str
    kind: str
    """`agent` or `workflow`."""
    name: str
    """The agent's or the workflow's."""
    phase: str
    """Such as `completed`."""
    tokens: int
    began_ns: int
    ended_ns: int
    parent_id: str = ""
    """The execution that started it; empty where none did."""
    steps: Sequence[StepFact] = field(default=())

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.ended_ns - self.began_ns) / 1e9


@dataclass(frozen=True, slots=True)
class Gauge:
    """A figure as it is now."""

    name: str
    """With underscores, without the program's name, its unit last: `memory_bytes`."""
    about: str
    value: float


Gauges = Callable[[], Sequence[Gauge]]
"""Reads all gauges. Called on any thread but the event loop's; takes a moment."""


class Sink(Protocol):
    """Somewhere to tell it. What is told is taken at once and never waits for anybody; calls come on the event loop."""

    where: str
    """In words, for `status`."""

    def call(self, fact: CallFact) -> None:
        """A call was answered."""
        ...

    def run(self, fact: RunFact) -> None:
        """An execution ended."""
        ...

    def close(self) -> None:
        """Tell what is left, for some seconds at most, and stop. Blocking; not on the event loop."""
        ...
