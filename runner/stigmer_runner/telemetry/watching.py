"""Model calls and tool calls, seen in the events of an execution on their way to the daemon."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event

MOST_OPEN = 1000
"""Calls of one execution that are under way at once, as far as they are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A model call or a tool call that is over."""

    execution_id: str
    trace_parent: str
    """Of its run (W3C Trace Context); empty where the daemon tells none."""
    kind: str
    """`chat` or `execute_tool`, as OpenTelemetry's conventions for generative AI call them."""
    name: str
    """The model's, or the tool's."""
    provider: str = ""
    began_ns: int
    """Since 1970."""
    ended_ns: int
    error: str = ""
    """A code, where it failed."""
    input_tokens: int = 0
    output_tokens: int = 0

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.ended_ns - self.began_ns) / 1e9


class CallSink(Protocol):
    """Somewhere to tell it. What is told is taken at once and never waits for anybody."""

    def call(self, call: Call) -> None:
        """A call is over."""
        ...


@dataclass(frozen=True, slots=True)
class _Open:
    name: str
    provider: str
    began_ns: int


class EventWatcher:
    """Looks at the events of one execution."""

    def __init__(self, execution_id: str, trace_parent: str, sink: CallSink) -> None:
        self._id = execution_id
        self._parent = trace_parent
        self._sink = sink
        self._names: dict[str, str] = {}
        """Of tool calls that were asked for."""
        self._tools: dict[str, _Open] = {}
        self._models: dict[str, _Open] = {}
        """By sub-agent: each asks one model at a time."""

    def take(self, events: Sequence[Event]) -> None:
        """The next events. Must be cheap: most are neither."""
        for event in events:
            match event.WhichOneof("body"):
                case "model_call_started":
                    asked = event.model_call_started
                    self._models[event.sub_agent_id] = _Open(asked.model, asked.provider, _at(event))
                case "usage_reported":
                    used = event.usage_reported
                    began = self._models.pop(event.sub_agent_id, None)
                    if began is not None:
                        self._tell("chat", began, event, "", used.input_tokens, used.output_tokens)
                case "model_call_failed":
                    began = self._models.pop(event.sub_agent_id, None)
                    if began is not None:
                        self._tell("chat", began, event, event.model_call_failed.code or "failed")
                case "tool_call_requested" if len(self._names) < MOST_OPEN:
                    self._names[event.tool_call_requested.call_id] = event.tool_call_requested.name
                case "tool_call_started" if len(self._tools) < MOST_OPEN:
                    call_id = event.tool_call_started.call_id
                    self._tools[call_id] = _Open(self._names.get(call_id, "unknown"), "", _at(event))
                case "tool_call_finished":
                    finished = event.tool_call_finished
                    self._names.pop(finished.call_id, None)
                    began = self._tools.pop(finished.call_id, None)
                    if began is not None:
                        self._tell("execute_tool", began, event, "failed" if finished.error else "")
                case _:
                    continue

    def _tell(
        self, kind: str, began: _Open, event: Event, error: str, input_tokens: int = 0, output_tokens: int = 0
    ) -> None:
        self._sink.call(
            Call(
                execution_id=self._id,
                trace_parent=self._parent,
                kind=kind,
                name=began.name,
                provider=began.provider,
                began_ns=began.began_ns,
                ended_ns=max(began.began_ns, _at(event)),
                error=error,
                input_tokens=input_tokens,
                output_tokens=output_tokens,
            )
        )


def _at(event: Event) -> int:
    return event.time_unix_micros * 1000 or time.time_ns()
