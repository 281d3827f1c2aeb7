"""Looks, while a command runs, whether it uses more of the machine than it may. What the kernel limits itself is in `shell`."""

import asyncio
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from pathlib import Path

from stigmer_runner.sandbox import processes
from stigmer_runner.sandbox.cgroups import Group, Groups
from stigmer_runner.sandbox.model import CommandLimits

EVERY = 0.2
"""Seconds between two looks."""

_PAGE = os.sysconf("SC_PAGE_SIZE")
_MIB = 1024 * 1024


class Kept:
    """What is known of a command's processes beside those below its own. Its methods are for threads that may block."""

    def __init__(self, groups: Groups, strays: Callable[[], Sequence[int]]) -> None:
        """`strays`: those that left their parents."""
        self.strays = strays
        self._groups = groups
        self._group: Group | None = None
        self._lock = threading.Lock()
        self._entered = False

    def enter(self, pid: int, limits: CommandLimits) -> None:
        """Have the kernel count the processes of the command `pid` from now on, where it can. Only the first time does anything: at the first
        look and not at the start, because it takes the kernel up to some 15 ms, which most commands do not live."""
        with self._lock:
            if self._entered:
                return
            self._entered = True
            self._group = self._groups.make(limits)
            if self._group is not None:
                self._group.take_in([pid, *self.strays()])

    def exceeded(self) -> str:
        """Which limit the kernel held them to, in words; empty where none."""
        return self._group.exceeded() if self._group is not None else ""

    def starved(self) -> str:
        """The same for memory alone, which ends a process at once."""
        return self._group.starved() if self._group is not None else ""

    def leave(self) -> None:
        """The command is over."""
        with self._lock:
            self._entered = True
            if self._group is not None:
                self._group.close()


class LimitWatch:
    """Watches the process `pid` and all that it started. `exceeded` is told once, in words, on the event loop."""

    def __init__(
        self,
        pid: int,
        limits: CommandLimits,
        workspace: Path,
        executor: Executor,
        exceeded: Callable[[str], None],
        kept: Kept,
    ) -> None:
        self._kept = kept
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
        looking = self._loop.run_in_executor(
            self._executor, over_limit, self._pid, self._limits, self._workspace, self._kept
        )
        looking.add_done_callback(self._looked)

    def _looked(self, looking: "asyncio.Future[str]") -> None:
        if self._closed or looking.cancelled():
            return
        if words := looking.result():
            self.close()
            self._exceeded(words)
        else:
            self._timer = self._loop.call_later(EVERY, self._look)


def over_limit(pid: int, limits: CommandLimits, workspace: Path, kept: Kept) -> str:
    """Which limit `pid`, its descendants and its strays are over, in words; empty where none. Blocks for a moment."""
    kept.enter(pid, limits)
    if words := kept.exceeded():
        return words
    most = limits.processes or 1_000_000
    found, waiting, memory = 0, [pid, *kept.strays()], 0
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
