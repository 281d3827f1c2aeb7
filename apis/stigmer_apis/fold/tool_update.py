"""Tool calls of a reported status, as events. See `status_update`."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ToolCallStatus
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import (
    AgentExecutionStatus,
    ToolCall,
)
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import FoldState, OutputWindow
from stigmer_apis.fold.output import Window
from stigmer_apis.fold.texts import MAX_NOTE_BYTES, cut, cut_arguments
from stigmer_apis.fold.times import micros_of
from stigmer_apis.fold.tool_calls import result_terminal

_RANK = {
    ToolCallStatus.TOOL_CALL_STATUS_UNSPECIFIED: 0,
    ToolCallStatus.TOOL_CALL_PENDING: 0,
    ToolCallStatus.TOOL_CALL_RUNNING: 1,
    ToolCallStatus.TOOL_CALL_COMPLETED: 2,
    ToolCallStatus.TOOL_CALL_FAILED: 2,
}
_FAILED_WITHOUT_WORDS = "failed"


class Contradiction(Exception):
    """The report does more than add to what is known."""


class _Named(Protocol):
    """Something with an id."""

    @property
    def id(self) -> str: ...


_Entry = TypeVar("_Entry", bound=_Named)


def named(entries: Sequence[_Entry]) -> dict[str, _Entry]:
    """Entries by id, in order."""
    return {entry.id: entry for entry in entries}


class ToolUpdate:
    """Adds to `events` what the report says of tool calls."""

    def __init__(self, state: FoldState, given: AgentExecutionStatus, events: list[ev.Event], micros: int) -> None:
        self._state = state
        self._known = named(state.status.tool_calls)
        self._given = named(given.tool_calls)
        self._order = [call.id for call in given.tool_calls]
        self._events = events
        self._micros = micros
        self._requested: list[str] = []

    def request(self, call_id: str, message_id: str) -> None:
        """A message asks for a call, which the report's list must have."""
        call = self._given.get(call_id)
        if call is None or call_id in self._known or call_id in self._requested:
            raise Contradiction
        requested = ev.ToolCallRequested(call_id=call_id, message_id=message_id, name=call.name)
        if call.HasField("args"):
            requested.args.CopyFrom(call.args)
        self._add(ev.Event(tool_call_requested=requested), micros_of(call.started_at))
        self._requested.append(call_id)

    def update(self) -> None:
        """The report's list: all that is known, in order, then what is new."""
        if "" in self._given or len(self._given) != len(self._order):
            raise Contradiction
        if [key for key in self._order if key in self._known] != list(self._known):
            raise Contradiction
        for call_id in self._order:
            if call_id not in self._known and call_id not in self._requested:
                self.request(call_id, "")
        told = [*self._known, *self._requested]
        if told != self._order:
            raise Contradiction
        for call_id in self._order:
            self._advance(self._known.get(call_id), self._given[call_id])

    def _advance(self, known: ToolCall | None, call: ToolCall) -> None:
        """What `call` has done since it was as `known`."""
        if call.HasField("component_metadata") and (
            known is None or known.component_metadata != call.component_metadata
        ):
            raise Contradiction
        if call.status == ToolCallStatus.TOOL_CALL_COMPLETED and call.error:
            raise Contradiction
        before = _RANK[known.status] if known is not None else 0
        after = _RANK[call.status]
        if known is not None and (call.name != known.name or cut_arguments(call.args) != known.args):
            raise Contradiction
        if after < before:
            raise Contradiction
        if known is not None and before == 2:
            self._refuse_other_end(known, call)
            return
        if known is not None and call.id not in self._state.call_messages:
            raise Contradiction
        if after == 0:
            if call.result:
                raise Contradiction
            return
        if before == 0:
            started = ev.ToolCallStarted(call_id=call.id, terminal_id=result_terminal(call.id))
            self._add(ev.Event(tool_call_started=started), micros_of(call.started_at))
        if after == 1:
            self._run(call)
        else:
            self._end(call)

    def _refuse_other_end(self, known: ToolCall, call: ToolCall) -> None:
        """It had ended: the report must say the same end."""
        window = Window(OutputWindow())
        window.add(call.result.encode())
        same_result = call.result in ("", known.result) or window.shown() == known.result
        same_error = call.error == "" or cut(call.error, MAX_NOTE_BYTES) == known.error
        if call.status != known.status or not same_result or not same_error:
            raise Contradiction

    def _run(self, call: ToolCall) -> None:
        """It runs: its result so far is what it has printed."""
        growth = self._growth(call)
        if growth is None:
            raise Contradiction
        self._print(call.id, growth)

    def _end(self, call: ToolCall) -> None:
        """It is over. A result that is not what it printed and more is told with the end."""
        growth = self._growth(call)
        if growth is not None:
            self._print(call.id, growth)
        failed = call.status == ToolCallStatus.TOOL_CALL_FAILED
        over = ev.ToolCallFinished(
            call_id=call.id,
            outcome=ev.ToolOutcome.TOOL_OUTCOME_ENDED,
            result=call.result if growth is None else "",
            error=(call.error or _FAILED_WITHOUT_WORDS) if failed else "",
        )
        self._add(ev.Event(tool_call_finished=over), micros_of(call.completed_at))

    def _growth(self, call: ToolCall) -> bytes | None:
        """What of the result is new; None where it is not what was printed and more, or was printed in a terminal that is not the report's."""
        terminal_id = result_terminal(call.id)
        if call.id in self._state.terminals.values() and self._state.terminals.get(terminal_id) != call.id:
            return None
        body = call.result.encode()
        if call.id not in self._state.outputs:
            return body
        window = self._state.outputs[call.id]
        if (
            len(body) < window.total
            or not body.startswith(window.head)
            or not body[: window.total].endswith(window.tail)
        ):
            return None
        return body[window.total :]

    def _print(self, call_id: str, data: bytes) -> None:
        if data:
            printed = ev.TerminalOutput(terminal_id=result_terminal(call_id), data=data)
            self._add(ev.Event(terminal_output=printed))

    def _add(self, event: ev.Event, micros: int = 0) -> None:
        event.time_unix_micros = micros or self._micros
        self._events.append(event)
