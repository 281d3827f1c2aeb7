"""The events of a command line."""

from collections.abc import Callable, Sequence
from typing import assert_never

from google.protobuf.struct_pb2 import Struct

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import MESSAGE_HUMAN
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.execution.v1.attention_pb2 import (
    ATTENTION_KIND_INPUT,
    ATTENTION_KIND_PASSWORD,
)
from stigmer_runner.durable.messages import CommandLine
from stigmer_runner.durable.wording import quote
from stigmer_runner.redaction import NOTHING, Redactor
from stigmer_runner.sandbox import CommandResult, InputWait, Outcome, SandboxDescription

TOOL_NAME = "shell"
LONG_COMMAND = 64 * 1024
"""Characters of a command past which a tool call's arguments hold its beginning only: the message has it whole."""


class LineTeller:
    """Makes the events of one line. `clock` gives microseconds since 1970, `redactor` knows what must not be in what the line did."""

    def __init__(self, line: CommandLine, clock: Callable[[], int], redactor: Redactor = NOTHING) -> None:
        self._line = line
        self._clock = clock
        self._hidden = redactor.text

    def announced(
        self, directory: str, sandbox: SandboxDescription, network: bool, columns: int, rows: int
    ) -> Sequence[ev.Event]:
        """The person's message, and the intent to run it."""
        line, now = self._line, self._clock()
        started = ev.MessageStarted(message_id=line.message_id, type=MESSAGE_HUMAN, command_id=line.command_id)
        call = ev.ToolCallRequested(call_id=line.call_id, message_id=line.message_id, name=TOOL_NAME)
        call.args.CopyFrom(_arguments(line.text))
        begun = ev.ToolCallStarted(
            call_id=line.call_id,
            terminal_id=line.terminal_id,
            directory=self._hidden(directory),
            sandbox=described(sandbox, network),
            columns=columns,
            rows=rows,
        )
        return (
            ev.Event(time_unix_micros=now, message_started=started),
            ev.Event(time_unix_micros=now, text_delta=ev.TextDelta(message_id=line.message_id, text=line.text)),
            ev.Event(time_unix_micros=now, message_completed=ev.MessageCompleted(message_id=line.message_id)),
            ev.Event(time_unix_micros=now, tool_call_requested=call),
            ev.Event(time_unix_micros=now, tool_call_started=begun),
        )

    def output(self, pieces: Sequence[bytes]) -> Sequence[ev.Event]:
        """More output."""
        now, terminal_id = self._clock(), self._line.terminal_id
        return [
            ev.Event(time_unix_micros=now, terminal_output=ev.TerminalOutput(terminal_id=terminal_id, data=piece))
            for piece in pieces
        ]

    def resized(self, columns: int, rows: int) -> Sequence[ev.Event]:
        """The terminal has another size."""
        resized = ev.TerminalResized(terminal_id=self._line.terminal_id, columns=columns, rows=rows)
        return (ev.Event(time_unix_micros=self._clock(), terminal_resized=resized),)

    def waits(self, waits: InputWait) -> Sequence[ev.Event]:
        """It waits for a person."""
        password = waits is InputWait.PASSWORD
        what = "a password" if password else "a line of input"
        raised = ev.AttentionRaised(
            attention_id=self._attention_id,
            kind=ATTENTION_KIND_PASSWORD if password else ATTENTION_KIND_INPUT,
            text=f"{quote(self._line.text)} waits for {what}.",
            call_id=self._line.call_id,
        )
        return (ev.Event(time_unix_micros=self._clock(), attention_raised=raised),)

    def waits_no_more(self) -> Sequence[ev.Event]:
        """It goes on."""
        cleared = ev.AttentionCleared(attention_id=self._attention_id)
        return (ev.Event(time_unix_micros=self._clock(), attention_cleared=cleared),)

    def finished(self, result: CommandResult, output_bytes: int, problem: str = "") -> Sequence[ev.Event]:
        """It is over."""
        finished = ev.ToolCallFinished(
            call_id=self._line.call_id,
            outcome=_outcome(result.outcome),
            signal=result.signal or 0,
            duration_micros=round(result.duration * 1e6),
            directory=self._hidden(result.state.directory),
            error=self._hidden(_remark(result) or problem),
            killed=[ev.KilledProcess(pid=each.pid, command=self._hidden(each.command)) for each in result.killed],
            output_bytes=output_bytes,
        )
        if result.outcome is Outcome.EXITED and result.exit_code is not None:
            finished.exit_code = result.exit_code
        return (ev.Event(time_unix_micros=self._clock(), tool_call_finished=finished),)

    def not_started(self, error: str, *, cancelled: bool = False) -> Sequence[ev.Event]:
        """It never ran."""
        outcome = ev.TOOL_OUTCOME_CANCELLED if cancelled else ev.TOOL_OUTCOME_NOT_STARTED
        finished = ev.ToolCallFinished(call_id=self._line.call_id, outcome=outcome, error=self._hidden(error))
        return (ev.Event(time_unix_micros=self._clock(), tool_call_finished=finished),)

    def unknown(self) -> Sequence[ev.Event]:
        """Its runner died."""
        finished = ev.ToolCallFinished(
            call_id=self._line.call_id,
            outcome=ev.TOOL_OUTCOME_UNKNOWN,
            error="The runner stopped while it ran: nobody knows how far it came. It is not run again by itself.",
        )
        return (*self.waits_no_more(), ev.Event(time_unix_micros=self._clock(), tool_call_finished=finished))

    @property
    def _attention_id(self) -> str:
        return f"{self._line.call_id}-input"


def described(sandbox: SandboxDescription, network: bool) -> ev.Sandbox:
    """The walls as events and the link tell them."""
    return ev.Sandbox(kind=sandbox.kind.value, walls=sandbox.walls, network=network, reason=sandbox.reason)


def with_gaps(sandbox: SandboxDescription) -> ev.Sandbox:
    """The walls as `doctor` tells them: with what they do not keep."""
    told = described(sandbox, network=True)
    if sandbox.walls and sandbox.gaps:
        told.reason = " ".join(
            [
                *([f"{sandbox.reason.rstrip('.')}."] if sandbox.reason else []),
                "What these walls do not keep:",
                *sandbox.gaps,
            ]
        )
    return told


def _arguments(text: str) -> Struct:
    arguments = Struct()
    arguments.update({"command": text[:LONG_COMMAND]})
    if len(text) > LONG_COMMAND:
        arguments.update({"omitted_characters": len(text) - LONG_COMMAND})
    return arguments


def _outcome(outcome: Outcome) -> ev.ToolOutcome.ValueType:
    match outcome:
        case Outcome.EXITED | Outcome.SIGNALLED:
            return ev.TOOL_OUTCOME_ENDED
        case Outcome.CANCELLED:
            return ev.TOOL_OUTCOME_CANCELLED
        case Outcome.TIMED_OUT:
            return ev.TOOL_OUTCOME_TIMED_OUT
        case _:
            assert_never(outcome)


def _remark(result: CommandResult) -> str:
    if result.survivors:
        named = ", ".join(f"{each.command} ({each.pid})" for each in result.survivors[:5])
        return f"Could not be ended: {named}."
    return ""
