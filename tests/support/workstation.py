"""A home with everything in it that a person has: the real command line, the daemon that it starts, the runner that the daemon starts.

Used by tests that try Stigmer from the outside. Nothing in the process of the test is Stigmer's own.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

COMMAND_SECONDS = 60.0
"""No command takes longer, or something hangs."""


@dataclass(frozen=True)
class Workstation:
    """One STIGMER_HOME and the commands to use it with."""

    home: Path
    environment: Mapping[str, str] = field(default_factory=lambda: dict[str, str]())

    def command(self, *arguments: str) -> list[str]:
        """The words that run `stigmer` with these arguments."""
        return [sys.executable, "-m", "stigmer_tui", *arguments]

    def environ(self) -> dict[str, str]:
        """The environment that commands run in: ours, with this home and no runtime directory."""
        kept = {
            name: value for name, value in os.environ.items() if name not in ("XDG_RUNTIME_DIR", "NO_COLOR", "TMUX")
        }
        return {**kept, "STIGMER_HOME": str(self.home), **self.environment}

    def run(
        self,
        *arguments: str,
        code: int | None = 0,
        stdin: bytes = b"",
        timeout: float = COMMAND_SECONDS,
        cwd: Path | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run `stigmer` with these arguments to its end; `code` is the exit code that it must have (None: any)."""
        done = subprocess.run(
            self.command(*arguments),
            input=stdin,
            capture_output=True,
            timeout=timeout,
            env=self.environ(),
            cwd=cwd,
            check=False,
        )
        if code is not None and done.returncode != code:
            raise AssertionError(
                f"stigmer {' '.join(arguments)} ended with {done.returncode}, not {code}:\n{done.stdout!r}\n{done.stderr.decode()}\n{self.log()}"
            )
        return done

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start `stigmer` with these arguments and pipes."""
        return subprocess.Popen(
            self.command(*arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.environ(),
        )

    def detach(self, line: str, *options: str) -> str:
        """Start the `shell` agent on a line and return the execution's id."""
        return self.run("run", "shell", "--message", line, "--detach", *options).stdout.decode().split()[-1]

    def events(self, execution_id: str, *options: str) -> list[dict[str, Any]]:
        """All events of an execution, as `stigmer logs --json` prints them."""
        lines = self.run("logs", execution_id, "--json", *options).stdout.splitlines()
        return [json.loads(line) for line in lines]

    def status(self) -> dict[str, Any]:
        """What `stigmer server status --json` says."""
        return json.loads(self.run("server", "status", "--json").stdout)

    def phase(self, execution_id: str) -> str:
        """The phase that `stigmer get executions` shows for an execution."""
        rows = json.loads(self.run("get", "executions", "-o", "json", "-n", "1000").stdout)
        return next(row["phase"] for row in rows if row["executionId"] == execution_id)

    def until(self, condition: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
        """Wait for a condition; the deadline is for liveness alone."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {seconds:.0f} s: {what}\n{self.log()}")
            time.sleep(0.05)

    def log(self) -> str:
        """The ends of the logs, for a failure's message."""
        parts: Sequence[Path] = sorted((self.home / "logs").glob("*.log"))
        return "\n".join(f"--- {path.name}\n{path.read_text(errors='replace')[-4000:]}" for path in parts)

    def processes(self) -> list[psutil.Process]:
        """Every living process that was started for this home."""
        return [process for process, _ in self._with_words()]

    def processes_of(self, word: str) -> list[psutil.Process]:
        """Those of them whose command line has this word, such as `stigmer_backend.daemon`."""
        return [process for process, words in self._with_words() if word in words]

    def _with_words(self) -> Iterator[tuple[psutil.Process, list[str]]]:
        for process in psutil.process_iter():
            try:
                words = process.cmdline()
                ours = str(self.home) in words or process.environ().get("STIGMER_HOME") == str(self.home)
                if ours and process.status() != psutil.STATUS_ZOMBIE:
                    yield process, words
            except psutil.Error:
                continue

    def kill(self, pid: int) -> None:
        """Kill -9, and wait until it is gone."""
        os.kill(pid, signal.SIGKILL)
        self.until(lambda: is_gone(pid), f"pid {pid} gone")

    def close(self) -> None:
        """End everything of this home."""
        subprocess.run(
            self.command("server", "stop"),
            capture_output=True,
            timeout=COMMAND_SECONDS,
            env=self.environ(),
            check=False,
        )
        for process in self.processes():
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue


def is_gone(pid: int) -> bool:
    """Whether no process of this pid runs any more; one that its parent has yet to reap counts as gone."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@contextmanager
def new_workstation(**environment: str) -> Generator[Workstation]:
    """A workstation in a short temporary directory; everything of it is ended and removed afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="stg-", dir="/tmp"))
    workstation = Workstation(directory / "h", environment)
    try:
        yield workstation
    finally:
        workstation.close()
        shutil.rmtree(directory, ignore_errors=True)
