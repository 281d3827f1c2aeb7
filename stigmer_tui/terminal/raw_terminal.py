"""The person's own terminal while it belongs to a program: raw, and given back as it was, whatever happens."""

import asyncio
import os
import termios
import tty
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress

from stigmer_apis.errors import FailedPrecondition

_READ = 1 << 16


class RawTerminal:
    """Keys and output of a terminal in raw mode. Made by `raw_terminal`."""

    def __init__(self, stdin: int, stdout: int, writer: ThreadPoolExecutor) -> None:
        self._stdin = stdin
        self._stdout = stdout
        self._writer = writer

    async def write(self, data: bytes) -> None:
        """Write all of `data`; a slow terminal holds back the caller, not the loop."""
        if data:
            await asyncio.get_running_loop().run_in_executor(self._writer, write_all, self._stdout, data)

    async def keys(self) -> AsyncIterator[bytes]:
        """What the person types, as it comes; ends when the terminal is gone."""
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[bytes] = asyncio.Queue()

        def read() -> None:
            try:
                data = os.read(self._stdin, _READ)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            queue.put_nowait(data)
            if not data:
                loop.remove_reader(self._stdin)

        loop.add_reader(self._stdin, read)
        try:
            while data := await queue.get():
                yield data
        finally:
            loop.remove_reader(self._stdin)

    def size(self) -> tuple[int, int]:
        """Columns and rows."""
        return terminal_size(self._stdout)


def terminal_size(stdout: int) -> tuple[int, int]:
    """Columns and rows of the terminal at a file descriptor; 80 and 24 where it does not say."""
    try:
        size = os.get_terminal_size(stdout)
    except OSError:
        return 80, 24
    return size.columns or 80, size.lines or 24


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of `data`, however often that takes. Raises OSError where the terminal is gone."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BlockingIOError:
            os.set_blocking(descriptor, True)


@asynccontextmanager
async def raw_terminal(stdin: int, stdout: int, undo: Callable[[], bytes]) -> AsyncGenerator[RawTerminal]:
    """Put the terminal into raw mode for the block; at its end write `undo()` and put back what was.

    Raises `FailedPrecondition` where standard input is no terminal.
    """
    writer = ThreadPoolExecutor(1, thread_name_prefix="attached-output")
    try:
        with _raw_mode(stdin, stdout, undo):
            yield RawTerminal(stdin, stdout, writer)
            await asyncio.get_running_loop().run_in_executor(writer, lambda: None)
    finally:
        writer.shutdown(wait=False, cancel_futures=True)


@contextmanager
def _raw_mode(stdin: int, stdout: int, undo: Callable[[], bytes]) -> Generator[None]:
    try:
        before = termios.tcgetattr(stdin)
    except termios.error as error:
        raise FailedPrecondition(
            "standard input is no terminal", remedy="attach from a terminal, or use `stigmer logs -f`"
        ) from error
    try:
        tty.setraw(stdin, termios.TCSANOW)
        yield
    finally:
        _give_back(stdin, stdout, before, undo())


def _give_back(stdin: int, stdout: int, before: "list[int | list[bytes | int]]", undo: bytes) -> None:
    """Put everything back. A terminal that is gone (hung up) needs nothing, and refuses everything."""
    with suppress(OSError):
        write_all(stdout, undo)
    with suppress(termios.error):
        termios.tcflush(stdin, termios.TCIFLUSH)
        termios.tcsetattr(stdin, termios.TCSADRAIN, before)
