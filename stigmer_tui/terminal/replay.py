"""What a terminal printed before somebody attached, shown again: its end alone, and without the questions that programs ask of a terminal."""

import re
from collections import deque

from stigmer_tui.terminal.modes import TerminalModes

REPLAYED = 256 * 1024
"""Bytes at most."""
CLEAR = b"\x1b[0m\x1b[2J\x1b[H"
"""An empty terminal, the cursor at its top."""

_QUESTIONS = re.compile(
    rb"\x1b\[[?>=]?[0-9;]*c"  # what are you
    rb"|\x1b\[\??[0-9;]*n"  # where is the cursor, are you well
    rb"|\x1b\[\??[0-9;]*\$p"  # is this mode on
    rb"|\x1b\[[>?][0-9;]*q"  # which version
    rb"|\x1b\[\?[0-9;]*u"  # which keyboard protocol
    rb"|\x1b\[1[1-9](?:;[0-9;]*)?t|\x1b\[2[01](?:;[0-9;]*)?t"  # how large, which title
    rb"|\x1b\][0-9;]*;\?(?:\x07|\x1b\\)"  # which colours
    rb"|\x1b\]52;[^\x07\x1b]*(?:\x07|\x1b\\)"  # the clipboard
    rb"|\x1bP[^\x1b]*\x1b\\"  # device control
    rb"|(\x1b\][^\x07\x1b]*(?:\x07|\x1b\\))"  # other strings, whose end is no bell
    rb"|\x05|\x07"
)
_ALLOWED = rb"\1"
"""What stays of what `_QUESTIONS` finds."""


_UNFINISHED = re.compile(rb"\x1b(?:[\]PX^_][^\x07\x1b]*\x1b?|\[[0-?]*[ -/]*|[ -/]*)\Z")
_LONGEST_STRING = 1 << 20
"""Bytes of a string for the terminal that are waited for; one without an end is dropped, as terminals do."""


class QuestionFilter:
    """Takes the questions that programs ask of a terminal out of output that comes bit by bit: nobody is there for the answers."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """What may be shown, now that `data` came."""
        data = self._held + data
        unfinished = _UNFINISHED.search(data)
        self._held = unfinished.group() if unfinished else b""
        if unfinished:
            data = data[: unfinished.start()]
        if len(self._held) > _LONGEST_STRING:
            self._held = b""
        return _QUESTIONS.sub(_ALLOWED, data)


class Replay:
    """Collects the end of an output."""

    def __init__(self, limit: int = REPLAYED) -> None:
        self._limit = limit
        self._chunks: deque[bytes] = deque()
        self._kept = 0
        self._dropped = TerminalModes()

    def add(self, data: bytes) -> None:
        """Output, in order."""
        self._chunks.append(data)
        self._kept += len(data)
        while self._kept - len(self._chunks[0]) >= self._limit:
            self._drop(self._chunks.popleft())

    def _drop(self, data: bytes) -> None:
        self._kept -= len(data)
        self._dropped.feed(data)

    def screen(self) -> bytes:
        """Bytes that show it on a cleared terminal (`CLEAR`). What came before the end is left out; what it switched on is switched on."""
        data = b"".join(self._chunks)
        excess = len(data) - self._limit
        if excess > 0:
            start = data.find(b"\n", excess) + 1 or excess
            self._dropped.feed(data[:start])
            data = data[start:]
        return self._dropped.again() + _QUESTIONS.sub(_ALLOWED, data)
