"""A development server of Temporal for tests."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

LIVENESS = 90.0
PROGRAM_VARIABLE = "STIGMER_TEST_TEMPORAL"
"""Path of the program `temporal`; without it one that `make temporal-server` built, or one on the PATH."""


def program() -> str | None:
    """The program `temporal`, where there is one."""
    named = os.environ.get(PROGRAM_VARIABLE)
    if named:
        return named
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    built = sorted(cache.glob("stigmer/temporal-v*/temporal"))
    return str(built[-1]) if built else shutil.which("temporal")


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class TemporalServer:
    """One server with its database in a file, so that it can be stopped and started again."""

    def __init__(self, path: str, folder: Path) -> None:
        self._path = path
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        log = open(self._folder / "temporal.log", "ab")  # noqa: SIM115 - the server writes to it
        command = (
            self._path, "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", str(self._port),
            "--db-filename", str(self._folder / "temporal.db"), "--log-level", "error",
        )  # fmt: skip
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        log.close()
        deadline = time.monotonic() + LIVENESS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError((self._folder / "temporal.log").read_text()[-2000:])
            try:
                socket.create_connection(("127.0.0.1", self._port), 0.5).close()
                return
            except OSError:
                time.sleep(0.1)
        raise TimeoutError("Temporal's development server did not answer")

    def stop(self) -> None:
        """Kill it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
