"""Starts the daemon: once, even when ten want it at the same moment."""

import asyncio
import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from stigmer_apis._generated.stigmer.server.v1.server_pb2 import GetServerInfoResponse
from stigmer_apis.client.dial import Role, dial
from stigmer_apis.errors import DaemonNotStarted, NotRunning, Unavailable
from stigmer_apis.home import Home
from stigmer_apis.home_checks import explain

START_SECONDS = 20.0
"""How long a daemon may take until it answers."""

_POLL_SECONDS = 0.02
_GREETING_SECONDS = 5.0
_LOG_LINES = 12

_ALREADY_RUNNING = 3
"""The daemon's exit code where another has the home: one that is just starting or ending."""

_OTHER_SECONDS = 0.3
"""How long such another is given before the next try."""


def daemon_command(home: Home) -> tuple[str, ...]:
    """The command that is the daemon of `home`."""
    return (sys.executable, "-m", "stigmer_backend.daemon", "--home", str(home.root))


async def ensure_daemon(
    home: Home, *, timeout: float = START_SECONDS, command: Sequence[str] | None = None
) -> GetServerInfoResponse:
    """Who answers at `home`; where nobody listens, a daemon is started first, detached from us, and waited for.

    Whoever comes second, in this process or another, waits for the first one's daemon. `command` starts another program than the installed daemon.
    Raises `HomeError` where the home cannot be used, `DaemonNotStarted` with the last lines of its log where none answers within `timeout`
    seconds, and what `dial` raises where somebody answers wrongly.
    """
    await asyncio.to_thread(home.prepare)
    try:
        return await _ask(home)
    except Unavailable:
        start = _Start(home, tuple(command or daemon_command(home)))
    try:
        async with asyncio.timeout(timeout):
            async with _start_lock(home):
                return await start.run()
    except TimeoutError as error:
        raise start.failed(f"the Stigmer server did not answer within {timeout:g} s") from error


async def _ask(home: Home) -> GetServerInfoResponse:
    """Who answers. Raises what `dial` raises."""
    wire, info = await dial(home, Role.OPERATOR, _GREETING_SECONDS)
    await wire.channel.close()
    return info


class _Start:
    """One try to have a daemon, by the holder of the start lock."""

    def __init__(self, home: Home, command: tuple[str, ...]) -> None:
        self._home = home
        self._command = command
        self._log_begin = 0

    async def run(self) -> GetServerInfoResponse:
        """Start a daemon wherever none listens, and wait until one answers. One that is just ending is waited for."""
        process: subprocess.Popen[bytes] | None = None
        while True:
            ended = process.poll() if process is not None else None
            try:
                return await _ask(self._home)
            except NotRunning:
                if process is None:
                    process, self._log_begin = await asyncio.to_thread(_spawn, self._home, self._command)
            except Unavailable:
                ended = None
            if ended == _ALREADY_RUNNING:
                process = None
                await asyncio.sleep(_OTHER_SECONDS)
            elif ended is not None:
                how = f"ended with code {ended}" if ended >= 0 else f"was ended by signal {-ended}"
                raise self.failed(f"the Stigmer server {how} before it answered")
            await asyncio.sleep(_POLL_SECONDS)

    def failed(self, what: str) -> DaemonNotStarted:
        """No daemon: `what`, and what the log said meanwhile."""
        said = _last_lines(self._home.server_log, self._log_begin)
        return DaemonNotStarted(
            f"{what}\n{said}".rstrip(),
            remedy=f"its log is {self._home.server_log}; `stigmer doctor` looks for what is wrong",
        )


def _spawn(home: Home, command: Sequence[str]) -> tuple[subprocess.Popen[bytes], int]:
    """Start `command` detached: a session of its own, no descriptor of ours, its words in the log. Also the log's size before."""
    try:
        descriptor = os.open(home.server_log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise explain(error, home.server_log, "write") from error
    with open(descriptor, "ab") as log:
        begin = log.tell()
        try:
            process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
                close_fds=True,
            )
        except OSError as error:
            raise DaemonNotStarted(
                f"cannot run {command[0]}: {error.strerror}", remedy="install Stigmer again"
            ) from error
    threading.Thread(target=process.wait, name="reaper of stigmer-server", daemon=True).start()
    return process, begin


@asynccontextmanager
async def _start_lock(home: Home) -> AsyncGenerator[None]:
    """Only one at a time starts a daemon. The lock goes with its holder, however that ends."""
    try:
        descriptor = os.open(home.start_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise explain(error, home.start_lock, "open") from error
    try:
        while True:
            if _locked(descriptor):
                break
            await asyncio.sleep(_POLL_SECONDS)
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _last_lines(log: Path, begin: int) -> str:
    """The last lines that were written to `log` after `begin`."""
    try:
        with log.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(begin, end - 16 * 1024))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-_LOG_LINES:])
