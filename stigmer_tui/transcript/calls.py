"""What events say about a tool call."""

import json
from typing import cast

from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct

from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as events
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import ToolCallFinished, ToolCallStarted
from stigmer_tui.terminal.line_cells import draw_line
from stigmer_tui.text.times import span
from stigmer_tui.transcript.blocks import CallState, ToolCall

_STATES = {
    events.TOOL_OUTCOME_ENDED: CallState.ENDED,
    events.TOOL_OUTCOME_CANCELLED: CallState.STOPPED,
    events.TOOL_OUTCOME_TIMED_OUT: CallState.TIMED_OUT,
    events.TOOL_OUTCOME_UNKNOWN: CallState.UNKNOWN,
    events.TOOL_OUTCOME_NOT_STARTED: CallState.NOT_STARTED,
}
_SHOWN_PROCESSES = 6
KEPT_OUTPUT = 4096
"""Bytes of a terminal's output that stay with its call; the output has all."""


_TELLING = {
    "shell": ("command",),
    "read": ("path",),
    "write": ("path",),
    "edit": ("path",),
    "list": ("path",),
    "glob": ("pattern", "path"),
    "grep": ("pattern", "path"),
    "fetch": ("url",),
    "keep_file": ("path",),
    "ask_person": ("question",),
    "delegate": ("agent", "task"),
    "todos": (),
}
"""What says enough of a call of our own tools: the rest is in what it does, or stands below it."""


def shown_call(name: str, args: Struct) -> str:
    """What a call does, in short: the command line of a shell, the file of an edit, else the arguments as JSON. Untrusted."""
    arguments = json_format.MessageToDict(args)
    telling = _TELLING.get(name)
    if telling is not None and all(isinstance(arguments.get(key, ""), str) for key in telling):
        return " ".join(str(arguments[key]) for key in telling if key in arguments)
    return json.dumps(_whole(arguments), ensure_ascii=False)


def more_args(name: str, args: Struct) -> str:
    """All arguments as JSON in rows, where `shown_call` leaves some out; else empty. Untrusted."""
    arguments = json_format.MessageToDict(args)
    told = _TELLING.get(name, tuple(arguments))
    if all(key in told for key in arguments) or (name == "todos"):
        return ""
    return json.dumps(_whole(arguments), ensure_ascii=False, indent=2)


def _whole(value: object) -> object:
    """As a person writes it: protobuf keeps every number of a free form as a float, and its keys in no order."""
    match value:
        case float() if value.is_integer() and abs(value) < 2**53:
            return int(value)
        case dict():
            return {key: _whole(inside) for key, inside in sorted(cast("dict[str, object]", value).items())}
        case list():
            return [_whole(inside) for inside in cast("list[object]", value)]
        case _:
            return value


def start_call(call: ToolCall, started: ToolCallStarted) -> None:
    """It runs."""
    call.state = CallState.RUNNING
    call.terminal_id = started.terminal_id
    call.directory = started.directory
    if started.HasField("sandbox") and not started.sandbox.walls:
        call.no_walls = started.sandbox.reason


def add_output(call: ToolCall, data: bytes) -> None:
    """It printed more."""
    call.output = (call.output + data[-KEPT_OUTPUT:])[-KEPT_OUTPUT:]
    call.output_lines += data.count(b"\n")


def output_text(call: ToolCall) -> str:
    """The end of what it printed, as it looks, without colours. Safe to draw."""
    lines = call.output.split(b"\n")
    if call.output_lines > len(lines) - 1:
        lines = lines[1:]
    return "\n".join(draw_line(line.removesuffix(b"\r")).text.rstrip() for line in lines).rstrip("\n")


def finish_call(call: ToolCall, finished: ToolCallFinished) -> None:
    """It is over."""
    call.state = _STATES.get(finished.outcome, CallState.UNKNOWN)
    call.exit_code = finished.exit_code if finished.HasField("exit_code") else None
    call.signal = finished.signal
    call.duration_micros = finished.duration_micros
    call.error, call.result = finished.error, finished.result
    call.killed = [(process.pid, process.command) for process in finished.killed]
    call.output_bytes = finished.output_bytes


def outcome_words(call: ToolCall) -> str:
    """How it stands, in a line: `exit 0 · 1.2 s`. Its parts from elsewhere are untrusted."""
    match call.state:
        case CallState.REQUESTED:
            words = "waits"
        case CallState.RUNNING:
            words = "runs"
        case CallState.ENDED if call.signal:
            words = f"ended by signal {call.signal}"
        case CallState.ENDED if call.exit_code is not None:
            words = f"exit {call.exit_code}"
        case CallState.ENDED:
            words = "failed" if call.error else "done"
        case CallState.STOPPED:
            words = "stopped"
        case CallState.TIMED_OUT:
            words = "took too long and was stopped"
        case CallState.UNKNOWN:
            words = "outcome unknown: its runner died while it ran, and it is not run again by itself"
        case CallState.NOT_STARTED:
            words = "could not be started"
    if call.duration_micros:
        words += f" · {span(call.duration_micros)}"
    return words


def killed_words(killed: list[tuple[int, str]]) -> str:
    """What had to be ended, in a line; empty where nothing had to be."""
    if not killed:
        return ""
    named = ", ".join(f"{command or 'a process'} ({pid})" for pid, command in killed[:_SHOWN_PROCESSES])
    more = f" and {len(killed) - _SHOWN_PROCESSES} more" if len(killed) > _SHOWN_PROCESSES else ""
    return f"ended with it: {named}{more}"
