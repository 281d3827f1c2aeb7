"""What the program in the foreground of a terminal waits for, seen from the master side. Linux alone.

The kernel says which process group has the terminal, which call each of its threads is blocked in, and how the
terminal is set: a read of the terminal is a wait for input; without echo it is a password, out of line mode it is keys.
A program in key mode often waits in poll or select instead. Programs of another user (sudo) hide their calls; there
an unechoed line mode is telling enough.
"""

import os
import platform
import termios

from stigmer_runner.sandbox import processes
from stigmer_runner.sandbox.model import InputWait
from stigmer_runner.sandbox.terminal import session_of

_CONTROLLING_TERMINAL = os.makedev(5, 0)

_READS = {"x86_64": frozenset({0, 19}), "aarch64": frozenset({63, 65})}
"""Numbers of read and readv."""

_POLLS = {"x86_64": frozenset({7, 23, 232, 270, 271, 281, 441}), "aarch64": frozenset({22, 72, 73, 441})}
"""Numbers of poll, select, epoll_wait and their kin."""

_THREADS = 64
"""How many threads of a process are looked at."""


def waiting_for(master: int, device: int) -> InputWait | None:
    """What the foreground of the terminal with that master, whose slave is `device`, waits for; None where it is busy."""
    leader = session_of(master)
    try:
        group = os.tcgetpgrp(master)
        flags = termios.tcgetattr(master)[3]
    except (OSError, termios.error):
        return None
    lines, echo = bool(flags & termios.ICANON), bool(flags & termios.ECHO)
    polls = denied = False
    for pid in _foreground(leader, group) if leader else ():
        match _blocked_in(pid, device):
            case "read":
                return (InputWait.LINE if echo else InputWait.PASSWORD) if lines else InputWait.KEY
            case "poll":
                polls = True
            case "hidden":
                denied = True
            case _:
                continue
    if polls and not lines:
        return InputWait.KEY
    if denied and lines and not echo:
        return InputWait.PASSWORD
    return None


def _foreground(leader: int, group: int) -> list[int]:
    found: list[int] = []
    waiting = [leader]
    while waiting:
        pid = waiting.pop()
        process = processes.look(pid)
        if process is not None and process.group == group:
            found.append(pid)
        waiting += processes.children_of(pid)
    return found


def _blocked_in(pid: int, device: int) -> str | None:
    machine = platform.machine()
    reads, polls = _READS.get(machine, frozenset[int]()), _POLLS.get(machine, frozenset[int]())
    answer: str | None = None
    try:
        threads = os.listdir(f"/proc/{pid}/task")[:_THREADS]
        for thread in threads:
            with open(f"/proc/{pid}/task/{thread}/syscall", "rb") as file:
                call = file.read().split()
            if len(call) < 2 or not call[0].isdigit():
                continue
            number = int(call[0])
            if number in reads and os.stat(f"/proc/{pid}/fd/{int(call[1], 16)}").st_rdev in (
                device,
                _CONTROLLING_TERMINAL,
            ):
                return "read"
            if number in polls:
                answer = "poll"
    except PermissionError:
        return "hidden"
    except OSError:
        return None
    return answer
