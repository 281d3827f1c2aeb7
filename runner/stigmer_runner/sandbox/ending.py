"""How a command and everything that it started is ended. Blocks: for a thread of its own."""

import os
import select
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from stigmer_runner.sandbox import processes, shell
from stigmer_runner.sandbox.model import KilledProcess
from stigmer_runner.sandbox.processes import Process

NAMED = 50
"""How many of the ended processes are named."""

TERM_GRACE = 0.5
"""Seconds between asking a process to end and ending it, where no namespace does it at once."""

PATIENCE = 5.0
"""Seconds to wait for what was killed; past them a process is stuck in the kernel or not ours to kill."""

_ROUND = 0.01


@dataclass(frozen=True)
class Ended:
    """What came of it."""

    killed: tuple[KilledProcess, ...]
    survivors: tuple[KilledProcess, ...] = ()


@dataclass(frozen=True)
class Target:
    """A command to end."""

    pid: int
    """What was spawned for it; reaped by whoever spawned it."""
    marker: str
    line: str
    """What its shell is called in the report of what was killed."""
    ink: int | None = None
    """The soft limit of message queues that its processes inherit, a mark that no program clears; None without."""


def end_namespace(target: Target) -> Ended:
    """End a command in bubblewrap: with the first process of its namespace everything in it dies, whatever it ignores."""
    table = processes.processes()
    inside = processes.descendants(target.pid, table)
    first = {pid for pid in inside if table[pid].parent == target.pid}
    names = _names(target, [table[pid] for pid in sorted(inside - first)], table, above=first)
    gone = _kill_and_wait([*first, target.pid])
    if not first or not gone:
        # Between its clone and the moment it binds its life to its parent's, the inner bubblewrap is on its own.
        rest = _end(lambda: _marked(processes.processes(), lambda marker: marker == target.marker), names, term=0)
        return Ended(rest.killed, rest.survivors)
    processes.reap(first)
    return Ended(names)


def end_tree(target: Target) -> Ended:
    """End a command that runs without walls: its session, whoever carries its marks, and all that they started."""

    def members() -> dict[int, Process]:
        table = processes.processes()
        roots = {
            process.pid
            for process in table.values()
            if process.session == target.pid
            or processes.carries(process.pid, lambda marker: marker == target.marker)
            or (target.ink is not None and processes.message_queue_limit(process.pid) == target.ink)
        }
        return _ours(roots, table)

    first = members()
    above = {target.pid} if target.pid in first else set[int]()
    names = _names(target, [process for process in first.values() if process.pid != target.pid], first, above=above)
    return _end(members, names, spare=target.pid)


def end_marked_processes(prefix: str) -> tuple[KilledProcess, ...]:
    """After a crash: end every process whose marker starts with `prefix`, and all below them, and say what was ended.

    Blocks for up to some seconds. This process and those above it are never ended.
    """
    return _end(lambda: _marked(processes.processes(), lambda marker: marker.startswith(prefix)), ()).killed


def end_marked(marker: str) -> Ended:
    """End every process with exactly this marker, and all below them. Blocks for up to some seconds."""
    return _end(lambda: _marked(processes.processes(), lambda found: found == marker), ())


def _marked(table: dict[int, Process], matches: Callable[[str], bool]) -> dict[int, Process]:
    return _ours({pid for pid in table if processes.carries(pid, matches)}, table)


def _ours(roots: set[int], table: dict[int, Process]) -> dict[int, Process]:
    mine = os.getpid()
    spared: set[int] = set()
    while mine in table and mine not in spared:
        spared.add(mine)
        mine = table[mine].parent
    return {pid: table[pid] for pid in processes.closure(roots - spared, table) - spared}


