"""A backend on a home, served as the daemon does, in a process of its own until it is told to stop or killed; without a runner, which the calls
do not need.

The processes are forked from one that has imported everything and begun nothing: a start is the opening of the store, not half a second of imports.
"""

import asyncio
import multiprocessing
import signal
from multiprocessing.connection import Connection
from pathlib import Path

from tests.support.served_backend import serve_backend

_PATIENCE = 60.0
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["pytest", __name__])


class ServingProcess:
    """Such a process, as a child."""

    def __init__(self, root: Path) -> None:
        """Start it, and return when it is ready. Raises `AssertionError` where it does not get there."""
        ready, theirs = _PROCESSES.Pipe(duplex=False)
        self._child = _PROCESSES.Process(target=_run, args=(root, theirs), daemon=True)
        self._child.start()
        theirs.close()
        with ready:
            if not ready.poll(_PATIENCE) or not _said(ready):
                self._child.kill()
                self._child.join(_PATIENCE)
                raise AssertionError(f"it ended with {self._child.exitcode} before it was ready")

    def kill(self) -> None:
        """Kill -9."""
        self._child.kill()
        self._end()

    def stop(self) -> None:
        """Tell it to stop. Raises `AssertionError` where it does not end properly."""
        self._child.terminate()
        code = self._end()
        if code:
            raise AssertionError(f"it ended with {code}")

    def _end(self) -> int | None:
        self._child.join(_PATIENCE)
        code = self._child.exitcode
        if code is not None:
            self._child.close()
        return code


def _said(ready: Connection) -> bool:
    try:
        return bool(ready.recv_bytes())
    except EOFError:
        return False


def _run(root: Path, ready: Connection) -> None:
    asyncio.run(_serve(root, ready))


async def _serve(root: Path, ready: Connection) -> None:
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    async with serve_backend(root):
        ready.send_bytes(b"ready")
        ready.close()
        await told.wait()
