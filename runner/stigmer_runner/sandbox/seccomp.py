"""A filter of system calls for what namespaces do not keep apart: the kernel's key rings, and typing into a terminal.

Key rings of the person's login session are inherited by every process, and hold keys of Kerberos, of encrypted disks, of
some password stores. `TIOCSTI` puts bytes into a terminal as if they were typed. Both answer "not permitted" here.

Where there are no namespaces the filter is also the wall around the network: it refuses to make sockets but of the families that it
is given, and the calls by which a process would come to namespaces or to sockets in other ways.
"""

import platform
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass

_LOAD, _JUMP_EQUAL, _JUMP_LARGER, _JUMP_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _REFUSE, _UNKNOWN = 0x7FFF0000, 0x00050000 | 1, 0x00050000 | 38
"""SECCOMP_RET_ALLOW, and SECCOMP_RET_ERRNO with EPERM and with ENOSYS."""

_CLONE3 = 435
"""Takes its flags from memory, where no filter sees them: not there, so that programs use clone. The same on every architecture."""
_NAMESPACES = 0x7E020000
"""CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET."""

_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT, _SECOND_ARGUMENT = 0, 4, 16, 24
"""Offsets into `struct seccomp_data` on a little-endian machine."""

_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C


@dataclass(frozen=True)
class _Calls:
    """One set of numbers of system calls."""

    audit: int
    """The architecture as the kernel's audit names it."""
    refused: tuple[int, ...]
    """add_key, request_key, keyctl."""
    ioctl: int
    clone: int
    socket: int
    beside: tuple[int, ...]
    """unshare, setns, io_uring_setup; what leads to shared memory, semaphores and queues of System V; of 32-bit machines socketcall
    and ipc."""


INTERNET = (socket.AF_INET, socket.AF_INET6, 16)
"""The families of a command that has the network; 16 is AF_NETLINK, by which programs ask for the machine's addresses."""


_CALLS = {
    "x86_64": (
        _Calls(0xC000003E, (248, 249, 250), 16, 56, 41, (272, 308, 425, 29, 30, 64, 68, 69, 70)),
        _Calls(0x40000003, (286, 287, 288), 54, 120, 359, (310, 346, 425, 102, 117, 393, 395, 397, 399)),
    ),
    "aarch64": (
        _Calls(0xC00000B7, (217, 218, 219), 29, 220, 198, (97, 268, 425, 194, 196, 190, 186, 188, 189)),
        _Calls(0x40000028, (309, 310, 311), 54, 120, 281, (337, 375, 425, 102, 307, 305, 299, 303, 301, 304)),
    ),
}
"""By machine: its own calls, and those of the 32-bit programs that it also runs."""

_X32 = 0x40000000
"""Set in the numbers of x32, a third set of calls of x86_64: all refused, for nobody uses them."""


def refusing_filter(machine: str | None = None, families: Sequence[int] | None = None) -> bytes | None:
    """The filter as bubblewrap and the kernel want it; None for a machine whose numbers are not known here.

    `families`: those of which sockets may be made (pairs always may), and then no namespace is made or entered either; None: any.
    """
    sets = _CALLS.get(machine or platform.machine())
    if sets is None:
        return None
    program = [_instruction(_LOAD, _ARCHITECTURE)]
    for calls in sets:
        block = _block(calls, families)
        program.append(_instruction(_JUMP_EQUAL, calls.audit, 0, len(block)))
        program += block
    program.append(_instruction(_RETURN, _ALLOW))
    return b"".join(program)


def _block(calls: _Calls, families: Sequence[int] | None) -> list[bytes]:
    block = [_instruction(_LOAD, _NUMBER)]
    if calls.audit == _CALLS["x86_64"][0].audit:
        block += [_instruction(_JUMP_LARGER, _X32, 0, 1), _instruction(_RETURN, _REFUSE)]
    refused = calls.refused if families is None else (*calls.refused, *calls.beside)
    for number in refused:
        block += [_instruction(_JUMP_EQUAL, number, 0, 1), _instruction(_RETURN, _REFUSE)]
    if families is not None:
        flags = [
            _instruction(_LOAD, _FIRST_ARGUMENT),
            _instruction(_JUMP_ANY_BIT, _NAMESPACES, 0, 1),
            _instruction(_RETURN, _REFUSE),
            _instruction(_RETURN, _ALLOW),
        ]
        block += [_instruction(_JUMP_EQUAL, _CLONE3, 0, 1), _instruction(_RETURN, _UNKNOWN)]
        block += [_instruction(_JUMP_EQUAL, calls.clone, 0, len(flags)), *flags]
        allowed = _allowing(families)
        block += [_instruction(_JUMP_EQUAL, calls.socket, 0, len(allowed)), *allowed]
    block += [
        _instruction(_JUMP_EQUAL, calls.ioctl, 1, 0),
        _instruction(_RETURN, _ALLOW),
        _instruction(_LOAD, _SECOND_ARGUMENT),
    ]
    for request in (_TIOCSTI, _TIOCLINUX):
        block += [_instruction(_JUMP_EQUAL, request, 0, 1), _instruction(_RETURN, _REFUSE)]
    return [*block, _instruction(_RETURN, _ALLOW)]


def _allowing(families: Sequence[int]) -> list[bytes]:
    """Allows a call whose first argument is one of `families`, and no other."""
    found = [_instruction(_LOAD, _FIRST_ARGUMENT)]
    for family in families:
        found += [_instruction(_JUMP_EQUAL, family, 0, 1), _instruction(_RETURN, _ALLOW)]
    return [*found, _instruction(_RETURN, _REFUSE)]


def _instruction(code: int, operand: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, operand)
