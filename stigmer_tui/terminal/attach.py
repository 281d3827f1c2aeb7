"""The person's own terminal attached to one of a run: it is the emulator, so that any program works in it.

Used by `stigmer attach` and by the app, which suspends itself meanwhile.
"""

import asyncio
import signal
from collections.abc import Awaitable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from enum import Enum

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_apis.client import AttachSession, Client, TailBatch, TailHeartbeat, TailReset
from stigmer_apis.errors import StigmerError
from stigmer_tui.terminal.chord import EXPLANATION, Chord
from stigmer_tui.terminal.modes import RESIZED, TerminalModes
from stigmer_tui.terminal.raw_terminal import RawTerminal, raw_terminal, terminal_size
from stigmer_tui.terminal.replay import CLEAR, Replay
from stigmer_tui.text import Untrusted, safe

REDRAW_SECONDS = 0.1
LAST_OUTPUT_SECONDS = 3.0
"""How long the last output is waited for after the program's end."""


class AttachEnd(Enum):
    """Why it ended."""

    DETACHED = "detached"
    """The person let go."""
    PROGRAM_ENDED = "program ended"
    TAKEN = "taken"
    """Somebody else took the terminal, or the server ended it otherwise."""
    LOST = "lost"
    """The connection broke."""


@dataclass(frozen=True, slots=True)
class AttachResult:
    """How attaching ended."""

    end: AttachEnd
    message: str
    """In words for a person; safe to print."""


async def attach_here(
    client: Client,
    execution_id: str,
    *,
    terminal_id: str = "",
    stdin: int = 0,
    stdout: int = 1,
) -> AttachResult:
    """Attach this terminal to that of an execution, until the person leaves by the chord or the program ends.

    `terminal_id`: empty for the one that runs. `stdin`, `stdout`: file descriptors, by default the process's own. What the terminal printed so far is
    shown first (its end, on a cleared screen). The terminal is put back in every case, also when this is cancelled: who calls turns SIGTERM and SIGHUP
    into cancelling. Raises `NotFound`, and `FailedPrecondition` where nothing runs there; the terminal is untouched then.
    """
    columns, rows = terminal_size(stdout)
    async with client.attach(execution_id, terminal_id, columns=columns, rows=rows) as session:
        modes = TerminalModes()
        async with raw_terminal(stdin, stdout, modes.undo) as terminal:
            result = await _Attached(client, execution_id, session, terminal, modes).run()
    return result


