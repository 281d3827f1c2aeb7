"""What the mouse is to a program that asked for it."""

from enum import Enum

from stigmer_tui.emulator.grid import Modes, MouseReports

_WHEEL_UP, _WHEEL_DOWN, _MOTION, _NO_BUTTON = 64, 65, 32, 3
_LAST_OLD_PLACE = 223


class MouseDeed(Enum):
    """What was done with it."""

    PRESS = "press"
    RELEASE = "release"
    MOVE = "move"
    WHEEL_UP = "wheel up"
    WHEEL_DOWN = "wheel down"


def mouse_bytes(deed: MouseDeed, button: int, x: int, y: int, modifiers: int, modes: Modes) -> bytes:
    """The report; empty where the program does not want it.

    `button`: 1 left, 2 middle, 3 right, 0 none. `x`, `y`: the cell, from 0. `modifiers`: 4 shift + 8 alt + 16 control.
    """
    wanted = modes.mouse
    if wanted is MouseReports.NONE or x < 0 or y < 0:
        return b""
    if deed is MouseDeed.MOVE and not (wanted is MouseReports.MOVES or (wanted is MouseReports.DRAGS and button)):
        return b""
    if wanted is MouseReports.PRESSES and deed is not MouseDeed.PRESS:
        return b""
    code = _code(deed, button) + (modifiers if wanted is not MouseReports.PRESSES else 0)
    if modes.sgr_mouse:
        return f"\x1b[<{code};{x + 1};{y + 1}{'m' if deed is MouseDeed.RELEASE else 'M'}".encode()
    if deed is MouseDeed.RELEASE:
        code = _NO_BUTTON + modifiers
    if modes.utf8_mouse:
        return b"\x1b[M" + "".join(chr(32 + number) for number in (code, x + 1, y + 1)).encode()
    if max(x, y) >= _LAST_OLD_PLACE:
        return b""
    return b"\x1b[M" + bytes([32 + code, 33 + x, 33 + y])


def _code(deed: MouseDeed, button: int) -> int:
    match deed:
        case MouseDeed.WHEEL_UP:
            return _WHEEL_UP
        case MouseDeed.WHEEL_DOWN:
            return _WHEEL_DOWN
        case MouseDeed.MOVE:
            return _MOTION + (button - 1 if button else _NO_BUTTON)
        case _:
            return max(0, button - 1)
