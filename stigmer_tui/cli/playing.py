"""Plays frames at this terminal: a person pauses, changes the pace, leaves."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from stigmer_tui.records.pace import Frame, Pace
from stigmer_tui.terminal.modes import TerminalModes
from stigmer_tui.terminal.raw_terminal import RawTerminal
from stigmer_tui.terminal.replay import QuestionFilter
from stigmer_tui.text import safe

KEEP_TITLE, TITLE_BACK = b"\x1b[22;2t", b"\x1b[23;2t"
_LONGEST_NOTICE = 200
_LEAVE = frozenset(b"qQ\x03\x04")


class Player:
    """Shows frames at their pace until they end or the person leaves."""

    def __init__(self, terminal: RawTerminal, modes: TerminalModes, pace: Pace) -> None:
        self._terminal = terminal
        self._modes = modes
        self._pace = pace
        self._questions = QuestionFilter()
        self._paused = False
        self._left = asyncio.Event()
        self._pressed = asyncio.Event()
        self._resized: tuple[int, int] | None = None
        self._in_line = False
        """Whether the last line that was printed is not over."""

    async def play(self, frames: AsyncIterator[Frame]) -> bool:
        """Play them; whether they came to their end."""
        await self._terminal.write(KEEP_TITLE)
        keys = asyncio.create_task(self._listen())
        playing = asyncio.create_task(self._show(frames))
        leaving = asyncio.create_task(self._left.wait())
        tasks = {keys, playing, leaving}
        try:
            await asyncio.wait({playing, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not playing.done():
                return False
            playing.result()
            return True
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _show(self, frames: AsyncIterator[Frame]) -> None:
        async for frame in frames:
            await self._wait(self._pace.until(frame))
            if frame.size is not None:
                self._resized = frame.size
            if frame.command:
                await self._notice(f"$ {frame.command}")
            await self._tell_size()
            if frame.data:
                data = self._questions.feed(frame.data)
                self._modes.feed(data)
                self._in_line = self._in_line if not data else not data.endswith(b"\n")
                await self._terminal.write(data)

    async def _wait(self, seconds: float) -> None:
        """Wait so many seconds of the recording; keys change how long that is."""
        loop = asyncio.get_running_loop()
        while seconds > 0 or self._paused:
            self._pressed.clear()
            speed, begun = self._pace.speed, loop.time()
            try:
                async with asyncio.timeout(None if self._paused else seconds / speed):
                    was_paused = self._paused
                    await self._pressed.wait()
            except TimeoutError:
                return
            if not was_paused:
                seconds -= (loop.time() - begun) * speed

    async def _tell_size(self) -> None:
        """Say that the terminal had another size than this one; not over a full screen."""
        if self._resized is None or self._modes.alternate_screen:
            return
        size, self._resized = self._resized, None
        if size != self._terminal.size():
            await self._notice(f"[the terminal had {size[0]} columns and {size[1]} rows]")

    async def _notice(self, text: str) -> None:
        """A line of ours between the output, where no full-screen program draws."""
        if not self._modes.alternate_screen:
            begin = "\r\n" if self._in_line else ""
            self._in_line = False
            await self._terminal.write(f"{begin}\x1b[0;2m{safe(text)[:_LONGEST_NOTICE]}\x1b[0m\r\n".encode())

    async def _listen(self) -> None:
        async with aclosing(self._keys()) as keys:
            async for key in keys:
                if key in _LEAVE:
                    break
                match chr(key):
                    case " ":
                        self._paused = not self._paused
                    case "+" | "=":
                        self._pace.faster()
                    case "-" | "_":
                        self._pace.slower()
                    case _:
                        continue
                self._pressed.set()
                state = "paused" if self._paused else f"{self._pace.speed:g}x"
                await self._terminal.write(f"\x1b]2;stigmer replay: {state}\x1b\\".encode())
        self._left.set()

    async def _keys(self) -> AsyncGenerator[int, None]:
        """Keys, without those that come as a sequence, such as arrows."""
        async for data in self._terminal.keys():
            if not data.startswith(b"\x1b"):
                for key in data:
                    yield key
