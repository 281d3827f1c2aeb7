"""The whole workstation in a real terminal: a PTY, an emulator that reads what is drawn, and every byte that was sent to it."""

import asyncio
import errno
import fcntl
import os
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

import pyte

from stigmer_apis.home import Home

PATIENCE = 30.0


class RealTerminal:
    """A terminal and the program in it. Made by `real_terminal`."""

    def __init__(self, master: int, slave: int, process: asyncio.subprocess.Process, columns: int, rows: int) -> None:
        self._master = master
        self._slave = slave
        self.process = process
        self.received = bytearray()
        """Every byte that the program wrote to the terminal."""
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._changed = asyncio.Event()
        self.closed = False
        self._speed = 0

    def slow_down(self, bytes_per_second: int) -> None:
        """Take no more than that from here on; 0: as much as there is, as before."""
        loop = asyncio.get_running_loop()
        self._speed = bytes_per_second
        if bytes_per_second:
            loop.remove_reader(self._master)
            self._sip()
        else:
            loop.add_reader(self._master, self.read)

    def _sip(self) -> None:
        if self._speed and not self.closed:
            if select.select([self._master], [], [], 0)[0]:
                self.read(max(1, self._speed // 50))
            asyncio.get_running_loop().call_later(0.02, self._sip)

    def read(self, most: int = 1 << 16) -> None:
        """Take what is there; called by the loop."""
        try:
            data = os.read(self._master, most)
        except OSError as error:
            if error.errno not in (errno.EIO, errno.EBADF):
                raise
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(self._master)
        self.received += data
        self._stream.feed(_readable(data))
        self._changed.set()

    @property
    def text(self) -> str:
        """What the screen shows."""
        return "\n".join(row.rstrip() for row in self._screen.display)

    async def shows(self, text: str) -> None:
        """Wait until the screen shows this."""
        await self.until(lambda: text in self.text, f"{text!r} on the screen")

    async def until(self, condition: Callable[[], bool], what: str, *, patience: float = PATIENCE) -> None:
        """Wait for a condition; `patience`: seconds, where much has to start first."""
        deadline = time.monotonic() + patience
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"not within {patience:.0f} s: {what}\n{self.text}\n{bytes(self.received[-500:])!r}"
                )
            self._changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(0.05):
                    await self._changed.wait()

    def send(self, keys: str | bytes) -> None:
        """Type."""
        os.write(self._master, keys.encode() if isinstance(keys, str) else keys)

    def resize(self, columns: int, rows: int) -> None:
        """Another size, as a window manager gives it."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._screen.resize(rows, columns)
        os.killpg(self.process.pid, signal.SIGWINCH)

    def settings(self) -> list[object]:
        """How the terminal is set, as `stty -a` shows."""
        return list(termios.tcgetattr(self._slave))

    async def ended(self) -> int:
        """Wait for the program's end; its exit code."""
        async with asyncio.timeout(PATIENCE):
            code = await self.process.wait()
        await asyncio.sleep(0)
        return code

    def hang_up(self) -> None:
        """The window is closed."""
        asyncio.get_running_loop().remove_reader(self._master)
        os.close(self._slave)
        os.close(self._master)
        self.closed = True

    def close(self) -> None:
        """End it all."""
        if not self.closed:
            self.hang_up()
        if self.process.returncode is None:
            self.process.kill()


def _take_terminal() -> None:
    """In the child: the PTY is its controlling terminal, so that a closed window hangs it up."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _readable(data: bytes) -> bytes:
    """Without what the emulator does not know: keyboard protocols and modes with a dollar sign."""
    for sequence in (b"\x1b[>25u", b"\x1b[<u", b"\x1b[?2026$p", b"\x1b[?2048$p"):
        data = data.replace(sequence, b"")
    return data


@asynccontextmanager
async def real_terminal(
    home: Home,
    command: Sequence[str] = ("tui",),
    *,
    program: Sequence[str] = ("-m", "stigmer_tui"),
    columns: int = 80,
    rows: int = 24,
    environment: Mapping[str, str] | None = None,
) -> AsyncGenerator[RealTerminal]:
    """`stigmer tui`, or another `stigmer` command, in a terminal of its own; ended with the block. `program`: what else Python is to run."""
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    left_out = ("XDG_RUNTIME_DIR", "NO_COLOR", "TMUX", "STY", "COLUMNS", "LINES")
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *program,
        *command,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=_take_terminal,
        env={**kept, "STIGMER_HOME": str(home.root), "TERM": "xterm-256color", **(environment or {})},
    )
    terminal = RealTerminal(master, slave, process, columns, rows)
    asyncio.get_running_loop().add_reader(master, terminal.read)
    try:
        yield terminal
    except AssertionError as error:
        with suppress(OSError):
            error.add_note(f"its log:\n{(home.logs / 'tui.log').read_text()[-5000:]}")
        raise
    finally:
        terminal.close()
        await process.wait()
