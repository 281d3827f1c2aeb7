"""What the runner's process does to itself before it touches anything, and the lock that makes it the only one."""

import ctypes
import fcntl
import os
import resource
import signal
import sys
from pathlib import Path

from stigmer_runner.errors import AlreadyRunning, BadArguments

LOCK_FILE = "runner.lock"
"""Below the run directory; held for as long as the process lives."""

PRIVATE_UMASK = 0o077
IGNORED_BY_PYTHON = frozenset({signal.SIGPIPE, signal.SIGXFSZ})
"""The interpreter ignores them for itself; `subprocess` gives them back to children."""
_PR_SET_DUMPABLE = 4


def harden() -> None:
    """Private files, no core files, closed to other processes of the same user. Inherited by no child but for the first two.

    Raises `BadArguments` where the system refuses.
    """
    os.umask(PRIVATE_UMASK)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    if sys.platform.startswith("linux"):
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
            raise BadArguments(f"the runner cannot be closed to other processes: {os.strerror(ctypes.get_errno())}")


def take_signals_back() -> None:
    """Give every signal that whoever started us ignored its usual meaning again: a child inherits it, and Ctrl+C would do nothing in its terminal.

    A shell ignores SIGINT and SIGQUIT for what it starts in the background, `nohup` SIGHUP.
    """
    for number in signal.valid_signals() - IGNORED_BY_PYTHON:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def hold_lock(run_directory: Path) -> int:
    """Become the one runner of a home; returns the descriptor that holds the lock. Raises `AlreadyRunning`."""
    path = run_directory / LOCK_FILE
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
        os.close(descriptor)
        raise AlreadyRunning(f"another runner serves this home (pid {holder or 'unknown'}): it holds {path}") from error
    os.truncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor
