"""Looks, while commands run, whether one uses more of the machine than it may. What the kernel limits itself is in `shell`."""

import asyncio
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from stigmer_runner.sandbox import processes
from stigmer_runner.sandbox.cgroups import Group, Groups
from stigmer_runner.sandbox.model import CommandLimits
from stigmer_runner.sandbox.readings import Growth, Reading, machine_reading

EVERY = 0.2
"""Seconds between two looks."""

QUIET = 0.5
"""The same while no command moved of late."""

LONGER = 4
"""How many times longer than before it takes to the next look at a command that did not move."""

SELDOM = 30.0
"""Seconds after which even such a command is looked at again, on a machine that stands still."""

STIR = 4 * 1024 * 1024
"""Bytes of memory more or less that count as a move."""

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

    @property
    def grouped(self) -> bool:
        """Whether they are in a group of the kernel's, which has to be taken down after them."""
        return self._group is not None

    @property
    def counted(self) -> bool:
        """Whether the kernel keeps them to every limit of processes and memory that they have."""
        return self._group is not None and self._group.whole

    def starved(self) -> str:
        """The same for memory alone, which ends a process at once."""
        return self._group.starved() if self._group is not None else ""

    def leave(self) -> None:
        """The command is over."""
        with self._lock:
            self._entered = True
            if self._group is not None:
                self._group.close()


@dataclass(frozen=True)
class Use:
    """What one look found."""

    processes: int
    memory: int
    """Bytes."""
    exceeded: str
    """Which limit is exceeded, in words; empty where none."""

    def moved_from(self, before: "Use | None") -> bool:
        """Whether this is something else than a program that waits."""
        return before is None or self.processes != before.processes or abs(self.memory - before.memory) >= STIR


class LimitWatch:
    """One command under watch: the process `pid` and all that it started. Made by `Watcher.watch`."""

    def __init__(
        self, pid: int, limits: CommandLimits, workspace: Path, exceeded: Callable[[str], None], kept: Kept, due: float
    ) -> None:
        self.limits = limits
        self.workspace = workspace
        self.exceeded = exceeded
        self.due = due
        """When to look next, by the loop's clock."""
        self.closed = False
        self._pid = pid
        self._kept = kept
        self._pause = EVERY
        self._before: Use | None = None

    def close(self) -> None:
        """Look no more."""
        self.closed = True

    def look(self, now: float) -> str:
        """Look, and say when to look again: soon where it moved, later and later where it only waits. Blocks for a moment."""
        counted = (
            self._before is not None and self._kept.counted
        )  # what was there before the kernel counted has to be looked at once
        use = Use(0, 0, self._kept.exceeded()) if counted else use_of(self._pid, self.limits, self._kept)
        self._pause = EVERY if use.moved_from(self._before) else min(self._pause * LONGER, SELDOM)
        self._before = use
        self.due = now + self._pause
        return use.exceeded


class Watcher:
    """Watches every command of a sandbox, some times a second: not each command, which costs 0.3 ms, but whether the machine's memory or the
    number of its processes moved at all, and the disks. Only then, or where a command moved of late, are the commands themselves looked at."""

    def __init__(self, executor: Executor, reading: Callable[[], Reading] = machine_reading) -> None:
        """`executor`: where looks may block."""
        self._executor = executor
        self._reading = reading
        self._growth = Growth()
        self._watched: list[LimitWatch] = []
        self._timer: asyncio.TimerHandle | None = None
        self._looking = False

    def watch(
        self, pid: int, limits: CommandLimits, workspace: Path, exceeded: Callable[[str], None], kept: Kept
    ) -> LimitWatch:
        """Watch a command until it is over its limits, or the watch is closed. `exceeded` is told once, in words, on the event loop."""
        due = asyncio.get_running_loop().time() + EVERY / 2
        watch = LimitWatch(pid, limits, workspace, exceeded, kept, due)
        self._watched.append(watch)
        if not self._looking and (self._timer is None or self._timer.when() > due):
            self._wait_until(due)
        return watch

    def close(self) -> None:
        """The last command is over."""
        for watch in self._watched:
            watch.close()
        if self._timer is not None:
            self._timer.cancel()

    def _wait_until(self, moment: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(moment, self._look)

    def _look(self) -> None:
        self._timer = None
        self._watched = [watch for watch in self._watched if not watch.closed]
        if not self._watched:
            return
        self._looking = True
        loop = asyncio.get_running_loop()
        looking = loop.run_in_executor(self._executor, self._found, tuple(self._watched), loop.time())
        looking.add_done_callback(self._looked)

    def _looked(self, looking: "asyncio.Future[Sequence[tuple[LimitWatch, str]]]") -> None:
        self._looking = False
        if looking.cancelled():
            return
        now = asyncio.get_running_loop().time()
        first = min((watch.due for watch in self._watched if not watch.closed), default=now)
        self._wait_until(max(now + EVERY, min(now + QUIET, first)))
        for watch, words in looking.result():
            if not watch.closed:
                watch.close()
                watch.exceeded(words)

    def _found(self, watched: Sequence[LimitWatch], now: float) -> Sequence[tuple[LimitWatch, str]]:
        """Those that are over a limit, and over which. Blocks for a moment."""
        grew = self._growth.grew(self._reading())
        left = {place: _disk_left(place) for place in {watch.workspace for watch in watched if watch.limits.disk_left}}
        found: list[tuple[LimitWatch, str]] = []
        for watch in watched:
            if watch.closed:
                continue
            words = watch.look(now) if grew or watch.due <= now else ""
            if words := words or _too_full(watch, left):
                found.append((watch, words))
        return found


def use_of(pid: int, limits: CommandLimits, kept: Kept) -> Use:
    """What `pid`, its descendants and its strays use. Blocks for a moment."""
    kept.enter(pid, limits)
    if words := kept.exceeded():
        return Use(0, 0, words)
    most = limits.processes or 1_000_000
    found, waiting, memory = 0, [pid, *kept.strays()], 0
    while waiting and found <= most:
        one = waiting.pop()
        found += 1
        memory += _memory_of(one) if limits.memory else 0
        waiting.extend(processes.children_of(one))
    words = ""
    if found > most:
        words = f"it had more than {most} processes at once"
    elif limits.memory and memory > limits.memory:
        words = f"it used {memory // _MIB:,} MiB of memory, and may use {limits.memory // _MIB:,}"
    return Use(found, memory, words)


def _too_full(watch: LimitWatch, left: Mapping[Path, int]) -> str:
    free, wanted = left.get(watch.workspace, 1 << 62), watch.limits.disk_left
    if free >= wanted:
        return ""
    return f"only {free // _MIB:,} MiB are free on the disk of the workspace, and {wanted // _MIB:,} have to stay free"


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
