"""Bytes of a run's terminal on their way to standard output.

Three ways, by where they go: as they are (`--raw`), with line ends as a file has them (a pipe), or made harmless (a person's terminal: colours and plain
line editing pass, everything else that a program could tell the real terminal is dropped).
"""

import re
from typing import Protocol


class OutputFilter(Protocol):
    """Turns terminal bytes into what is written; keeps what is cut at a chunk's edge."""

    def feed(self, data: bytes) -> bytes:
        """What can be written after `data` came."""
        ...

    def finish(self) -> bytes:
        """What is left at the end."""
        ...


class Unchanged:
    """Every byte as it came."""

    def feed(self, data: bytes) -> bytes:
        """`data` itself."""
        return data

    def finish(self) -> bytes:
        """Nothing is kept."""
        return b""


class LineEnds:
    """CR LF becomes LF; a CR alone stays."""

    def __init__(self) -> None:
        self._pending = b""

    def feed(self, data: bytes) -> bytes:
        """`data` with its line ends changed; a CR at the very end waits for what follows."""
        data = self._pending + data
        self._pending = b"\r" if data.endswith(b"\r") else b""
        if self._pending:
            data = data[:-1]
        return data.replace(b"\r\n", b"\n")

    def finish(self) -> bytes:
        """The CR that waited, if any."""
        pending, self._pending = self._pending, b""
        return pending


LONGEST_SEQUENCE = 64 * 1024
"""An escape sequence that is not over after so many bytes is dropped, in bytes."""

SEQUENCE = re.compile(
    rb"\x1b\[[0-?]*[ -/]*[@-~]"  # control sequence
    rb"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\|(?=\x1b))"  # string: title, clipboard, device control
    rb"|\x1b[ -/]*[0-~]"  # two bytes, or with intermediates
    rb"|[\x00-\x06\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]"  # control characters but bell, BS, TAB, LF, CR, ESC
    rb"|\xc2[\x80-\x9f]"  # C1 in UTF-8
    rb"|\x1b"  # an escape that begins nothing
)
UNFINISHED = re.compile(rb"(?:\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b]*\x1b?|[ -/]*)|\xc2)\Z")
HARMLESS = re.compile(rb"\x1b\[[0-9;:]*m|\x1b\[[0-2]?K|\x1b\[[0-9]*[CDG]")


class Harmless:
    """Text, colours, erase in line and moves within the line; nothing else reaches the person's terminal."""

    def __init__(self) -> None:
        self._pending = b""

    def feed(self, data: bytes) -> bytes:
        """What of `data` may be shown; an unfinished sequence at its end waits for the rest."""
        data = self._pending + data
        self._pending = b""
        cut = UNFINISHED.search(data, max(0, len(data) - LONGEST_SEQUENCE))
        if cut is not None:
            data, self._pending = data[: cut.start()], cut.group()
        return SEQUENCE.sub(lambda found: found.group() if HARMLESS.fullmatch(found.group()) else b"", data)

    def finish(self) -> bytes:
        """Leaves the terminal with plain colours."""
        self._pending = b""
        return b"\x1b[0m"


def output_filter(*, raw: bool, to_terminal: bool) -> OutputFilter:
    """The filter for this destination."""
    if raw:
        return Unchanged()
    return Harmless() if to_terminal else LineEnds()
