"""Finds full-screen programs in a terminal's output: what they draw is no log, and is left out of it."""

import re
from enum import Enum

_SWITCH = re.compile(rb"\x1b\[\?(?:[0-9;]*;)?(?:47|1047|1049)(?:;[0-9;]*)?([hl])")
_UNFINISHED = re.compile(rb"\x1b(?:\[(?:\?[0-9;]{0,24})?)?\Z")


class ScreenSwitch(Enum):
    """A program took the whole screen, or gave it back."""

    ENTERED = "entered"
    LEFT = "left"


class ScreenSplitter:
    """Splits output into what a log shows and the switches between; a sequence that is cut at a chunk's edge waits for its rest."""

    def __init__(self) -> None:
        self.full_screen = False
        """Whether a program has the whole screen now."""
        self._pending = b""

    def feed(self, data: bytes) -> list[bytes | ScreenSwitch]:
        """What `data` adds to the log, in order; bytes drawn on a whole screen are dropped."""
        data = self._pending + data
        unfinished = _UNFINISHED.search(data, max(0, len(data) - 32))
        self._pending = unfinished.group() if unfinished else b""
        if unfinished:
            data = data[: unfinished.start()]
        parts: list[bytes | ScreenSwitch] = []
        position = 0
        for found in _SWITCH.finditer(data):
            self._add(parts, data[position : found.start()])
            position = found.end()
            entered = found.group(1) == b"h"
            if entered != self.full_screen:
                self.full_screen = entered
                parts.append(ScreenSwitch.ENTERED if entered else ScreenSwitch.LEFT)
        self._add(parts, data[position:])
        return parts

    def finish(self) -> list[bytes | ScreenSwitch]:
        """The program is over: what waited, and the end of its screen if it had one."""
        parts: list[bytes | ScreenSwitch] = []
        self._add(parts, self._pending)
        self._pending = b""
        if self.full_screen:
            self.full_screen = False
            parts.append(ScreenSwitch.LEFT)
        return parts

    def _add(self, parts: list[bytes | ScreenSwitch], data: bytes) -> None:
        if data and not self.full_screen:
            parts.append(data)
