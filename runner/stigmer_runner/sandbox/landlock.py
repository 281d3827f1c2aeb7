"""Keeps a thread's children from abstract sockets, which no file system hides: a scope of Landlock (Linux 6.12).

The scope is applied to the thread that starts commands and is inherited; it limits nothing else, mounting included.
"""

import ctypes
import errno
import struct

_CREATE_RULESET = 444
_RESTRICT_SELF = 446
"""Numbers of the system calls, the same on every architecture."""

_VERSION = 1
_SCOPE_ABSTRACT_SOCKETS = 1
_FIRST_ABI_WITH_SCOPES = 6
_PR_SET_NO_NEW_PRIVS = 38

_libc = ctypes.CDLL(None, use_errno=True)


def scope_this_thread() -> None:
    """Keep this thread and what it starts from abstract sockets made outside, for good.

    Raises `OSError` where the kernel cannot.
    """
    abi: int = _libc.syscall(_CREATE_RULESET, None, 0, _VERSION)
    if abi < _FIRST_ABI_WITH_SCOPES:
        raise OSError(errno.ENOSYS, "the kernel has no scopes of Landlock")
    attributes = struct.pack("QQQ", 0, 0, _SCOPE_ABSTRACT_SOCKETS)
    ruleset: int = _libc.syscall(_CREATE_RULESET, attributes, len(attributes), 0)
    if ruleset < 0:
        raise OSError(ctypes.get_errno(), "the kernel refused a set of Landlock rules")
    try:
        if _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or _libc.syscall(_RESTRICT_SELF, ruleset, 0):
            raise OSError(ctypes.get_errno(), "the kernel refused to apply Landlock rules")
    finally:
        _close(ruleset)


def _close(fd: int) -> None:
    _libc.close(fd)
