"""Landlock, the kernel's own walls around files: rules that a thread puts on itself and that all it starts inherit, for good.

Needs no privilege and no namespace, so it also works in containers that forbid both. Two uses: a scope that keeps bubblewrap's
commands from abstract sockets, which no file system hides; and, where bubblewrap cannot run, the walls themselves.
"""

import ctypes
import enum
import errno
import os
import stat
import struct

_CREATE_RULESET = 444
_ADD_RULE = 445
_RESTRICT_SELF = 446
"""Numbers of the system calls, the same on every architecture."""

_VERSION = 1
_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38


class Scope(enum.IntFlag):
    """What is kept inside (LANDLOCK_SCOPE_*)."""

    ABSTRACT_SOCKETS = 1
    SIGNALS = 2


class Access(enum.IntFlag):
    """What may be done with a file or a directory (LANDLOCK_ACCESS_FS_*)."""

    EXECUTE = 1 << 0
    WRITE_FILE = 1 << 1
    READ_FILE = 1 << 2
    READ_DIR = 1 << 3
    REMOVE_DIR = 1 << 4
    REMOVE_FILE = 1 << 5
    MAKE_CHAR = 1 << 6
    MAKE_DIR = 1 << 7
    MAKE_REG = 1 << 8
    MAKE_SOCK = 1 << 9
    MAKE_FIFO = 1 << 10
    MAKE_BLOCK = 1 << 11
    MAKE_SYM = 1 << 12
    REFER = 1 << 13
    TRUNCATE = 1 << 14


ALL = Access((1 << 15) - 1)
READ = Access.EXECUTE | Access.READ_FILE | Access.READ_DIR
WRITE = ALL & ~(Access.MAKE_CHAR | Access.MAKE_BLOCK)
_OF_FILES = Access.EXECUTE | Access.WRITE_FILE | Access.READ_FILE | Access.TRUNCATE
"""What can be said of a file; the rest is about directories."""

FILES_ABI = 3
"""The first version that keeps files from being cut short (Linux 6.2): below it there would be no walls worth the name."""
SCOPES_ABI = 6
"""The first with scopes (Linux 6.12)."""

_libc = ctypes.CDLL(None, use_errno=True)


def version() -> int:
    """Which version of Landlock the kernel has; 0 where it has none, or it is switched off."""
    abi: int = _libc.syscall(_CREATE_RULESET, None, 0, _VERSION)
    return max(0, abi)


class Ruleset:
    """Rules on their way to a thread. A descriptor of the kernel, closed by `close`."""

    def __init__(self, files: Access, scopes: Scope) -> None:
        """Of `files` and `scopes` nothing is allowed but what is added. Raises `OSError`."""
        attributes = struct.pack("QQQ", files, 0, scopes)
        # The kernel takes a shorter set of attributes where it knows no scopes.
        length = len(attributes) if scopes else 8
        self._fd = _called("the kernel refused a set of Landlock rules", _CREATE_RULESET, attributes, length, 0)

    def allow(self, path: str, access: Access) -> None:
        """Allow `access` to what `path` leads to and all below it; nothing where it is not there."""
        try:
            fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            return
        try:
            self.allow_open(fd, access)
        finally:
            os.close(fd)

    def allow_open(self, fd: int, access: Access) -> None:
        """The same for what is open already. Raises `OSError`."""
        allowed = access if stat.S_ISDIR(os.fstat(fd).st_mode) else access & _OF_FILES
        rule = struct.pack("=Qi", allowed, fd)
        _called("the kernel refused a Landlock rule", _ADD_RULE, self._fd, _PATH_BENEATH, rule, 0)

    def confine_this_thread(self) -> None:
        """Apply the rules to this thread and what it starts, for good. Raises `OSError`."""
        no_new_powers()
        _called("the kernel refused to apply Landlock rules", _RESTRICT_SELF, self._fd, 0)

    def close(self) -> None:
        """Give up the descriptor."""
        os.close(self._fd)


def scope_this_thread() -> None:
    """Keep this thread and what it starts from abstract sockets made outside, for good.

    Raises `OSError` where the kernel cannot.
    """
    if version() < SCOPES_ABI:
        raise OSError(errno.ENOSYS, "the kernel has no scopes of Landlock")
    rules = Ruleset(Access(0), Scope.ABSTRACT_SOCKETS)
    try:
        rules.confine_this_thread()
    finally:
        rules.close()


def no_new_powers() -> None:
    """Let this thread and what it starts never gain a privilege by a program that has one. Raises `OSError`."""
    if _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "the kernel refused to give up new privileges")


def _called(refusal: str, *arguments: int | bytes) -> int:
    answer: int = _libc.syscall(*arguments)
    if answer < 0:
        raise OSError(ctypes.get_errno(), refusal)
    return answer