class _Attached:
    """One attaching: keys out, output in, sizes out, whichever ends first ends all."""

    def __init__(
        self, client: Client, execution_id: str, session: AttachSession, terminal: RawTerminal, modes: TerminalModes
    ) -> None:
        self._client = client
        self._execution_id = execution_id
        self._session = session
        self._terminal = terminal
        self._modes = modes
        self._attached = session.attached
        self._result: asyncio.Future[AttachResult] = asyncio.get_running_loop().create_future()
        self._drained = asyncio.Event()

    async def run(self) -> AttachResult:
        """Until it ends, and how."""
        try:
            last = await self._replay()
            async with asyncio.TaskGroup() as tasks:
                running = [
                    tasks.create_task(work)
                    for work in (self._show(last), self._type(), self._listen(), self._fit(), self._redraw())
                ]
                result = await self._result
                if result.end is AttachEnd.PROGRAM_ENDED:
                    await self._last_output()
                for task in running:
                    task.cancel()
        except* StigmerError as errors:
            result = AttachResult(AttachEnd.LOST, f"Let go of the terminal: {safe(str(errors.exceptions[0]))}.")
        except* OSError:
            result = AttachResult(AttachEnd.DETACHED, "The terminal is gone; what ran there goes on.")
        return result

    async def _replay(self) -> int:
        """Show what was printed so far; return the sequence of the last event seen."""
        last = max(0, self._attached.started_seq - 1)
        replay = Replay()
        async with aclosing(self._client.tail(self._execution_id, last, follow=False)) as items:
            async for item in items:
                if isinstance(item, TailBatch):
                    last = item.last_seq
                    for data in self._outputs(item.events):
                        replay.add(data)
                elif isinstance(item, TailReset):
                    last = item.first_available - 1
                elif isinstance(item, TailHeartbeat):
                    break
        title = safe(Untrusted(self._attached.title)) or "the terminal"
        heading = f"Attached to {title}: {EXPLANATION}.\r\n".encode()
        await self._write(CLEAR + heading + replay.screen())
        return last

    async def _redraw(self) -> None:
        """Have a full-screen program draw itself anew: its terminal changes its size, and after a moment back. Two changes at once are one to many."""
        if self._modes.alternate_screen:
            columns, rows = self._terminal.size()
            if await self._reached(self._session.resize(columns, max(1, rows - 1))):
                await asyncio.sleep(REDRAW_SECONDS)
                await self._reached(self._session.resize(*self._terminal.size()))

    async def _show(self, last: int) -> None:
        async with aclosing(self._client.tail(self._execution_id, last)) as items:
            async for item in items:
                if isinstance(item, TailBatch):
                    await self._write(b"".join(self._outputs(item.events)))
                    if self._has_finished(item.events):
                        self._drained.set()
        self._drained.set()

    def _outputs(self, events: list[Event]) -> Iterator[bytes]:
        for event in events:
            if event.HasField("terminal_output") and event.terminal_output.terminal_id == self._attached.terminal_id:
                yield event.terminal_output.data
            elif (
                event.HasField("terminal_resized") and event.terminal_resized.terminal_id == self._attached.terminal_id
            ):
                yield RESIZED

    def _has_finished(self, events: list[Event]) -> bool:
        return any(
            event.HasField("tool_call_finished") and event.tool_call_finished.call_id == self._attached.call_id
            for event in events
        )

    async def _type(self) -> None:
        chord = Chord()
        async for data in self._terminal.keys():
            keys = chord.feed(data)
            if keys and not await self._reached(self._session.write(keys)):
                return
            if chord.left:
                self._end(AttachEnd.DETACHED, "Left the terminal; what runs there goes on.")
                return
        self._end(AttachEnd.DETACHED, "The terminal is gone; what ran there goes on.")

    async def _reached(self, sending: Awaitable[None]) -> bool:
        """Whether it was sent; where the session has ended, `_listen` says why."""
        try:
            await sending
        except StigmerError:
            return False
        return True

    async def _listen(self) -> None:
        try:
            async for response in self._session:
                if response.HasField("ended"):
                    self._told(response.ended.command_ended, response.ended.reason)
                    return
        except StigmerError as error:
            self._end(AttachEnd.LOST, f"Let go of the terminal: {safe(error.message)}. What runs there goes on.")
            return
        self._told(command_ended=False, reason="the server ended it")

    def _told(self, command_ended: bool, reason: str) -> None:
        if command_ended:
            self._end(AttachEnd.PROGRAM_ENDED, "The program has ended.")
        else:
            self._end(AttachEnd.TAKEN, f"Let go of the terminal: {safe(Untrusted(reason)) or 'the server ended it'}.")

    def _end(self, end: AttachEnd, message: str) -> None:
        if not self._result.done():
            self._result.set_result(AttachResult(end, message))

    async def _last_output(self) -> None:
        try:
            async with asyncio.timeout(LAST_OUTPUT_SECONDS):
                await self._drained.wait()
        except TimeoutError:
            return

    async def _write(self, data: bytes) -> None:
        self._modes.feed(data)
        await self._terminal.write(data)

    async def _fit(self) -> None:
        """Tell the program the size of this terminal whenever it changes."""
        loop = asyncio.get_running_loop()
        changed = asyncio.Event()
        loop.add_signal_handler(signal.SIGWINCH, changed.set)
        try:
            while True:
                await changed.wait()
                changed.clear()
                columns, rows = self._terminal.size()
                if not await self._reached(self._session.resize(columns, rows)):
                    return
        finally:
            loop.remove_signal_handler(signal.SIGWINCH)
