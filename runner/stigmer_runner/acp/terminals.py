"""Commands that a program wants run: in our sandbox, with a terminal that persons can attach to."""

import asyncio
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy
from stigmer_runner.acp.approvals import Record
from stigmer_runner.errors import RunnerError
from stigmer_runner.sandbox import Outcome
from stigmer_runner.tools.interface import ToolContext, ToolError
from stigmer_runner.tools.session import ToolSession
from stigmer_runner.tools.shell.commands import Shell, fill_started
from stigmer_runner.tools.shell.handles import ModelCommand, terminal_of

MOST_OUTPUT = 1024 * 1024
"""Bytes of output that are kept for the program."""


class NoTerminal(RunnerError):
    """There is no such terminal."""


def command_line(command: str, arguments: Sequence[str], environment: Mapping[str, str], directory: str) -> str:
    """What a shell runs for it, quoted. A command without arguments is a command line, as the protocol's clients take it."""
    line = command if not arguments else shlex.join([command, *arguments])
    if environment:
        pairs = [f"{name}={value}" for name, value in environment.items()]
        line = shlex.join(
            ["env", *pairs, "bash", "-c", line] if not arguments else ["env", *pairs, command, *arguments]
        )
    return f"cd -- {shlex.quote(directory)} && {line}" if directory else line


@dataclass
class Terminal:
    """One command."""

    call_id: str
    command: ModelCommand
    most: int
    output: bytearray = field(default_factory=bytearray)
    truncated: bool = False
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, data: bytes) -> None:
        """More output: its end is kept."""
        self.output += data
        over = len(self.output) - self.most
        if over > 0:
            del self.output[:over]
            self.truncated = True

    def exit(self) -> tuple[int | None, str | None] | None:
        """Exit code and signal, once it has ended."""
        result = self.command.result
        if result is None:
            return None
        return (result.exit_code, None) if result.exit_code is not None else (None, str(result.signal or "ended"))


class Terminals:
    """The commands of one execution's program."""

    def __init__(self, session: ToolSession, policy: Policy, clock: Callable[[], int]) -> None:
        self._session = session
        self._policy = policy
        self._clock = clock
        self._terminals: dict[str, Terminal] = {}
        self._watching: set[asyncio.Task[None]] = set()

    async def start(self, record: Record, call_id: str, line: str, most: int | None) -> Terminal:
        """Run a line that was allowed. Raises `ToolError`."""
        started = ev.ToolCallStarted(call_id=call_id, directory=self._session.standing().directory)
        fill_started(self._session, Shell.signature.name, self._policy, started)
        record((ev.Event(tool_call_started=started),))
        begun, early = self._clock(), bytearray()
        terminal: Terminal | None = None

        def tell(event: ev.Event) -> None:
            if event.HasField("terminal_output"):
                (early.extend if terminal is None else terminal.take)(event.terminal_output.data)
            record((event,))

        context = ToolContext(call_id=call_id, session=self._session, policy=self._policy, record=tell)
        arguments = Shell().check({"command": line, "background": True})
        result = await Shell().call(context, arguments)
        if result.details is None:
            finished = ev.ToolCallFinished(call_id=call_id, outcome=ev.TOOL_OUTCOME_NOT_STARTED, error=result.text)
            record((ev.Event(tool_call_finished=finished),))
            raise ToolError(result.text)
        command = self._session.handles.find(terminal_of(call_id))
        terminal = Terminal(call_id, command, min(most or MOST_OUTPUT, MOST_OUTPUT))
        terminal.take(bytes(early))
        self._terminals[command.terminal_id] = terminal
        watching = asyncio.create_task(self._watch(terminal, record, begun))
        self._watching.add(watching)
        watching.add_done_callback(self._watching.discard)
        return terminal

    def find(self, terminal_id: str) -> Terminal:
        """The terminal. Raises `NoTerminal`."""
        found = self._terminals.get(terminal_id)
        if found is None:
            raise NoTerminal(f"there is no terminal {terminal_id!r}")
        return found

    async def release(self, terminal_id: str) -> None:
        """End what runs in it, and forget it. Raises `NoTerminal`."""
        terminal = self.find(terminal_id)
        await terminal.command.kill()
        await terminal.ended.wait()
        del self._terminals[terminal_id]

    async def end_all(self) -> None:
        """End everything."""
        for terminal_id in list(self._terminals):
            await self.release(terminal_id)

    async def _watch(self, terminal: Terminal, record: Record, begun: int) -> None:
        while terminal.command.running:
            terminal.command.changed.clear()
            await terminal.command.until_changed(3600.0)
        result = terminal.command.result
        assert result is not None
        finished = ev.ToolCallFinished(
            call_id=terminal.call_id,
            outcome=ev.TOOL_OUTCOME_ENDED,
            duration_micros=self._clock() - begun,
            signal=result.signal or 0,
            output_bytes=terminal.command.spool.total,
        )
        if result.outcome is Outcome.EXITED and result.exit_code is not None:
            finished.exit_code = result.exit_code
        elif result.outcome is Outcome.CANCELLED:
            finished.outcome = ev.TOOL_OUTCOME_CANCELLED
        elif result.outcome is Outcome.TIMED_OUT:
            finished.outcome = ev.TOOL_OUTCOME_TIMED_OUT
        finished.killed.extend(ev.KilledProcess(pid=each.pid, command=each.command) for each in result.killed)
        record((ev.Event(tool_call_finished=finished),))
        terminal.ended.set()
