"""An execution's events on this terminal: its output as text, or one event a line as JSON."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

import click
from google.protobuf.json_format import MessageToDict

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.stigmer.event.v1 import event_pb2
from stigmer_apis._generated.stigmer.execution.v1 import attention_pb2
from stigmer_apis.client import Client, TailBatch, TailEnd, TailHeartbeat, TailReset
from stigmer_tui.cli.connect import note
from stigmer_tui.cli.exit_codes import ExitCode
from stigmer_tui.cli.talk import ModelTalk
from stigmer_tui.cli.terminal_text import OutputFilter, output_filter
from stigmer_tui.text import safe

SIGNAL_BASE = 128
"""A shell reports a command that a signal ended as 128 and the signal's number; so do we."""


@dataclass(frozen=True)
class StreamOptions:
    """What to show of an execution, and how."""

    follow: bool = True
    """Stay until it ends."""
    as_json: bool = False
    """One event a line, protobuf JSON with its `seq`."""
    raw: bool = False
    """Bytes as they came, wherever they go."""
    after_seq: int = 0
    """Show what comes after this sequence."""
    since_micros: int = 0
    """Show what happened at or after this moment, microseconds since 1970."""


class ExecutionStream:
    """Writes one execution's events to standard output, and keeps what the exit code is made of."""

    def __init__(
        self, client: Client, execution_id: str, options: StreamOptions, output: BinaryIO | None = None
    ) -> None:
        self._client = client
        self._execution_id = execution_id
        self._options = options
        self._output = sys.stdout.buffer if output is None else output
        self._filter: OutputFilter = output_filter(raw=options.raw, to_terminal=self._output.isatty())
        self._write: Callable[[int, event_pb2.Event], None] = self._write_json if options.as_json else self._write_text
        self._last_command_code: int = ExitCode.OK
        self._reason = ""
        self._talk = ModelTalk(self._say_model, execution_id, live=options.follow)

    async def show(self) -> int:
        """Show everything, and follow if asked to. The exit code is the last command's, or says how the run ended."""
        phase = enums.ExecutionPhase.EXECUTION_PHASE_UNSPECIFIED
        async for item in self._client.tail(
            self._execution_id, after_seq=self._options.after_seq, follow=self._options.follow
        ):
            match item:
                case TailBatch(first_seq, events):
                    for place, event in enumerate(events):
                        self._take(first_seq + place, event)
                    self._output.flush()
                case TailReset():
                    note("stigmer: the server's store was restored; this starts again from what it has")
                case TailHeartbeat():
                    pass
                case TailEnd(phase=ended):
                    phase = ended
        if not self._options.as_json:
            self._output.write(self._filter.finish())
        self._output.flush()
        return self._exit_code(phase)

    def _take(self, seq: int, event: event_pb2.Event) -> None:
        if event.time_unix_micros < self._options.since_micros:
            return
        self._remember(event)
        self._write(seq, event)

    def _remember(self, event: event_pb2.Event) -> None:
        match event.WhichOneof("body"):
            case "tool_call_finished":
                finished = event.tool_call_finished
                if finished.signal:
                    self._last_command_code = SIGNAL_BASE + finished.signal
                elif finished.HasField("exit_code"):
                    self._last_command_code = finished.exit_code
            case "phase_changed":
                self._reason = event.phase_changed.reason
            case _:
                pass

    def _write_json(self, seq: int, event: event_pb2.Event) -> None:
        line: dict[str, Any] = {"seq": seq, **MessageToDict(event, preserving_proto_field_name=False)}
        self._output.write(json.dumps(line, ensure_ascii=True, separators=(",", ":")).encode() + b"\n")

    def _say_model(self, text: str) -> None:
        """What a model says is the output of its run, as what a command prints is that of a shell's."""
        self._output.write(self._filter.feed(text.encode("utf-8", "replace")))

    def _write_text(self, seq: int, event: event_pb2.Event) -> None:
        if self._talk.take(event):
            return
        match event.WhichOneof("body"):
            case "terminal_output":
                self._output.write(self._filter.feed(event.terminal_output.data))
            case "tool_call_started" if event.tool_call_started.sandbox.reason:
                sandbox = event.tool_call_started.sandbox
                none = "" if sandbox.walls else "no walls around this command: "
                note(f"stigmer: {none}{safe(sandbox.reason)}")
            case "attention_raised" if self._options.follow:
                self._say_who_waits(event.attention_raised)
            case _:
                pass

    def _say_who_waits(self, raised: event_pb2.AttentionRaised) -> None:
        if raised.kind in (
            attention_pb2.AttentionKind.ATTENTION_KIND_INPUT,
            attention_pb2.AttentionKind.ATTENTION_KIND_PASSWORD,
        ):
            note(f"stigmer: {safe(raised.text)}; to type: stigmer attach {self._execution_id}")

    def _exit_code(self, phase: int) -> int:
        match phase:
            case enums.ExecutionPhase.EXECUTION_FAILED:
                click.echo(f"stigmer: the run failed: {safe(self._reason)}", err=True)
                return ExitCode.RUN_FAILED
            case enums.ExecutionPhase.EXECUTION_CANCELLED:
                note("stigmer: the run was cancelled")
                return ExitCode.RUN_CANCELLED
            case _:
                return ExitCode.OK if self._talk.is_model else self._last_command_code
