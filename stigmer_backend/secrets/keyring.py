"""The OS keyring, asked with a deadline: each request is a child process, which is killed when the keyring does not answer."""

import asyncio
import json
import os
import secrets
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final, cast

from stigmer_backend.secrets.errors import RungFailed

SERVICE: Final = "stigmer"
"""Under which name values stand in the keyring."""
DEADLINE_SECONDS: Final = 5.0
"""How long a keyring may take for one answer."""

_PASSED_ON = ("HOME", "PATH", "LANG", "USER", "LOGNAME", "PYTHONPATH", "DISPLAY", "WAYLAND_DISPLAY")
_PASSED_PREFIXES = ("DBUS_", "XDG_", "KDE_", "LC_", "GNOME_KEYRING_")
_REASONS = {
    "KeyringLocked": "it is locked: unlock it (log in at the desktop, or `gnome-keyring-daemon --unlock`)",
    "InitError": "it has no collection to keep values in: open your keyring program once, and make a default keyring",
    "PasswordSetError": "it refused to keep a value",
}


class OsKeyring:
    """Keeps named values in the keyring of the person's session. Every method raises `RungFailed`."""

    def __init__(
        self,
        environ: Mapping[str, str] = os.environ,
        *,
        deadline: float = DEADLINE_SECONDS,
        command: Sequence[str] = (sys.executable, "-m", "stigmer_backend.secrets.keyring_child"),
    ) -> None:
        """`deadline` in seconds for one answer; `command` is the program that is asked."""
        self._environment = {
            name: value for name, value in environ.items() if name in _PASSED_ON or name.startswith(_PASSED_PREFIXES)
        }
        self._deadline = deadline
        self._command = tuple(command)
        self._asking: set[asyncio.Task[dict[str, str | None]]] = set()
        self.name = ""
        """Which keyring answered last."""

    async def probe(self) -> str:
        """Keep, read and forget a value that means nothing; returns which keyring it is. One that lies is found out."""
        if await self._ask("probe", f"probe-{secrets.token_hex(4)}") != "true":
            raise RungFailed(f"the {self.name} does not give back what it was given: nothing is kept in it")
        return self.name

    async def get(self, name: str) -> str | None:
        """The value, or None where there is none."""
        return await self._ask("get", name)

    async def put(self, name: str, value: str) -> None:
        """Keep a value."""
        await self._ask("set", name, value)

    async def delete(self, name: str) -> None:
        """Forget a value, if it is there."""
        await self._ask("delete", name)

    async def close(self) -> None:
        """End the children of those who went away without their answer. Nothing of them is left behind."""
        for asking in self._asking:
            asking.cancel()
        if self._asking:
            await asyncio.wait(self._asking)

    async def _ask(self, do: str, name: str, value: str = "") -> str | None:
        request = {"do": do, "service": SERVICE, "username": name, "value": value}
        asking = asyncio.create_task(self._answer(json.dumps(request).encode() + b"\n"))
        self._asking.add(asking)
        asking.add_done_callback(self._asking.discard)
        try:
            answer = await asyncio.shield(asking)
        except asyncio.CancelledError:
            asking.cancel()
            raise
        error = answer.get("error")
        if error == "NoKeyring":
            raise RungFailed(f"there is no keyring that can be trusted here ({answer.get('detail')})")
        if error:
            raise RungFailed(f"the keyring does not work: {_REASONS.get(error, error)}")
        self.name = answer.get("keyring") or ""
        return answer.get("value")

    async def _answer(self, request: bytes) -> dict[str, str | None]:
        try:
            child = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=self._environment,
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            raise RungFailed(f"the keyring cannot be asked: {error.strerror}") from error
        try:
            async with asyncio.timeout(self._deadline):
                said, _ = await child.communicate(request)
        except TimeoutError as error:
            raise RungFailed(
                f"the keyring did not answer within {self._deadline:g} s: it hangs, or waits for you to unlock it"
            ) from error
        finally:
            await _ended(child)
        try:
            return cast("dict[str, str | None]", json.loads(said))
        except ValueError as error:
            raise RungFailed(f"the keyring's helper ended with code {child.returncode} and no answer") from error


async def _ended(child: asyncio.subprocess.Process) -> None:
    """The child is gone, and its pipes with it."""
    if child.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.close()
    with suppress(OSError):
        await child.stdin.wait_closed()
    await child.stdout.read()
    await child.wait()
