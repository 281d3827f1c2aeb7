"""A row of cells: a character and a pen each. A wide character is followed by an empty cell; marks stand in the cell of their letter."""

import re
from dataclasses import dataclass
from functools import lru_cache

from wcwidth import wcwidth

from stigmer_tui.terminal.pen import PLAIN, Pen

MARKS = 8
"""Marks that one cell keeps: a hundred of them would paint over other rows."""
NARROW = re.compile(
    "[ -~\xa0-\xac\xae-\u02ff\u0370-\u0377\u0391-\u03a1\u0400-\u0482\u2010-\u2027\u2030-\u205e\u2190-\u2319\u2500-\u25fc\u2800-\u28ff]*"
)
"""Text of which every character certainly takes one cell: letters of most of Europe, arrows, boxes, blocks, Braille."""


@lru_cache(maxsize=8192)
def width_of(character: str) -> int:
    """Cells of a character: 0 for a mark, 1 or 2; characters that have none, such as C1 controls, count as marks."""
    return max(0, wcwidth(character))


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring cells in one pen. The text is a program's."""

    text: str
    pen: Pen


class Row:
    """The cells of one line of the screen."""

    __slots__ = ("chars", "pens", "wide")

    def __init__(self, columns: int, pen: Pen = PLAIN) -> None:
        self.chars = [" "] * columns
        self.pens = [pen] * columns
        self.wide = False
        """Whether there may be wide characters or marks in it."""

    def blank(self, pen: Pen) -> None:
        """Empty all cells."""
        columns = len(self.chars)
        self.chars = [" "] * columns
        self.pens = [pen] * columns
        self.wide = False

    def erase(self, start: int, end: int, pen: Pen) -> None:
        """Empty the cells from `start` to before `end`."""
        end = min(end, len(self.chars))
        if start < end:
            self.chars[start:end] = [" "] * (end - start)
            self.pens[start:end] = [pen] * (end - start)
            if self.wide:
                self.mend()

    def insert(self, start: int, count: int, pen: Pen) -> None:
        """Push the cells from `start` on to the right; what goes over the edge is gone."""
        columns = len(self.chars)
        count = min(count, columns - start)
        if count > 0:
            self.chars[start:] = [" "] * count + self.chars[start : columns - count]
            self.pens[start:] = [pen] * count + self.pens[start : columns - count]
            if self.wide:
                self.mend()

    def delete(self, start: int, count: int, pen: Pen) -> None:
        """Pull the cells behind `count` cells to `start`."""
        columns = len(self.chars)
        count = min(count, columns - start)
        if count > 0:
            self.chars[start:] = self.chars[start + count :] + [" "] * count
            self.pens[start:] = self.pens[start + count :] + [pen] * count
            if self.wide:
                self.mend()

    def mend(self) -> None:
        """Half of a wide character, whose other half was written over, is a space."""
        chars, pens = self.chars, self.pens
        last = len(chars) - 1
        for place, cell in enumerate(chars):
            if not cell:
                if place == 0 or not chars[place - 1] or width_of(chars[place - 1][0]) != 2:
                    chars[place], pens[place] = " ", PLAIN
            elif cell[0] > "\u02ff" and width_of(cell[0]) == 2 and (place == last or chars[place + 1]):
                chars[place], pens[place] = " ", PLAIN

    def fit(self, columns: int) -> None:
        """Another width: cut, or filled up."""
        missing = columns - len(self.chars)
        if missing > 0:
            self.chars += [" "] * missing
            self.pens += [PLAIN] * missing
        else:
            del self.chars[columns:], self.pens[columns:]
            if self.wide:
                self.mend()

    def runs(self) -> list[Run]:
        """The cells, neighbours in one pen together."""
        chars, pens = self.chars, self.pens
        runs: list[Run] = []
        start, pen = 0, pens[0]
        for place, other in enumerate(pens):
            if other is not pen and other != pen:
                runs.append(Run("".join(chars[start:place]), pen))
                start, pen = place, other
        runs.append(Run("".join(chars[start:]), pen))
        return runs
