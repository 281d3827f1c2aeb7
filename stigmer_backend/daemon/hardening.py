"""What the process does to itself before it touches anything: private files, no core dumps, closed to its siblings."""

import ctypes
import os
import resource
import sys

PRIVATE_UMASK = 0o077
"""Whatever is created, is its owner's alone."""

MOST_OPEN_FILES = 65_536
"""The soft limit of open files is raised up to this, as far as the hard limit allows; each client and each stream takes one."""

_PR_SET_DUMPABLE = 4
_STANDARD_DESCRIPTORS = (0, 1, 2)


class HardeningError(Exception):
    """The operating system refused a protection that the daemon does not run without."""


def harden() -> None:
    """Protect this process: umask 077, no core files, not dumpable, standard descriptors open, many files allowed.

    Not dumpable means that another process of the same user can read neither its memory nor `/proc/PID/environ`. Inherited by no child:
    `exec` takes it back. Raises `HardeningError`.
    """
    open_standard_descriptors()
    os.umask(PRIVATE_UMASK)
    os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    _forbid_dumping()
    _raise_open_files()


def open_standard_descriptors() -> None:
    """Open the null device on each of 0, 1 and 2 that is closed.

    Otherwise the next file that is opened, a database perhaps, would get the number, and what is printed would be written into it.
    """
    for descriptor in _STANDARD_DESCRIPTORS:
        try:
            os.fstat(descriptor)
        except OSError:
            null = os.open(os.devnull, os.O_RDWR)
            if null != descriptor:
                os.dup2(null, descriptor)
                os.close(null)


def _forbid_dumping() -> None:
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl.argtypes = (ctypes.c_int, *(ctypes.c_ulong,) * 4)
    if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        error = ctypes.get_errno()
        raise HardeningError(
            f"the process cannot be protected from its siblings (PR_SET_DUMPABLE: {os.strerror(error)})"
        )


def _raise_open_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_OPEN_FILES if hard == resource.RLIM_INFINITY else min(MOST_OPEN_FILES, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):
        # macOS caps it below the hard limit that it reports; the limit as it stands is enough to run.
        return
