"""Looks, while a command runs, whether it uses more of the machine than it may. What the kernel limits itself is in `shell`."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path

from stigmer_runner.sandbox import processes
from stigmer_runner.sandbox.model import CommandLimits

EVERY = 0.2
"""Seconds between two looks."""

_PAGE = os.sysconf("SC_PAGE_SIZE")
_MIB = 1024 * 1024


class LimitWatch:
    """Watches the process `pid` and all that it started. `exceeded` is told once, in words, on the event loop."""

    def __init__(
        self, pid: int, limits: CommandLimits, workspace: Path, executor: Executor, exceeded: Callable[[str], None]
    ) -> None:
        self._pid = pid
        self._limits = limits
        self._workspace = workspace
        self._executor = executor
        self._exceeded = exceeded
        self._loop = asyncio.get_running_loop()
        self._closed = False
        self._timer = self._loop.call_later(EVERY / 2, self._look)

    def close(self) -> None:
        """Look no more."""
        self._closed = True
        self._timer.cancel()

    def _look(self) -> None:
        looking = self._loop.run_in_executor(self._executor, over_limit, self._pid, self._limits, self._workspace)
        looking.add_done_callback(self._looked)

    def _looked(self, looking: "asyncio.Future[str]") -> None:
        if self._closed or looking.cancelled():
            return
        if words := looking.result():
            self.close()
            self._exceeded(words)
        else:
            self._timer = self._loop.call_later(EVERY, self._look)


def over_limit(pid: int, limits: CommandLimits, workspace: Path) -> str:
    """Which limit `pid` and its descendants are over, in words; empty where none. Blocks for a moment."""
    most = limits.processes or 1_000_000
    found, waiting, memory = 0, [pid], 0
    while waiting and found <= most:
        one = waiting.pop()
        found += 1
        memory += _memory_of(one) if limits.memory else 0
        waiting.extend(processes.children_of(one))
    if found > most:
        return f"it had more than {most} processes at once"
    if limits.memory and memory > limits.memory:
        return f"it used {memory // _MIB:,} MiB of memory, and may use {limits.memory // _MIB:,}"
    if limits.disk_left and (left := _disk_left(workspace)) < limits.disk_left:
        return f"only {left // _MIB:,} MiB are free on the disk of the workspace, and {limits.disk_left // _MIB:,} have to stay free"
    return ""


def _memory_of(pid: int) -> int:
    """Bytes in memory that are its own: resident ones without those that it shares with files."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            fields = file.read().split()
    except OSError:
        return 0
    return max(0, int(fields[1]) - int(fields[2])) * _PAGE if len(fields) > 2 else 0


def _disk_left(place: Path) -> int:
    try:
        found = os.statvfs(place)
    except OSError:
        return 1 << 62
    return found.f_bavail * found.f_frsize
