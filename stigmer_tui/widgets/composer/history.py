"""Lines that were written before, in a file of the person's own."""

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from stigmer_tui.widgets.composer.private_file import append_private, replace_private

KEPT = 1000
"""Lines."""
LONGEST = 64 * 1024
"""Bytes of a line that is kept; a longer one is remembered until the app ends."""


class History:
    """Newest last. A line that begins with a space is not kept, as in a shell. What cannot be read or written is done without: history is a comfort."""

    def __init__(self, path: Path) -> None:
        """Read `path`, one JSON string a line; where it grew to twice what is kept, cut it."""
        self._path = path
        self.lines: list[str] = []
        try:
            stored = path.read_bytes().splitlines()
        except OSError:
            return
        self.lines = _strings(stored)[-KEPT:]
        if len(stored) > 2 * KEPT:
            self._try_to(lambda: replace_private(path, b"".join(_stored(line) for line in self.lines)))

    def add(self, line: str) -> None:
        """Remember a line; a repeat of the last one is not."""
        if not line.strip() or line.startswith(" ") or (self.lines and self.lines[-1] == line):
            return
        self.lines.append(line)
        del self.lines[:-KEPT]
        data = _stored(line)
        if len(data) <= LONGEST:
            self._try_to(lambda: append_private(self._path, data))

    def _try_to(self, write: Callable[[], None]) -> None:
        with suppress(OSError):
            write()


def _stored(line: str) -> bytes:
    return json.dumps(line).encode() + b"\n"


def _strings(stored: Iterable[bytes]) -> list[str]:
    """The lines that are whole; a torn one is left out."""
    lines: list[str] = []
    for data in stored:
        try:
            line: object = json.loads(data)
        except ValueError:
            continue
        if isinstance(line, str):
            lines.append(line)
    return lines


class Recall:
    """Going back and forth through a history from one composer; what was being written is kept at its end."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._place: int | None = None
        self._draft = ""

    def older(self, written: str) -> str | None:
        """The line before the one that is shown; None where there is none."""
        lines = self._history.lines
        place = len(lines) if self._place is None else self._place
        if place == 0:
            return None
        if self._place is None:
            self._draft = written
        self._place = place - 1
        return lines[self._place]

    def newer(self) -> str | None:
        """The line after the one that is shown, what was being written after the last; None where nothing was recalled."""
        if self._place is None:
            return None
        self._place += 1
        if self._place < len(self._history.lines):
            return self._history.lines[self._place]
        self._place = None
        return self._draft

    def reset(self) -> None:
        """Begin at the end again."""
        self._place = None
