"""Whether the terminal's background is dark or light: asked before the app starts, answered while it loads.

OSC 11 asks for the colour; the device attributes asked for behind it are answered by every terminal, so that one which does not know its colour costs no
wait. What a person types meanwhile is kept for the app.
"""

import os
import re
import select
import termios
import time
import tty
from collections.abc import Callable
from dataclasses import dataclass

QUESTION = b"\x1b]11;?\x1b\\\x1b[c"
DEADLINE_SECONDS = 0.15
"""After the app is loaded, for a terminal that answers nothing."""
_COLOUR = re.compile(
    rb"\x1b\]11;rgba?:([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})(?:/[0-9a-fA-F]{1,4})?(?:\x07|\x1b\\)"
)
_ATTRIBUTES = re.compile(rb"\x1b\[\?[0-9;]*c")
_LIGHT = 0.5
"""Luminance from which a background is light."""
_MOST = 4096


@dataclass(frozen=True, slots=True)
class Answer:
    """What the terminal said."""

    dark: bool | None
    """None: nothing that was understood."""
    typed: bytes = b""
    """What a person typed meanwhile."""


class BackgroundQuestion:
    """Asks when it is made; `answer` waits for the rest, and gives the terminal's settings back."""

    def __init__(self, descriptor: int = 0, out: int = 1) -> None:
        """`descriptor` is the terminal, for reading; `out` for writing. Where it is none, nothing is asked."""
        self._descriptor = descriptor
        self._give_back: Callable[[], None] | None = None
        try:
            before = termios.tcgetattr(descriptor)
            tty.setcbreak(descriptor, termios.TCSANOW)
            os.write(out, QUESTION)
        except (OSError, termios.error):
            return
        self._give_back = lambda: termios.tcsetattr(descriptor, termios.TCSANOW, before)

    def answer(self, deadline: float = DEADLINE_SECONDS) -> Answer:
        """What came, at the latest after so many seconds."""
        if self._give_back is None:
            return Answer(None)
        try:
            data = self._read(time.monotonic() + deadline)
        finally:
            self._give_back()
            self._give_back = None
        return understood(data)

    def _read(self, until: float) -> bytes:
        data = b""
        while not _ATTRIBUTES.search(data) and len(data) < _MOST:
            left = until - time.monotonic()
            if not select.select([self._descriptor], [], [], max(0.0, left))[0]:
                return data
            more = os.read(self._descriptor, _MOST)
            if not more:
                return data
            data += more
        return data


def understood(data: bytes) -> Answer:
    """What a terminal's answer says; pure."""
    colour = _COLOUR.search(data)
    typed = _ATTRIBUTES.sub(b"", _COLOUR.sub(b"", data))
    if colour is None:
        return Answer(None, typed)
    red, green, blue = (int(part, 16) / (16 ** len(part) - 1) for part in colour.groups())
    return Answer(0.2126 * red + 0.7152 * green + 0.0722 * blue < _LIGHT, typed)
