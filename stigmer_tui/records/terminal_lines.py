"""The output of one terminal as lines, as it comes: as they look in the end, full-screen programs left out."""

import re
from collections.abc import Iterator

from stigmer_tui.terminal.fullscreen import ScreenSplitter, ScreenSwitch
from stigmer_tui.terminal.line_cells import DrawnLine, Run, draw_line
from stigmer_tui.terminal.pen import PLAIN, Pen, apply_sgr
from stigmer_tui.text import Untrusted, safe

LONGEST = 64 * 1024
"""Bytes of a line that are held until its end comes; a longer one is shown in pieces."""
_COLOUR = re.compile(r"\x1b\[([0-9;:]*)m")
_OTHER = re.compile(r"[\x00-\x1f\x7f-\x9f]|[^\x00-\u02ff]")
"""What is more than a letter a cell: control codes, wide characters, marks."""
FULL_SCREEN = DrawnLine((Run("[a full-screen program was here: `stigmer replay` shows it]", Pen(dim=True)),), PLAIN)


class TerminalLines:
    """Output in, lines out. A line that is not over is held back, up to `LONGEST`."""

    def __init__(self) -> None:
        self._splitter = ScreenSplitter()
        self._rest = b""
        self._pen = PLAIN

    def feed(self, data: bytes) -> list[DrawnLine]:
        """Lines that are over now."""
        return list(self._lines(self._splitter.feed(data)))

    def finish(self) -> list[DrawnLine]:
        """What is left."""
        lines = list(self._lines(self._splitter.finish()))
        if self._rest:
            lines.append(self._drawn(self._rest))
            self._rest = b""
        return lines

    def _lines(self, parts: list[bytes | ScreenSwitch]) -> Iterator[DrawnLine]:
        for part in parts:
            match part:
                case bytes():
                    *whole, self._rest = (self._rest + part).split(b"\n")
                    for line in whole:
                        yield self._drawn(line)
                    while len(self._rest) > LONGEST:
                        cut = _between_characters(self._rest, LONGEST)
                        yield self._drawn(self._rest[:cut])
                        self._rest = self._rest[cut:]
                case ScreenSwitch.ENTERED:
                    if self._rest:
                        yield self._drawn(self._rest)
                        self._rest = b""
                    yield FULL_SCREEN
                case ScreenSwitch.LEFT:
                    self._pen = PLAIN

    def _drawn(self, line: bytes) -> DrawnLine:
        line = line.rstrip(b"\r")
        drawn = _only_coloured(line, self._pen) or draw_line(line, self._pen)
        self._pen = drawn.pen
        return drawn


def _only_coloured(data: bytes, pen: Pen) -> DrawnLine | None:
    """What `draw_line` would draw, many times faster, of a line of plain letters and colours; None of any other."""
    if b"\x1b[" not in data:
        return None
    texts = _COLOUR.split(data.decode("utf-8", "replace"))
    if _OTHER.search("".join(texts[::2])):
        return None
    runs: list[Run] = []
    for place, text in enumerate(texts):
        if place % 2:
            pen = apply_sgr(pen, text)
        elif text:
            runs.append(Run(safe(Untrusted(text)), pen))
    return DrawnLine(tuple(runs), pen)


def _between_characters(data: bytes, place: int) -> int:
    """`place`, or up to three bytes before it where a character of UTF-8 begins there."""
    for back in range(4):
        if data[place - back] & 0xC0 != 0x80:
            return place - back
    return place
