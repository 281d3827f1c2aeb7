"""A command at a terminal of its own: what it shows, and what a person types."""

import os
import re
import select
import subprocess
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager

PATIENCE = 60.0

_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
"""What a terminal is told to do, apart from what it shows."""


class Dialogue:
    """Made by `dialogue`."""

    def __init__(self, master: int, process: "subprocess.Popen[bytes]") -> None:
        self._master = master
        self._process = process
        self.shown = ""
        """All that came so far, with its escapes."""

    def until(self, words: str) -> None:
        """Read until these words are there, however they are drawn: colours and moves of the cursor between them do not count."""
        while words not in self.shown and words not in _SEQUENCE.sub("", self.shown):
            if not self._read():
                raise AssertionError(f"it ended before it showed {words!r}:\n{self.shown}")

    def more(self) -> None:
        """Read what comes next. Raises `AssertionError` at its end."""
        if not self._read():
            raise AssertionError(f"it ended:\n{self.shown}")

    def say(self, text: str) -> None:
        """Type."""
        os.write(self._master, text.encode())

    def leave(self, keys: str) -> None:
        """Press these keys again and again until it has ended: one that comes just before it listens is not heard."""
        deadline = time.monotonic() + PATIENCE
        while self._process.poll() is None and time.monotonic() < deadline:
            self.say(keys)
            for _ in range(4):
                self._read_what_is_there()

    def interrupt(self) -> None:
        """Press Ctrl+C until it has ended."""
        self.leave("\x03")

    def _read_what_is_there(self) -> None:
        """Read, so that a program that draws much is not held up."""
        if select.select([self._master], [], [], 0.05)[0]:
            self._read()

    def end(self) -> int:
        """Read to the end; the exit code."""
        while self._read():
            pass
        return self._process.wait(PATIENCE)

    def _read(self) -> bool:
        """Read what comes next; whether there was anything before the end."""
        deadline = time.monotonic() + PATIENCE
        while not select.select([self._master], [], [], 0.1)[0]:
            if time.monotonic() > deadline:
                raise AssertionError(f"nothing came for {PATIENCE:.0f} s:\n{self.shown}")
            if self._process.poll() is not None:
                return False
        try:
            data = os.read(self._master, 1 << 16)
        except OSError:  # what a PTY says once nobody has its other end
            return False
        self.shown += data.decode("utf-8", "replace")
        return bool(data)


@contextmanager
def dialogue(words: Sequence[str], environ: Mapping[str, str]) -> Generator[Dialogue]:
    """Run a command at a terminal, ended at the latest with the context."""
    master, slave = os.openpty()
    process = subprocess.Popen(
        ["setsid", "--ctty", "--wait", *words], stdin=slave, stdout=slave, stderr=slave, env=dict(environ)
    )
    os.close(slave)
    try:
        yield Dialogue(master, process)
    finally:
        process.kill()
        process.wait(PATIENCE)
        os.close(master)
