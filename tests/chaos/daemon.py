"""A daemon that the test itself starts and kills."""

import asyncio
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from stigmer_apis.client import Client, ClientOptions
from stigmer_apis.client.dial import Role, dial
from stigmer_apis.client.launch import daemon_command
from stigmer_apis.errors import StigmerError
from stigmer_apis.home import Home
from tests.support.workstation import Workstation

ANSWER_SECONDS = 120.0
"""A daemon that does not answer for so long hangs."""


@dataclass(slots=True)
class DaemonProcess:
    """A daemon as a child of ours."""

    home: Home
    child: subprocess.Popen[bytes]

    @classmethod
    def start(cls, workstation: Workstation, wrapper: Sequence[str] = ()) -> "DaemonProcess":
        """Start the daemon of a workstation, below the command `wrapper` if there is one. It may not answer yet."""
        home = home_of(workstation)
        home.prepare()
        with home.server_log.open("ab") as log:
            child = subprocess.Popen(
                [*wrapper, *daemon_command(home)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=workstation.environ(),
                cwd="/",
                start_new_session=True,
            )
        threading.Thread(target=child.wait, name="reaper of a daemon", daemon=True).start()
        return cls(home, child)

    async def answers(self) -> None:
        """Return once it answers. Raises `AssertionError` where it ends or hangs."""
        deadline = time.monotonic() + ANSWER_SECONDS
        while not await answers(self.home):
            if self.child.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the daemon does not answer (exit code {self.child.returncode})\n{self.log()}")
            await asyncio.sleep(0.01)

    def kill(self) -> None:
        """Kill -9."""
        self.child.send_signal(signal.SIGKILL)
        self.child.wait()

    def log(self) -> str:
        """The end of its log."""
        return self.home.server_log.read_text(errors="replace")[-4000:]


async def answers(home: Home) -> bool:
    """Whether a daemon answers."""
    try:
        wire, _ = await dial(home, Role.OPERATOR, 5.0)
    except StigmerError:
        return False
    await wire.channel.close()
    return True


def home_of(workstation: Workstation) -> Home:
    """The home of a workstation as its processes see it."""
    return Home.at(workstation.home, workstation.environ())


def client_of(workstation: Workstation, *, start_daemon: bool = False) -> Client:
    """A client that waits long enough for a daemon that is being killed again and again."""
    return Client(home_of(workstation), start_daemon=start_daemon, options=ClientOptions(patience=60.0))


def daemon_pids(workstation: Workstation) -> list[int]:
    """Pids of the daemons of a workstation."""
    return _pids(workstation, "stigmer_backend.daemon")


def runner_pids(workstation: Workstation) -> list[int]:
    """Pids of its runners."""
    return _pids(workstation, "stigmer_runner")


def _pids(workstation: Workstation, module: str) -> list[int]:
    words = [sys.executable, "-m", module, "--home", str(home_of(workstation).root)]
    found: list[int] = []
    for process in psutil.process_iter():
        try:
            if process.cmdline()[: len(words)] == words:
                found.append(process.pid)
        except psutil.Error:
            continue
    return found
