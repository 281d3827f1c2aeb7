"""A run of a workflow on this terminal: what happens to its tasks beside, what it gives as output."""

import json
import sys
from typing import BinaryIO

import click

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.stigmer.event.v1 import event_pb2
from stigmer_apis.client import Client, TailBatch, TailEnd, TailReset
from stigmer_tui.cli.connect import note
from stigmer_tui.cli.exit_codes import ExitCode
from stigmer_tui.cli.terminal_text import output_filter
from stigmer_tui.text import safe
from stigmer_tui.workflow.lines import RunLines


class WorkflowStream:
    """Standard output has what the workflow gives, as JSON, and nothing else; standard error how it goes, and what its processes print."""

    def __init__(
        self, client: Client, execution_id: str, *, follow: bool = True, output: BinaryIO | None = None
    ) -> None:
        self._client = client
        self._execution_id = execution_id
        self._follow = follow
        self._output = sys.stdout.buffer if output is None else output
        self._lines = RunLines(execution_id)
        self._printed = output_filter(raw=False, to_terminal=sys.stderr.isatty())
        self._reason = ""

    async def show(self) -> int:
        """Show everything, and follow if asked to. The exit code says how it ended."""
        phase = enums.ExecutionPhase.EXECUTION_PHASE_UNSPECIFIED
        async for item in self._client.tail(self._execution_id, follow=self._follow):
            match item:
                case TailBatch(events=events):
                    for event in events:
                        self._take(event)
                case TailReset():
                    note("stigmer: the server's store was restored; this starts again from what it has")
                    self._lines = RunLines(self._execution_id)
                case TailEnd(phase=ended):
                    phase = ended
                case _:
                    continue
        return self._end(phase)

    def _take(self, event: event_pb2.Event) -> None:
        match event.WhichOneof("body"):
            case "terminal_output":
                self._print(self._printed.feed(event.terminal_output.data))
            case "phase_changed":
                self._reason = event.phase_changed.reason
            case _:
                pass
        for line in self._lines.take(event):
            click.echo(line, err=True)

    def _print(self, data: bytes) -> None:
        sys.stderr.flush()
        sys.stderr.buffer.write(data)
        sys.stderr.buffer.flush()

    def _end(self, phase: int) -> int:
        state = self._lines.state
        if state.has_output:
            self._output.write(
                json.dumps(state.output, ensure_ascii=False, indent=2).encode("utf-8", "replace") + b"\n"
            )
            self._output.flush()
        match phase:
            case enums.ExecutionPhase.EXECUTION_FAILED:
                click.echo(f"stigmer: the run failed: {safe(self._reason)}", err=True)
                return ExitCode.RUN_FAILED
            case enums.ExecutionPhase.EXECUTION_CANCELLED:
                note("stigmer: the run was cancelled")
                return ExitCode.RUN_CANCELLED
            case _:
                return ExitCode.OK
