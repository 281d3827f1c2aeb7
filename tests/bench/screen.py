"""A program in a terminal of its own, and what is on its screen."""

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager

import psutil
import pyte

COLUMNS = 120
ROWS = 40
READ_BYTES = 1 << 16
WAIT_SECONDS = 30.0
_UNKNOWN_TO_PYTE = re.compile(
    rb"\x1b\[[<>=][0-9;:]*[A-Za-z]|\x1b\[\?[0-9;]*\$p|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1bP[^\x1b]*\x1b\\"
)


class ProgramScreen:
    """What a program draws. Nothing is read between calls."""

    def __init__(self, master: int, process: subprocess.Popen[bytes]) -> None:
        """Use `started`."""
        self._master = master
        self.process = process
        self._screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self._screen)
        self._rest = b""

    def pids(self) -> list[int]:
        """The program, which the `setsid` that started it became, and its children."""
        program = psutil.Process(self.process.pid)
        return [program.pid, *(child.pid for child in program.children(recursive=True))]

    def write(self, keys: bytes) -> None:
        """Type."""
        os.write(self._master, keys)

    def text(self) -> str:
        """The screen, a row a line."""
        return "\n".join(self._screen.display)

    def until(self, shows: Callable[[str], bool], what: str) -> float:
        """Read until the screen `shows` it. Returns when its last bytes came, as `time.perf_counter`. Raises `TimeoutError`."""
        deadline = time.perf_counter() + WAIT_SECONDS
        at = time.perf_counter()
        while not shows(self.text()):
            if time.perf_counter() > deadline or self.process.poll() is not None:
                raise TimeoutError(f"{what} did not come (exit code {self.process.returncode}):\n{self.text()}")
            at = self._read(0.1) or at
        return at

    def until_written(self, words: bytes, what: str) -> float:
        """The same for words that are drawn in one go: read until they came, making no screen, which takes more of the machine than drawing one."""
        deadline = time.perf_counter() + WAIT_SECONDS
        before = b""
        while True:
            at, data = self.raw(0.1)
            before += data
            if words in before:
                return at
            before = before[-len(words) :]
            if time.perf_counter() > deadline or self.process.poll() is not None:
                raise TimeoutError(f"{what} did not come (exit code {self.process.returncode})")

    def settle(self, seconds: float = 0.3) -> None:
        """Read until nothing has come for so long, at most 20 times as long."""
        end = time.perf_counter() + 20 * seconds
        while self._read(seconds) is not None and time.perf_counter() < end:
            pass

    def raw(self, seconds: float) -> tuple[float, bytes]:
        """What is there within `seconds`, and when it came, as `time.perf_counter`: where making a screen of it would take too long."""
        ready, _, _ = select.select([self._master], [], [], seconds)
        if not ready:
            return 0.0, b""
        try:
            data = os.read(self._master, READ_BYTES)
        except OSError:
            return 0.0, b""
        return time.perf_counter(), data

    def _read(self, seconds: float) -> float | None:
        """Read what is there within `seconds`; when it came, None where nothing did."""
        at, data = self.raw(seconds)
        if not data:
            return None
        data = self._rest + data
        cut = data.rfind(b"\x1b")
        whole = cut < 0 or len(data) - cut > 64 or re.search(rb"[A-Za-z\x07\\]", data[cut + 2 :]) is not None
        self._rest = b"" if whole else data[cut:]
        self._stream.feed(_UNKNOWN_TO_PYTE.sub(b"", data if whole else data[:cut]))
        return at


@contextmanager
def started(command: Sequence[str], environment: Mapping[str, str]) -> Generator[ProgramScreen]:
    """A program in a terminal of its own; it is ended afterwards."""
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    try:
        process = subprocess.Popen(
            ["setsid", "--ctty", "--wait", *command],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**environment, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
            close_fds=True,
        )
    finally:
        os.close(slave)
    try:
        yield ProgramScreen(master, process)
    finally:
        for child in _session_of(process.pid):
            child.send_signal(signal.SIGTERM)
        _drain(master, process)
        os.close(master)


def _session_of(pid: int) -> list[psutil.Process]:
    try:
        return [*psutil.Process(pid).children(recursive=True), psutil.Process(pid)]
    except psutil.NoSuchProcess:
        return []


def _drain(master: int, process: subprocess.Popen[bytes]) -> None:
    """Read what the program says at its end, and see it gone."""
    deadline = time.monotonic() + 10
    while process.poll() is None:
        if time.monotonic() > deadline:
            process.kill()
        ready, _, _ = select.select([master], [], [], 0.1)
        if ready:
            try:
                os.read(master, READ_BYTES)
            except OSError:
                process.wait(10)
                return
