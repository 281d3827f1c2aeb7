"""One line of a terminal's output as it looks in the end: carriage returns, backspaces and erasing done, colours kept, everything else left out.

That is what makes a progress bar one bar. Moves to other lines are not followed: a log keeps every line.
"""

import re
from dataclasses import dataclass

from rich.cells import cell_len

from stigmer_tui.terminal.pen import PLAIN, Pen, apply_sgr
from stigmer_tui.text.untrusted import Untrusted, safe

WIDEST = 100_000
"""A cursor is never moved further right than this, in cells, whatever a sequence says."""
TAB = 8

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_TOKEN = re.compile(
    r"\x1b\[(?P<parameters>[0-?]*)[ -/]*(?P<final>[@-~])"
    r"|(?P<string>\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\|(?=\x1b)|$))"
    r"|(?P<short>\x1b[ -/]*[0-~]?)"
    r"|(?P<edit>[\r\x08\t])"
    r"|(?P<silent>[\x00\x07\x0e\x0f])"
    r"|(?P<text>[^\x1b\r\x08\t\x00\x07\x0e\x0f]+)"
)
_WIDE_OR_MARK = re.compile(r"[^\x00-\u02ff]")


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of a line in one pen. Its text is safe to draw."""

    text: str
    pen: Pen


@dataclass(frozen=True, slots=True)
class DrawnLine:
    """A line as it looks."""

    runs: tuple[Run, ...]
    pen: Pen
    """What the next line begins with."""

    @property
    def text(self) -> str:
        """Without colours."""
        return "".join(run.text for run in self.runs)


def draw_line(data: bytes, pen: Pen = PLAIN) -> DrawnLine:
    """Draw one line, without its line end; `pen` as the line before left it."""
    text = data.decode("utf-8", "replace")
    if not _CONTROL.search(text):
        return DrawnLine((Run(safe(Untrusted(text)), pen),) if text else (), pen)
    line = _Line(pen)
    for token in _TOKEN.finditer(text):
        match token.lastgroup:
            case "text":
                line.write(token.group())
            case "edit":
                line.edit(token.group())
            case "final":
                line.control(token["parameters"], token["final"])
            case _:
                continue
    return DrawnLine(line.runs(), line.pen)


class _Line:
    """Cells and a cursor. A wide character is followed by an empty cell."""

    def __init__(self, pen: Pen) -> None:
        self.pen = pen
        self._cells: list[str] = []
        self._pens: list[Pen] = []
        self._column = 0

    def write(self, text: str) -> None:
        if not _WIDE_OR_MARK.search(text):
            self._put(list(text))
            return
        cells: list[str] = []
        for character in text:
            match cell_len(character):
                case 0:
                    self._attach(cells, character)
                case 2:
                    cells += (character, "")
                case _:
                    cells.append(character)
        self._put(cells)

    def _attach(self, cells: list[str], mark: str) -> None:
        """A mark belongs to the character before it."""
        if cells:
            place = -2 if cells[-1] == "" and len(cells) > 1 else -1
            cells[place] += mark
        elif 0 < self._column <= len(self._cells):
            self._cells[self._column - 1] += mark

    def _put(self, cells: list[str]) -> None:
        self._pad()
        end = self._column + len(cells)
        self._cells[self._column : end] = cells
        self._pens[self._column : end] = [self.pen] * len(cells)
        self._column = end

    def _pad(self) -> None:
        missing = self._column - len(self._cells)
        if missing > 0:
            self._cells.extend(" " * missing)
            self._pens.extend([PLAIN] * missing)

    def edit(self, control: str) -> None:
        match control:
            case "\r":
                self._column = 0
            case "\x08":
                self._column = max(0, self._column - 1)
            case _:
                self._column = min(WIDEST, (self._column // TAB + 1) * TAB)

    def control(self, parameters: str, final: str) -> None:
        if final == "m":
            if parameters.isascii() and not parameters.startswith(("<", "=", ">", "?")):
                self.pen = apply_sgr(self.pen, parameters)
            return
        first = parameters.split(";")[0]
        number = int(first) if first.isdigit() and len(first) < 7 else 0
        match final:
            case "C":
                self._column = min(WIDEST, self._column + max(1, number))
            case "D":
                self._column = max(0, self._column - max(1, number))
            case "G":
                self._column = min(WIDEST, max(1, number) - 1)
            case "K" | "J":
                self._erase(number)
            case "P":
                end = self._column + max(1, number)
                del self._cells[self._column : end], self._pens[self._column : end]
            case "X":
                self._blank(self._column, self._column + max(1, number))
            case _:
                return

    def _erase(self, which: int) -> None:
        match which:
            case 0:
                del self._cells[self._column :], self._pens[self._column :]
            case 1:
                self._blank(0, self._column + 1)
            case _:
                self._cells.clear()
                self._pens.clear()

    def _blank(self, start: int, end: int) -> None:
        end = min(end, len(self._cells))
        for place in range(start, end):
            self._cells[place] = " "
            self._pens[place] = PLAIN

    def runs(self) -> tuple[Run, ...]:
        """The cells as runs; half of a wide character, whose other half was written over, is a space."""
        self._mend()
        runs: list[Run] = []
        start = 0
        for place in range(1, len(self._cells) + 1):
            if place == len(self._cells) or (
                self._pens[place] is not self._pens[start] and self._pens[place] != self._pens[start]
            ):
                runs.append(Run(safe(Untrusted("".join(self._cells[start:place]))), self._pens[start]))
                start = place
        return tuple(runs)

    def _mend(self) -> None:
        cells = self._cells
        if "" not in cells and not any(len(cell) > 1 or cell > "\u02ff" for cell in cells):
            return
        for place, cell in enumerate(cells):
            if cell == "":
                if place == 0 or cell_len(cells[place - 1]) != 2:
                    cells[place] = " "
            elif cell_len(cell) == 2 and (place + 1 >= len(cells) or cells[place + 1] != ""):
                cells[place] = " "