def _end(
    members: Callable[[], dict[int, Process]],
    names: tuple[KilledProcess, ...],
    *,
    term: float = TERM_GRACE,
    spare: int | None = None,
) -> Ended:
    """Ask, then stop, then kill, again and again until nobody is there; `spare` is reaped by somebody else."""
    named = {process.pid: process for process in names}
    seen: set[int] = set()

    def look() -> dict[int, Process]:
        found = members()
        fresh = [pid for pid in found if pid not in seen and pid != spare]
        seen.update(fresh)
        # What the supervisor itself starts while the shell dies is ours and no news.
        missing = [pid for pid in fresh if pid not in named and found[pid].parent != spare]
        named.update({new.pid: new for new in _describe(missing, max(0, NAMED - len(named)))})
        return found

    asked: set[int] = set()
    deadline = time.monotonic() + term
    while term and (living := look()) and time.monotonic() < deadline:
        fresh = [process for pid, process in living.items() if pid not in asked]
        processes.send(fresh, signal.SIGTERM)
        processes.send(fresh, signal.SIGCONT)
        asked.update(living)
        time.sleep(_ROUND)
    deadline = time.monotonic() + PATIENCE
    stopped: set[int] = set()
    while (living := look()) and time.monotonic() < deadline:
        fresh = [process for pid, process in living.items() if pid not in stopped]
        if fresh:
            processes.send(fresh, signal.SIGSTOP)
            stopped.update(living)
            continue
        processes.send(living.values(), signal.SIGKILL)
        time.sleep(_ROUND)
    if living:
        # On a busy machine looking alone takes that long: what was stopped would stay so for good.
        processes.send(living.values(), signal.SIGKILL)
        time.sleep(_ROUND)
        living = look()
    processes.reap(seen)
    survivors = _describe(living, NAMED)
    left = {survivor.pid for survivor in survivors}
    return Ended(tuple(process for pid, process in named.items() if pid not in left)[:NAMED], survivors)


def _names(
    target: Target, inside: list[Process], table: dict[int, Process], *, above: set[int]
) -> tuple[KilledProcess, ...]:
    """What is to be said about `inside`: the supervisor, right below `above`, is ours and not named; the shell, below
    that, is called by the line that it runs."""
    supervisors = {process.pid for process in inside if process.parent in above and process.session == process.pid}
    supervisors |= {pid for pid in above if table[pid].session == pid}
    first_line = target.line.strip().partition("\n")[0][: processes.COMMAND_LENGTH]
    named: list[KilledProcess] = []
    for process in inside:
        if len(named) == NAMED:
            break
        if process.pid in supervisors:
            continue
        if process.parent in supervisors:
            named.append(KilledProcess(process.pid, first_line))
        else:
            named += _describe([process.pid], 1)
    return tuple(named)


def _describe(pids: Iterable[int], limit: int) -> tuple[KilledProcess, ...]:
    """What the first `limit` of `pids` are called; those that are gone, and what only serves a line, are left out."""
    found: list[KilledProcess] = []
    for pid in pids:
        if len(found) == limit:
            break
        command = processes.command_of(pid)
        if command is None or shell.UP in command:
            continue
        if shell.LINE in command:
            command = os.path.basename(command.partition(" ")[0])
        found.append(KilledProcess(pid, command[: processes.COMMAND_LENGTH]))
    return tuple(found)


def _kill_and_wait(pids: list[int]) -> bool:
    """Kill each of `pids` and wait for all of them; whether they are gone."""
    handles: list[int] = []
    poller = select.poll()
    try:
        for pid in pids:
            try:
                handle = os.pidfd_open(pid)
            except OSError:
                continue
            handles.append(handle)
            poller.register(handle, select.POLLIN)
        for handle in handles:
            try:
                signal.pidfd_send_signal(handle, signal.SIGKILL)
            except ProcessLookupError:
                continue
        waiting = set(handles)
        deadline = time.monotonic() + PATIENCE
        while waiting and (left := deadline - time.monotonic()) > 0:
            for handle, _ in poller.poll(left * 1000):
                poller.unregister(handle)
                waiting.discard(handle)
        return not waiting
    finally:
        for handle in handles:
            os.close(handle)
