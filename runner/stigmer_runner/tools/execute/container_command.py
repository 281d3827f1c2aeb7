"""A command in a session's container: its output, its end, and the state that it leaves."""

import asyncio
import contextlib
import re
from asyncio.subprocess import Process
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TypeAlias

from stigmer_runner.finishing import uninterrupted
from stigmer_runner.sandbox import (
    CommandRequest,
    CommandResult,
    InputRefused,
    InputWait,
    Outcome,
    OutputSink,
    ShellState,
)
from stigmer_runner.sandbox.environment import state_after
from stigmer_runner.sandbox.report import parse
from stigmer_runner.tools.shell.executing import CHUNK

_LARGEST_STATE = 1024 * 1024

End: TypeAlias = "Callable[[Process], Coroutine[object, object, None]]"
"""Ends what an engine's client runs, and waits for that."""


class ContainerCommand:
    """See `interface.RunningCommand`. What it is written to is refused: it has no terminal."""

    def __init__(
        self,
        process: Process,
        request: CommandRequest,
        on_output: OutputSink,
        state: Path | None,
        end: End,
    ) -> None:
        self._process = process
        self._request = request
        self._on_output = on_output
        self._state = state
        self._end = end
        self._began = asyncio.get_running_loop().time()
        self._asked: Outcome | None = None
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._failure: Exception | None = None
        self.life = asyncio.create_task(self._live())

    @property
    def pid(self) -> int:
        """The engine's client."""
        return self._process.pid

    def write(self, data: bytes) -> None:
        """Refused."""
        del data
        raise InputRefused("a command in a container has no terminal, and reads no input")

    def resize(self, columns: int, rows: int) -> None:
        """There is nothing that has a size."""

    def pause_reading(self) -> None:
        """See `RunningCommand.pause_reading`."""
        self._flowing.clear()

    def resume_reading(self) -> None:
        """See `RunningCommand.resume_reading`."""
        self._flowing.set()

    def waiting_for(self) -> InputWait | None:
        """Never for input."""
        return None

    async def cancel(self) -> None:
        """See `RunningCommand.cancel`."""
        await self._stop(Outcome.CANCELLED)
        await asyncio.wait({self.life})

    async def wait(self) -> CommandResult:
        """See `RunningCommand.wait`."""
        return await asyncio.shield(self.life)

    async def _stop(self, why: Outcome) -> None:
        if self._asked is None and self._process.returncode is None:
            self._asked = why
            self._flowing.set()
            await uninterrupted(self._end(self._process))

    async def _live(self) -> CommandResult:
        stdout = self._process.stdout
        assert stdout is not None
        try:
            async with asyncio.timeout(self._request.timeout):
                await self._read(stdout)
                code = await self._process.wait()
        except TimeoutError:
            await self._stop(Outcome.TIMED_OUT)
            await self._read(stdout)
            code = await self._process.wait()
        if self._failure is not None:
            raise self._failure
        ended = self._asked is not None
        return CommandResult(
            outcome=self._asked or Outcome.EXITED,
            exit_code=None if ended else code,
            signal=None,
            duration=asyncio.get_running_loop().time() - self._began,
            state=await asyncio.to_thread(self._after) if not ended else self._request.state,
        )

    async def _read(self, stdout: asyncio.StreamReader) -> None:
        last = b""
        while data := await stdout.read(CHUNK):
            await self._flowing.wait()
            # As a terminal would print it; a line end that is one already stays.
            whole = re.sub(rb"(?<!\r)\n", b"\r\n", last + data)[len(last) :]
            last = data[-1:] if data[-1:] == b"\r" else b""
            if self._failure is not None:
                continue
            try:
                self._on_output(whole)
            except Exception as error:  # noqa: BLE001 - whoever waits gets it
                self._failure = error
                await self._stop(Outcome.CANCELLED)

    def _after(self) -> ShellState:
        request = self._request
        if self._state is None:
            return request.state
        try:
            with open(self._state, "rb") as file:
                said = file.read(_LARGEST_STATE)
            self._state.unlink()
        except OSError:
            return request.state
        report = parse(said)
        if report is None:
            return request.state
        own = {**request.environment, **dict.fromkeys(_OF_IMAGES, "")}
        return state_after(report.directory, report.exported, given={}, injected=own)


_OF_IMAGES = ("PATH", "HOME", "HOSTNAME", "TERM", "container")
"""Variables that an image or an engine gives, and that are given anew."""


async def fed(process: Process, content: bytes) -> None:
    """Give a process its input, which then ends."""
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(content)
        await process.stdin.drain()
    process.stdin.close()
