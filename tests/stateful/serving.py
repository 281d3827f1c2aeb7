"""`python -m tests.stateful.serving DIR`: a backend on the home DIR, served as the daemon does, until it is told to stop or killed.

It says its process is ready by one line. A process of its own, so that a test may kill it; without a runner, which the calls do not need.
"""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

from tests.support.served_backend import serve_backend

READY = b"ready\n"


class ServingProcess:
    """Such a process, as a child."""

    def __init__(self, root: Path) -> None:
        """Start it, and return when it is ready."""
        command = [sys.executable, "-m", "tests.stateful.serving", str(root)]
        self._child = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])
        assert self._child.stdout is not None
        if self._child.stdout.readline() != READY:
            raise AssertionError(f"it ended with {self._child.wait()} before it was ready")

    def kill(self) -> None:
        """Kill -9."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Tell it to stop. Raises `AssertionError` where it does not end properly."""
        code = self._end(signal.SIGTERM)
        if code:
            raise AssertionError(f"it ended with {code}")

    def _end(self, number: int) -> int:
        self._child.send_signal(number)
        code = self._child.wait(60)
        assert self._child.stdout is not None
        self._child.stdout.close()
        return code


async def _serve(root: Path) -> None:
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    async with serve_backend(root):
        sys.stdout.buffer.write(READY)
        sys.stdout.buffer.flush()
        await told.wait()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
