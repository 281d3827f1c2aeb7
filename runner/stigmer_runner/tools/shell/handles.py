"""The commands of a session that a model started: those that go on in the background, and those that ended lately."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.execution.v1.attention_pb2 import ATTENTION_KIND_INPUT, ATTENTION_KIND_PASSWORD
from stigmer_runner.durable.wording import quote
from stigmer_runner.finishing import uninterrupted
from stigmer_runner.redaction import RedactingStream
from stigmer_runner.sandbox import CommandResult, InputWait, RunningCommand
from stigmer_runner.tools.interface import ToolError
from stigmer_runner.tools.shell.attention import InputWatch
from stigmer_runner.tools.shell.redacted import RedactedOutput
from stigmer_runner.tools.shell.spool import Spool
from stigmer_runner.tools.web.proxy import HostProxy

KEPT = 50
"""Ended commands whose output can be read again."""
MOST_RUNNING = 20
"""Commands that go on in the background at the same time."""

WAITS_FOR = {
    InputWait.PASSWORD: "a password",
    InputWait.LINE: "a line of input",
    InputWait.KEY: "keys, as a pager or an editor does",
}

Teller = Callable[[ev.Event], None]


def terminal_of(call_id: str) -> str:
    """The terminal that a call's command runs in."""
    return f"terminal-{call_id}"


