"""The activity that runs a command line."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_runner.durable.messages import RUN_COMMAND_LINE, CommandLine, LineEnd
from stigmer_runner.engine.activities import Activity, ActivityCall, Unfinished
from stigmer_runner.engine.errors import ActivityFailure
from stigmer_runner.errors import ShellStateBroken
from stigmer_runner.finishing import uninterrupted
from stigmer_runner.redaction import RedactingStream, Redactor
from stigmer_runner.sandbox import CommandRequest, CommandResult, InputWait, RunningCommand, Sandbox, SandboxError
from stigmer_runner.tools.shell.attention import InputWatch
from stigmer_runner.tools.shell.redacted import RedactedOutput
from stigmer_runner.tools.shell.state import ShellStates
from stigmer_runner.tools.shell.telling import LineTeller
from stigmer_runner.tools.shell.terminals import Terminals

NOT_STARTED = "CommandNotStarted"
"""Type of the failure of a line that could not be started."""


@dataclass(frozen=True)
class ShellPlace:
    """Where the lines of one execution run."""

    execution_id: str
    session_id: str
    workspace: Path
    sandbox: Sandbox
    marker_prefix: str
    """Of the markers by which children are found again after a crash."""
    context: Mapping[str, str] = field(repr=False)
    """Values of the execution's context: injected into each line, never carried over."""
    secrets: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """Those of them that nothing may show."""
    server_secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]], repr=False)
    """Secrets of MCP servers, by the id of the server and by name. No line gets them."""
    scratch: Path | None = None
    """The session's own /tmp."""
    network: bool = True

    @property
    def hidden(self) -> Mapping[str, str]:
        """Everything that nothing may show, by what is shown in its place."""
        of_servers = {
            f"{name} of {server}": value
            for server, given in self.server_secrets.items()
            for name, value in given.items()
        }
        return {**self.secrets, **of_servers}


class RunCommandLine(Activity):
    """Runs a line in a terminal; its output and its end become events. It is never repeated by itself."""

    name = RUN_COMMAND_LINE
    argument_types = (CommandLine,)
    repeatable = False

    def __init__(self, place: ShellPlace, states: ShellStates, terminals: Terminals, clock: Callable[[], int]) -> None:
        self._place = place
        self._states = states
        self._terminals = terminals
        self._clock = clock
        self._redactor = Redactor(place.hidden)

    def intent(self, call: ActivityCall) -> Sequence[Event]:
        """The person's message, and that it will run."""
        directory = self._states.current(self._place.session_id).directory
        size = self._terminals.columns, self._terminals.rows
        self._terminals.expect(_line(call).terminal_id)
        return self._teller(call).announced(directory, self._place.sandbox.description, self._place.network, *size)

    async def run(self, call: ActivityCall) -> object:
        """Run the line to its end."""
        running = _RunningLine(call, self._teller(call), self._redactor.stream())
        command = await self._start(call, running)
        with self._terminals.opened(_line(call).terminal_id, command, running.resized):
            result = await running.to_its_end(command)
        return await self._ended(call, running, result)

    def unfinished(self, call: ActivityCall, why: Unfinished) -> Sequence[Event]:
        """The line was announced and did not come to its end."""
        self._terminals.forget(_line(call).terminal_id)
        match why:
            case Unfinished.UNKNOWN:
                return self._teller(call).unknown()
            case Unfinished.CANCELLED:
                return self._teller(call).not_started("", cancelled=True)

    async def _start(self, call: ActivityCall, running: "_RunningLine") -> RunningCommand:
        try:
            command, interrupted = await uninterrupted(self._place.sandbox.start(self._request(call), running.output))
        except SandboxError as error:
            self._terminals.forget(_line(call).terminal_id)
            call.conclude(running.teller.not_started(str(error)))
            raise ActivityFailure(str(error), kind=NOT_STARTED, retryable=False) from error
        if interrupted:
            running.interrupted = True
        return command

    def _request(self, call: ActivityCall) -> CommandRequest:
        place, line = self._place, _line(call)
        return CommandRequest(
            line=line.text,
            workspace=place.workspace,
            state=self._states.current(place.session_id),
            marker=f"{place.marker_prefix}{place.execution_id}:{line.call_id}",
            environment=place.context,
            columns=self._terminals.columns,
            rows=self._terminals.rows,
            network=place.network,
            timeout=line.timeout_seconds or None,
            scratch=place.scratch,
        )

    async def _ended(self, call: ActivityCall, running: "_RunningLine", result: CommandResult) -> LineEnd:
        call.conclude(running.last_output())
        problem = ""
        try:
            _, late = await uninterrupted(self._states.save(self._place.session_id, result.state))
            running.interrupted = running.interrupted or late
        except ShellStateBroken as error:
            problem = str(error)
        call.conclude(running.teller.finished(result, running.total, problem))
        if running.interrupted:
            raise asyncio.CancelledError
        return LineEnd(exit_code=result.exit_code, signal=result.signal or 0)

    def _teller(self, call: ActivityCall) -> LineTeller:
        return LineTeller(_line(call), self._clock, self._redactor)


class _RunningLine:
    """A line under way: its output becomes events, redacted, and so does its waiting for a person."""

    def __init__(self, call: ActivityCall, teller: LineTeller, stream: RedactingStream) -> None:
        self.teller = teller
        self.interrupted = False
        self._call = call
        self._output = RedactedOutput(stream, self._hand_over)
        self._watch: InputWatch | None = None

    @property
    def total(self) -> int:
        """Bytes of output so far."""
        return self._output.total

    def output(self, data: bytes) -> None:
        """More output."""
        self._output.take(data)
        if self._watch is not None:
            self._watch.heard()

    def resized(self, columns: int, rows: int) -> None:
        """The terminal has another size from here on."""
        self._output.flush()
        self._call.record(self.teller.resized(columns, rows), urgent=False)

    async def to_its_end(self, command: RunningCommand) -> CommandResult:
        """How the command ended; a caller that is cancelled has it ended."""
        self._watch = InputWatch(command, self._waits, self._waits_no_more)
        try:
            if not self.interrupted:
                return await command.wait()
        except asyncio.CancelledError:
            self.interrupted = True
        finally:
            self._watch.close()
            self._watch = None
        await uninterrupted(command.cancel())
        result, _ = await uninterrupted(command.wait())
        return result

    def last_output(self) -> Sequence[Event]:
        """What was still held."""
        return self.teller.output(self._output.close())

    def _hand_over(self, pieces: Sequence[bytes]) -> None:
        self._call.record(self.teller.output(pieces), urgent=False)

    def _waits(self, waits: InputWait) -> None:
        self._output.flush(waits=True)
        self._call.record(self.teller.waits(waits), urgent=True)

    def _waits_no_more(self) -> None:
        self._call.record(self.teller.waits_no_more(), urgent=True)


def _line(call: ActivityCall) -> CommandLine:
    line = call.arguments[0]
    if not isinstance(line, CommandLine):
        raise TypeError(f"{RUN_COMMAND_LINE} takes a CommandLine, not {type(line).__name__}")
    return line
