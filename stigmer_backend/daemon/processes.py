"""Watching a process until it is gone, whether or not it is our child."""

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil

_POLL_SECONDS = 0.5
"""Where there is no pidfd (macOS): how often a process is looked for."""

_left_alone: list[subprocess.Popen[bytes]] = []
"""Children that live on unwatched. Kept, because a `Popen` that is dropped before its child has ended takes that for a mistake."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_START_FIELD = 19
"""`starttime` of /proc/PID/stat, counted from the field after the name, as proc(5) numbers it: 22 - 3."""


def identity_of(pid: int) -> str | None:
    """A text that no other process ever has on this machine, not even a later one with the same pid; None where `pid` is gone.

    A zombie is gone. On Linux the boot and the start in clock ticks, because a start as a time of day moves when the clock is set.
    """
    try:
        if sys.platform.startswith("linux"):
            after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            if after_name[0] in ("Z", "X"):
                return None
            return f"{_BOOT_ID.read_text().strip()}:{after_name[_START_FIELD]}:{pid}"
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time()}:{pid}"
    except (OSError, psutil.Error):
        return None


class WatchedProcess:
    """A process that can be waited for and signalled without ever meeting another one of the same pid.

    Belongs to the event loop that it was made on. `close` it; that ends nothing.
    """

    def __init__(self, pid: int, identity: str, pidfd: int | None, child: subprocess.Popen[bytes] | None) -> None:
        """Use `of_child` or `of_pid`."""
        self.pid = pid
        self.identity = identity
        self._pidfd = pidfd
        self._child = child
        self._gone = asyncio.Event()
        if pidfd is not None:
            asyncio.get_running_loop().add_reader(pidfd, self._gone.set)

    @classmethod
    def of_child(cls, child: subprocess.Popen[bytes]) -> "WatchedProcess":
        """Watch a child of ours that nobody has waited for. Its exit code is known in the end."""
        return cls(child.pid, identity_of(child.pid) or "", _pidfd_of(child.pid), child)

    @classmethod
    def of_pid(cls, pid: int, identity: str) -> "WatchedProcess | None":
        """Watch the process that had `pid` and `identity`; None where it is gone."""
        try:
            pidfd = _pidfd_of(pid)
        except ProcessLookupError:
            return None
        if not identity or identity_of(pid) != identity:
            if pidfd is not None:
                os.close(pidfd)
            return None
        return cls(pid, identity, pidfd, None)

    @property
    def exit_code(self) -> int | None:
        """The exit code of a child that ended, minus the signal's number where one ended it; None while it lives or is no child."""
        return self._child.poll() if self._child is not None else None

    async def wait(self) -> None:
        """Return once the process is gone; a child is reaped then. Any number may wait."""
        if self._pidfd is not None:
            await self._gone.wait()
        else:
            while self._is_there():
                await _at_most(_POLL_SECONDS, self._gone)
        if self._child is not None:
            await asyncio.to_thread(self._child.wait)

    async def gone_within(self, seconds: float) -> bool:
        """Whether the process is gone within `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self.wait()
        except TimeoutError:
            return False
        return True

    def send(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens when the process is gone."""
        try:
            if self._pidfd is not None:
                signal.pidfd_send_signal(self._pidfd, number)
            elif self._is_there():
                os.kill(self.pid, number)
        except ProcessLookupError:
            return

    def close(self) -> None:
        """Watch no longer. The process goes on."""
        if self._pidfd is not None:
            asyncio.get_running_loop().remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = None
        if self._child is not None and self._child.poll() is None:
            _left_alone.append(self._child)

    def _is_there(self) -> bool:
        if self._child is not None:
            return self._child.poll() is None
        return identity_of(self.pid) == self.identity


async def _at_most(seconds: float, event: asyncio.Event) -> None:
    """Wait for `event`, and no longer than `seconds`."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def _pidfd_of(pid: int) -> int | None:
    """A descriptor of the process, readable once it is gone; None where the system has none. Raises `ProcessLookupError`."""
    if not hasattr(os, "pidfd_open"):
        return None
    return os.pidfd_open(pid)
