"""A private D-Bus session with a real gnome-keyring on it, locked or unlocked, or with something that only looks like a keyring."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.require import require_tool
from tests.support.waiting import eventually

NAME = "org.freedesktop.secrets"
"""What a keyring is called on the bus."""
PASSWORD = b"the keyring's own password"

_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>
"""


@dataclass(slots=True)
class SessionBus:
    """A bus of its own: no service is activated on it, so that what is there is what the test started."""

    root: Path
    environment: dict[str, str]
    """Of programs that shall find this bus."""
    _stack: ExitStack
    _service: subprocess.Popen[bytes] | None = None

    async def unlocked_keyring(self) -> None:
        """A gnome-keyring whose default collection is open."""
        await self._keyring("--unlock", PASSWORD)

    async def locked_keyring(self) -> None:
        """The same collection, and nobody who could be asked for its password."""
        await self._keyring("--start", b"")

    async def hanging_keyring(self) -> None:
        """A gnome-keyring that is stopped: it has its name on the bus, and answers nothing."""
        await self.unlocked_keyring()
        assert self._service is not None
        self._service.send_signal(signal.SIGSTOP)

    async def no_keyring(self) -> None:
        """End what is there."""
        if self._service is not None:
            self._service.terminate()
            self._service.send_signal(signal.SIGCONT)
            await asyncio.to_thread(self._service.wait)
            self._service = None
            await self._until(owned=False)

    async def _keyring(self, how: str, password: bytes) -> None:
        control = f"--control-directory={self.root / 'control'}"
        command = ["gnome-keyring-daemon", "--foreground", how, "--components=secrets", control]
        await self.no_keyring()
        await asyncio.to_thread(self._start, command, password)
        await self._until(owned=True)

    def _start(self, command: Sequence[str], said: bytes) -> None:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=self.environment,
        )
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        assert process.stdin is not None
        with process.stdin as stdin:
            stdin.write(said)
        self._service = process

    async def _until(self, *, owned: bool) -> None:
        await eventually(lambda: self._is_owned() is owned)

    def _is_owned(self) -> bool:
        asked = ["--dest=org.freedesktop.DBus", "/", "org.freedesktop.DBus.NameHasOwner", f"string:{NAME}"]
        command = ["dbus-send", "--session", "--print-reply", *asked]
        done = subprocess.run(command, env=self.environment, capture_output=True, check=False)
        return b"boolean true" in done.stdout


@contextmanager
def session_bus(root: Path) -> Generator[SessionBus]:
    """A bus that ends with the block, with everything on it."""
    for tool in ("dbus-daemon", "dbus-send", "gnome-keyring-daemon"):
        require_tool(tool)
    root.mkdir(mode=0o700, exist_ok=True)
    (root / "run").mkdir(mode=0o700, exist_ok=True)
    config, socket = root / "bus.conf", root / "bus"
    config.write_text(_CONFIG.format(socket=socket))
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(root),
        "XDG_RUNTIME_DIR": str(root / "run"),
        "XDG_DATA_HOME": str(root / "share"),
        "DBUS_SESSION_BUS_ADDRESS": f"unix:path={socket}",
    }
    with ExitStack() as stack:
        bus = subprocess.Popen(
            ["dbus-daemon", f"--config-file={config}", "--nofork", "--print-address=1"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        stack.callback(bus.wait)
        stack.callback(bus.kill)
        assert bus.stdout is not None
        with bus.stdout as stdout:
            stdout.readline()
        yield SessionBus(root, environment, stack)
