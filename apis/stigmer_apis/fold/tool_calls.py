"""Tool calls of the status, and the terminals that they run in."""

import signal
from collections.abc import Sequence

from google.protobuf.struct_pb2 import Struct

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import (
    MessageType,
    ToolCallStatus,
)
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import ToolCall
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import (
    TerminalOutput,
    ToolCallFinished,
    ToolCallRequested,
    ToolCallStarted,
    ToolOutcome,
)
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import FoldState
from stigmer_apis.fold.bounds import Ledger, cut_call
from stigmer_apis.fold.lines import LastLine
from stigmer_apis.fold.messages import Messages
from stigmer_apis.fold.output import Window
from stigmer_apis.fold.times import rfc3339

_WITHOUT_WORDS = {
    ToolOutcome.TOOL_OUTCOME_CANCELLED: "cancelled",
    ToolOutcome.TOOL_OUTCOME_TIMED_OUT: "it took longer than allowed",
    ToolOutcome.TOOL_OUTCOME_UNKNOWN: "its runner ended while it ran: how far it came is not known",
    ToolOutcome.TOOL_OUTCOME_NOT_STARTED: "it could not be started",
}


def result_terminal(call_id: str) -> str:
    """The terminal that a result of a reported status is printed in."""
    return f"result/{call_id}"


class ToolCalls:
    """Tool calls as they run. `FoldState.call_messages` has those that are not finished."""

    def __init__(self, state: FoldState, lines: LastLine, ledger: Ledger, messages: Messages) -> None:
        self._state = state
        self._lines = lines
        self._ledger = ledger
        self._messages = messages
        self._windows: dict[str, Window] = {}
        self._places: dict[str, int] = {}

    def requested(self, event: ToolCallRequested) -> None:
        """A tool is to be called. A call that an answer of the model still being written asks for also stands in that message."""
        if event.call_id in self._state.call_messages:
            return
        status = self._state.status
        index = len(status.tool_calls)
        call = status.tool_calls.add(id=event.call_id, name=event.name, status=ToolCallStatus.TOOL_CALL_PENDING)
        if event.HasField("args"):
            call.args.CopyFrom(event.args)
            cut_call(call)
        self._state.call_messages[event.call_id] = event.message_id
        self._places[event.call_id] = status.omitted_tool_calls + index
        self._ledger.set_call(index, call)
        asking = self._messages.index_of(event.message_id)
        if asking is not None and status.messages[asking].type == MessageType.MESSAGE_AI:
            message = status.messages[asking]
            message.tool_calls.add(id=event.call_id, name=event.name)
            self._ledger.set_message(asking, message, self._messages.text_bytes(event.message_id))

    def edited(self, call_id: str, args: Struct) -> None:
        """A person changed its arguments: with these it is made."""
        index = self._index_of(call_id) if call_id in self._state.call_messages else None
        if index is not None:
            call = self._state.status.tool_calls[index]
            call.args.CopyFrom(args)
            cut_call(call)
            self._ledger.set_call(index, call)

    def started(self, event: ToolCallStarted, micros: int) -> None:
        """It runs."""
        if event.call_id not in self._state.call_messages:
            return
        if event.terminal_id:
            self._state.terminals[event.terminal_id] = event.call_id
        index = self._index_of(event.call_id)
        if index is not None:
            call = self._state.status.tool_calls[index]
            call.status = ToolCallStatus.TOOL_CALL_RUNNING
            call.started_at = rfc3339(micros)
            self._ledger.set_call(index, call)

    def output(self, event: TerminalOutput) -> None:
        """A terminal printed something."""
        self._lines.feed(event.terminal_id, event.data)
        call_id = self._state.terminals.get(event.terminal_id)
        if call_id is None:
            return
        window = self._windows.get(call_id)
        if window is None:
            window = self._windows[call_id] = Window(self._state.outputs[call_id])
        window.add(event.data)

    def finished(self, event: ToolCallFinished, micros: int) -> None:
        """It is over."""
        if event.call_id not in self._state.call_messages:
            return
        by_itself = event.outcome == ToolOutcome.TOOL_OUTCOME_ENDED
        if by_itself and (event.HasField("exit_code") or event.signal):
            code = event.exit_code if event.HasField("exit_code") else 128 + event.signal
            self._state.summary.last_exit_code = code
            self._state.status.last_exit_code.value = code
        error = event.error or _why(event)
        failed = bool(error) or not by_itself
        self._finish(event.call_id, event.result, error, failed=failed, micros=micros)

    def close_all(self, micros: int) -> None:
        """The execution has ended: what has not finished never will."""
        for call_id in sorted(self._state.call_messages):
            self._finish(call_id, "", "the execution ended before it did", failed=True, micros=micros)

    def forget_omitted(self) -> None:
        """Some of the oldest were left out."""
        omitted = self._state.status.omitted_tool_calls
        self._places = {call_id: place for call_id, place in self._places.items() if place >= omitted}

    def forget_all(self) -> None:
        """The status came anew."""
        self._windows.clear()
        self._places.clear()

    def flush(self) -> int:
        """Write the outputs that grew to the state, and return how many bytes that was."""
        return sum(window.store(self._state.outputs[call_id]) for call_id, window in self._windows.items())

    def _finish(self, call_id: str, result: str, error: str, *, failed: bool, micros: int) -> None:
        window = self._windows.pop(call_id, None)
        if window is None and call_id in self._state.outputs:
            window = Window(self._state.outputs[call_id])
        index = self._index_of(call_id)
        if index is not None:
            call = self._state.status.tool_calls[index]
            call.status = ToolCallStatus.TOOL_CALL_FAILED if failed else ToolCallStatus.TOOL_CALL_COMPLETED
            call.result = result or (window.shown() if window is not None else call.result)
            call.error = error
            call.completed_at = rfc3339(micros)
            cut_call(call)
            self._ledger.set_call(index, call)
        self._places.pop(call_id, None)
        self._state.outputs.pop(call_id, None)
        del self._state.call_messages[call_id]
        for terminal_id in [key for key, value in self._state.terminals.items() if value == call_id]:
            del self._state.terminals[terminal_id]
            self._lines.close(terminal_id)

    def _index_of(self, call_id: str) -> int | None:
        """Where in the status the call stands; None where it was left out."""
        status = self._state.status
        place = self._places.get(call_id)
        if place is None:
            place = _place_of(status.tool_calls, call_id, status.omitted_tool_calls)
            if place is None:
                return None
            self._places[call_id] = place
        return place - status.omitted_tool_calls


def _place_of(calls: Sequence[ToolCall], call_id: str, omitted: int) -> int | None:
    for index in range(len(calls) - 1, -1, -1):
        if calls[index].id == call_id:
            return omitted + index
    return None


def _why(event: ToolCallFinished) -> str:
    """What is to be said of an end without words of its own; empty for a good one."""
    if event.outcome != ToolOutcome.TOOL_OUTCOME_ENDED:
        return _WITHOUT_WORDS.get(event.outcome, "how it ended is not known")
    if event.signal:
        try:
            return f"ended by {signal.Signals(event.signal).name}"
        except ValueError:
            return f"ended by signal {event.signal}"
    return f"exit code {event.exit_code}" if event.exit_code else ""
