"""A filter of system calls for what namespaces do not keep apart: the kernel's key rings, and typing into a terminal.

Key rings of the person's login session are inherited by every process, and hold keys of Kerberos, of encrypted disks, of
some password stores. `TIOCSTI` puts bytes into a terminal as if they were typed. Both answer "not permitted" here.
"""

import platform
import struct
from dataclasses import dataclass

_LOAD, _JUMP_EQUAL, _JUMP_LARGER, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | 1
"""SECCOMP_RET_ALLOW, and SECCOMP_RET_ERRNO with EPERM."""

_NUMBER, _ARCHITECTURE, _SECOND_ARGUMENT = 0, 4, 24
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


_CALLS = {
    "x86_64": (
        _Calls(0xC000003E, (248, 249, 250), 16),
        _Calls(0x40000003, (286, 287, 288), 54),
    ),
    "aarch64": (
        _Calls(0xC00000B7, (217, 218, 219), 29),
        _Calls(0x40000028, (309, 310, 311), 54),
    ),
}
"""By machine: its own calls, and those of the 32-bit programs that it also runs."""

_X32 = 0x40000000
"""Set in the numbers of x32, a third set of calls of x86_64: all refused, for nobody uses them."""


def refusing_filter(machine: str | None = None) -> bytes | None:
    """The filter as bubblewrap wants it; None for a machine whose numbers are not known here."""
    sets = _CALLS.get(machine or platform.machine())
    if sets is None:
        return None
    program = [_instruction(_LOAD, _ARCHITECTURE)]
    for calls in sets:
        block = _block(calls)
        program.append(_instruction(_JUMP_EQUAL, calls.audit, 0, len(block)))
        program += block
    program.append(_instruction(_RETURN, _ALLOW))
    return b"".join(program)


def _block(calls: _Calls) -> list[bytes]:
    block = [_instruction(_LOAD, _NUMBER)]
    if calls.audit == _CALLS["x86_64"][0].audit:
        block += [_instruction(_JUMP_LARGER, _X32, 0, 1), _instruction(_RETURN, _REFUSE)]
    for number in calls.refused:
        block += [_instruction(_JUMP_EQUAL, number, 0, 1), _instruction(_RETURN, _REFUSE)]
    block += [
        _instruction(_JUMP_EQUAL, calls.ioctl, 1, 0),
        _instruction(_RETURN, _ALLOW),
        _instruction(_LOAD, _SECOND_ARGUMENT),
    ]
    for request in (_TIOCSTI, _TIOCLINUX):
        block += [_instruction(_JUMP_EQUAL, request, 0, 1), _instruction(_RETURN, _REFUSE)]
    return [*block, _instruction(_RETURN, _ALLOW)]


def _instruction(code: int, operand: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, operand)
