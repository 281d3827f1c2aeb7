"""Takes from a thread, and from what it starts, the powers that rules about files do not cover: capabilities and system calls.

Each is the thread's own: the rest of the process keeps what it has.
"""

import ctypes
import struct

from stigmer_runner.sandbox.landlock import no_new_powers

_PR_CAPBSET_DROP = 24
_PR_SET_SECCOMP = 22
_MODE_FILTER = 2
_CAPABILITY_VERSION_3 = 0x20080522
_CAPABILITIES = 64

_libc = ctypes.CDLL(None, use_errno=True)


def drop_capabilities() -> None:
    """Give up every capability, and those that a program of root would bring. Raises `OSError`."""
    for number in range(_CAPABILITIES):
        # Those that the kernel does not know, and all of them for who has none to give up, are refused: there is nothing to do.
        _libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0)
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    if _libc.capset(header, bytes(24)):
        raise OSError(ctypes.get_errno(), "the kernel refused to take capabilities away")


def filter_calls(program: bytes) -> None:
    """Put the filter of system calls `program` on this thread. Raises `OSError`."""
    no_new_powers()
    instructions = ctypes.create_string_buffer(program, len(program))
    told = struct.pack("@HP", len(program) // 8, ctypes.addressof(instructions))
    if _libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, told, 0, 0):
        raise OSError(ctypes.get_errno(), "the kernel refused a filter of system calls")
