"""Processes as /proc shows them: who descends from whom, who carries a marker, what it is called. Linux alone.

Everything here may block for some milliseconds on a busy machine (about 15 microseconds a process): not for the event
loop, but for `children_of` and `adopted_by`.
"""

import contextlib
import os
import signal
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from stigmer_runner.sandbox.model import MARKER_VARIABLE

COMMAND_LENGTH = 200
"""Characters of a command line that are kept."""

_DEAD = frozenset("ZX")


@dataclass(frozen=True)
class Process:
    """A living process at the moment of a look."""

    pid: int
    parent: int
    group: int
    session: int
    started: int
    """Clock ticks after boot: with the pid it tells a process from one that got its number later."""


def processes() -> dict[int, Process]:
    """Every living process, by pid."""
    found: dict[int, Process] = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (process := look(int(name))) is not None:
            found[process.pid] = process
    return found


def look(pid: int) -> Process | None:
    """The process `pid`; None where it is gone or a zombie."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            stat = file.read()
    except OSError:
        return None
    fields = stat[stat.rindex(b")") + 2 :].split()
    if fields[0].decode() in _DEAD:
        return None
    return Process(pid, int(fields[1]), int(fields[2]), int(fields[3]), int(fields[19]))


def descendants(root: int, table: dict[int, Process]) -> set[int]:
    """Every process of `table` below `root`, which is not counted."""
    return closure({root}, table) - {root}


def closure(roots: set[int], table: dict[int, Process]) -> set[int]:
    """`roots` and every process of `table` below one of them."""
    children: dict[int, list[int]] = {}
    for process in table.values():
        children.setdefault(process.parent, []).append(process.pid)
    found = set(roots)
    waiting = list(roots)
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child not in found:
                found.add(child)
                waiting.append(child)
    return found


def children_of(pid: int) -> list[int]:
    """The children of `pid` by the kernel's own list, which costs no look at other processes; empty without that list."""
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                found += [int(child) for child in file.read().split()]
    except OSError:
        return found
    return found


def adopted_by(pid: int) -> list[int]:
    """The children of `pid` that came to it from below, which are its main thread's, and those that this thread made."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", "rb") as file:
            return [int(child) for child in file.read().split()]
    except OSError:
        return []


def carries(pid: int, matches: Callable[[str], bool]) -> bool:
    """Whether the process was started with a marker that `matches`; False where it may not be asked."""
    prefix = MARKER_VARIABLE.encode() + b"="
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            variables = file.read().split(b"\0")
    except OSError:
        return False
    return any(
        variable.startswith(prefix) and matches(variable[len(prefix) :].decode("utf-8", "replace"))
        for variable in variables
    )


def command_of(pid: int) -> str | None:
    """The beginning of the command line of `pid`, or its name in brackets; None where it is gone."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            line = file.read(4 * COMMAND_LENGTH).rstrip(b"\0").replace(b"\0", b" ")
        if not line:
            with open(f"/proc/{pid}/comm", "rb") as file:
                line = b"[" + file.read().rstrip(b"\n") + b"]"
    except OSError:
        return None
    return line.decode("utf-8", "replace")


def send(targets: Iterable[Process], number: signal.Signals) -> None:
    """Send a signal to each of `targets` that is still the process that was looked at and may be signalled."""
    for target in targets:
        try:
            handle = os.pidfd_open(target.pid)
        except OSError:
            continue
        try:
            now = look(target.pid)
            if now is not None and now.started == target.started:
                signal.pidfd_send_signal(handle, number)
        except (ProcessLookupError, PermissionError):
            continue
        finally:
            os.close(handle)


def reap(pids: Iterable[int]) -> None:
    """Take the exit status of those of `pids` that became children of this process, so that no zombie stays.

    Each by its number, never "any child": other children belong to whoever started them.
    """
    for pid in pids:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def message_queue_limit(pid: int) -> int | None:
    """The soft limit of bytes in message queues of `pid`: inherited by all that it starts, touched by no program."""
    try:
        with open(f"/proc/{pid}/limits", "rb") as file:
            for line in file:
                if line.startswith(b"Max msgqueue size"):
                    soft = line.split()[3]
                    return int(soft) if soft.isdigit() else None
    except OSError:
        return None
    return None