class ModelCommand:
    """One command. Its output goes to events, redacted, and to a spool."""

    def __init__(self, call_id: str, line: str, stream: RedactingStream, spool: Spool, tell: Teller) -> None:
        self.call_id = call_id
        self.terminal_id = terminal_of(call_id)
        self.line = line
        self.spool = spool
        self.seen = 0
        """Bytes of output that the model was told of."""
        self.background = False
        self.person_typed = False
        """Whether a person typed into it since the model was last told of it. What they typed is nowhere."""
        self.waits: InputWait | None = None
        """What it waits for, where it does."""
        self.result: CommandResult | None = None
        self.changed = asyncio.Event()
        """Set when it ends, or begins to wait for input."""
        self.protected_before: tuple[Path, ...] = ()
        """Files that run by themselves and were there before it."""
        self.way_out: HostProxy | None = None
        """What it has in place of the network."""
        self.refused: list[str] = []
        """Hosts that it asked for and that the policy does not open."""
        self._answered = asyncio.Event()
        self._tell: Teller | None = tell
        self._output = RedactedOutput(stream, self._hand_over)
        self._command: RunningCommand | None = None
        self._watch: InputWatch | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether it goes on."""
        return self.result is None

    @property
    def command(self) -> RunningCommand:
        """What runs; only after `begin`."""
        assert self._command is not None
        return self._command

    def output(self, data: bytes) -> None:
        """More output: the sandbox's sink."""
        self._output.take(data)
        if self._watch is not None:
            self._watch.heard()

    def begin(self, command: RunningCommand, ended: Callable[["ModelCommand"], None]) -> None:
        """It runs. `ended` is told once it does not any more."""
        self._command = command
        self._watch = InputWatch(command, self._waits, self._waits_no_more, keys=True)
        self._task = asyncio.create_task(self._live(command, ended), name=self.terminal_id)

    def resized(self, columns: int, rows: int) -> None:
        """Its terminal has another size from here on."""
        self._output.flush()
        resized = ev.TerminalResized(terminal_id=self.terminal_id, columns=columns, rows=rows)
        self._say(ev.Event(terminal_resized=resized))

    def typed(self) -> None:
        """A person typed into it."""
        self.person_typed = True

    async def until_changed(self, seconds: float) -> None:
        """Wait until it ends or waits for input, or the time is up."""
        if self._task is None or self._task.done():
            return
        try:
            async with asyncio.timeout(seconds):
                await self.changed.wait()
        except TimeoutError:
            return

    async def until_settled(self, seconds: float, patience: Mapping[InputWait, float]) -> None:
        """Wait until it ends, or the time is up, or it waits for input and no person gave any for as long as `patience` says, in seconds.

        A password is the person's alone to type, who reaches the terminal while it is waited for: then the time that is left counts for nothing.
        The time that a person took for an answer does not count either.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while self.running and (left := deadline - loop.time()) > 0:
            if self.waits is None:
                await self.until_changed(left)
                continue
            try:
                patient, since = patience[self.waits], loop.time()
                async with asyncio.timeout(patient if self.waits is InputWait.PASSWORD else min(left, patient)):
                    await self._answered.wait()
                deadline += loop.time() - since
            except TimeoutError:
                return

    async def kill(self) -> None:
        """End it and wait for that."""
        if self._command is not None:
            await self._command.cancel()
        if self._task is not None:
            await asyncio.wait((self._task,))

    def refuse(self, host: str) -> None:
        """It asked for a host that is not open."""
        if host not in self.refused and len(self.refused) < 100:
            self.refused.append(host)

    def warn(self, words: str) -> None:
        """Tell the person something about it."""
        self._say(ev.Event(log_line=ev.LogLine(level=ev.LOG_LEVEL_WARNING, component="shell", text=words)))

    def mute(self) -> None:
        """Tell no event any more."""
        self._tell = None

    async def _live(self, command: RunningCommand, ended: Callable[["ModelCommand"], None]) -> None:
        assert self._watch is not None
        try:
            result = await command.wait()
        finally:
            self._watch.close()
        self._hand_over(self._output.close())
        if self.way_out is not None:
            await self.way_out.close()
        self.result = result
        ended(self)
        self.changed.set()

    def _hand_over(self, pieces: Sequence[bytes]) -> None:
        for piece in pieces:
            self.spool.take(piece)
            output = ev.TerminalOutput(terminal_id=self.terminal_id, data=piece)
            self._say(ev.Event(terminal_output=output))

    def _waits(self, waits: InputWait) -> None:
        self.waits = waits
        self._output.flush(waits=waits is not InputWait.KEY)
        password = waits is InputWait.PASSWORD
        raised = ev.AttentionRaised(
            attention_id=f"{self.call_id}-input",
            kind=ATTENTION_KIND_PASSWORD if password else ATTENTION_KIND_INPUT,
            text=f"{quote(self.line)} waits for {WAITS_FOR[waits]}.",
            call_id=self.call_id,
        )
        self._say(ev.Event(attention_raised=raised))
        self._answered.clear()
        self.changed.set()

    def _waits_no_more(self) -> None:
        self.waits = None
        self._answered.set()
        if self.running:
            self.changed.clear()
        self._say(ev.Event(attention_cleared=ev.AttentionCleared(attention_id=f"{self.call_id}-input")))

    def _say(self, event: ev.Event) -> None:
        if self._tell is not None:
            self._tell(event)


class Handles:
    """All commands of a session, by the call that started them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._commands: dict[str, ModelCommand] = {}

    def spool(self, call_id: str) -> Spool:
        """For the output of a new command."""
        return Spool(self._directory / f"{call_id.replace('/', '_')[-100:]}.out")

    def add(self, command: ModelCommand) -> None:
        """One more. Raises `ToolError` where too many run already."""
        running = [each for each in self._commands.values() if each.running]
        if len(running) >= MOST_RUNNING:
            raise ToolError(f"{len(running)} commands run already: end some with `shell_kill`")
        self._commands[command.terminal_id] = command
        ended = [name for name, each in self._commands.items() if not each.running]
        for name in ended[: max(0, len(ended) - KEPT)]:
            self._commands.pop(name).spool.close()

    async def discard(self, command: ModelCommand) -> None:
        """One that never ran."""
        self._commands.pop(command.terminal_id, None)
        if command.way_out is not None:
            await command.way_out.close()

    def find(self, name: str) -> ModelCommand:
        """The command with that id. Raises `ToolError`."""
        found = self._commands.get(name)
        if found is None:
            known = ", ".join(self._commands) or "there are none"
            raise ToolError(f"there is no command {name[:100]!r}: {known}")
        return found

    def all(self) -> Sequence[ModelCommand]:
        """Running ones and those that ended lately, oldest first."""
        return list(self._commands.values())

    async def close(self) -> None:
        """End what runs, and wait for that; nothing more is told."""
        for each in self._commands.values():
            each.mute()
        running = [each for each in self._commands.values() if each.running]
        if running:
            await uninterrupted(_killed(running))
        for each in self._commands.values():
            each.spool.close()


async def _killed(commands: Sequence[ModelCommand]) -> None:
    async with asyncio.TaskGroup() as group:
        for each in commands:
            group.create_task(each.kill())
