"""One workstation in a process of its own, for one page. It is started by its words, never by a shell."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress

from stigmer_tui.web.packets import DATA, begun, news, packet, read_packet

END_SECONDS = 5.0
"""That it has to keep what was written, once its page is closed."""
LEAST, MOST = 2, 1000
"""Columns and rows of a terminal."""
_DRIVER = {
    "TEXTUAL_DRIVER": "textual.drivers.web_driver:WebDriver",
    "TEXTUAL_COLOR_SYSTEM": "truecolor",
    "TERM_PROGRAM": "textual",
}
_NOT_ITS = ("TMUX", "STY", "NO_COLOR", "TERM_PROGRAM_VERSION")
"""What is said of the terminal in which the server was started."""


def clipped(cells: object, usual: int) -> int:
    """A number of columns or rows, whatever a page says."""
    return max(LEAST, min(cells, MOST)) if isinstance(cells, int) and not isinstance(cells, bool) else usual


class AppProcess:
    """Started with `start`, ended with `stop`."""

    def __init__(self, words: Sequence[str], environ: Mapping[str, str] = os.environ) -> None:
        """`words`: behind `stigmer tui`."""
        self._words = (sys.executable, "-m", "stigmer_tui", "tui", *words)
        self._environ = {name: value for name, value in environ.items() if name not in _NOT_ITS}
        self._process: Process | None = None

    async def start(self, columns: int, rows: int) -> bool:
        """Start it; False where it does not come up."""
        size = {"COLUMNS": str(columns), "ROWS": str(rows)}
        self._process = await asyncio.create_subprocess_exec(
            *self._words, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env={**self._environ, **_DRIVER, **size}
        )
        return await begun(_of(self._process.stdout))

    async def read(self, show: Callable[[bytes], Awaitable[None]]) -> None:
        """Give `show` what the terminal is written, until the app is left."""
        assert self._process is not None
        while (read := await read_packet(_of(self._process.stdout))) is not None:
            kind, data = read
            if kind == DATA:
                await show(data)

    async def type(self, text: str) -> None:
        """What somebody typed."""
        await self._write(packet(DATA, text.encode("utf-8", "replace")))

    async def tell(self, what: str, **more: object) -> None:
        """News: `resize` with `width` and `height`, `focus`, `blur`, `quit`."""
        await self._write(news({"type": what, **more}))

    async def _write(self, data: bytes) -> None:
        if self._process is not None and self._process.stdin is not None:
            with suppress(ConnectionError, RuntimeError):  # it was left meanwhile: reading says so
                self._process.stdin.write(data)
                await self._process.stdin.drain()

    async def stop(self) -> None:
        """Have it leave; it keeps what was written. What does not leave is ended."""
        process = self._process
        if process is None:
            return
        await self.tell("quit")
        draining = asyncio.create_task(_of(process.stdout).read())
        try:
            async with asyncio.timeout(END_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        finally:
            draining.cancel()


def _of(stream: asyncio.StreamReader | None) -> asyncio.StreamReader:
    assert stream is not None
    return stream
