"""Bars over time: eight steps in a cell, an axis that says what its top stands for."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from stigmer_tui.text.width import fit, fit_right
from stigmer_tui.widgets.plots.measures import ceiling

LEAST_ROWS, LEAST_COLUMNS = 4, 24
"""Below this there is no room for a chart."""
_STEPS = " ▁▂▃▄▅▆▇█"
_BELOW = 2
"""Lines of the axis of time."""


class Chart(Widget):
    """A bar for each value, next to each other; a value that is not nothing is at least a line."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"chart--bar", "chart--axis"}

    def __init__(self) -> None:
        super().__init__(id="chart")
        self._values: Sequence[float] = ()
        self._words: Callable[[float], str] = str
        self._times: Sequence[tuple[int, str]] = ()
        self._lines: list[tuple[str, str]] = []
        self._drawn: tuple[int, int] | None = None

    def show(self, values: Sequence[float], words: Callable[[float], str], times: Sequence[tuple[int, str]]) -> None:
        """Show other values. `words`: how a value is written; `times`: places on the axis, and what stands there."""
        self._values, self._words, self._times = values, words, times
        self._drawn = None
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """A line of the chart."""
        width, height = self.size
        if self._drawn != (width, height):
            self._lines, self._drawn = self._draw(width, height), (width, height)
        axis, bars = self._lines[y] if y < len(self._lines) else ("", "")
        base = self.rich_style
        return Strip(
            [
                Segment(axis, base + self.get_component_rich_style("chart--axis", partial=True)),
                Segment(bars, base + self.get_component_rich_style("chart--bar", partial=True)),
            ]
        ).adjust_cell_length(width, base)

    def _draw(self, width: int, height: int) -> list[tuple[str, str]]:
        """Each line in two pieces: of the axes, and of bars."""
        rows, count = height - _BELOW, len(self._values)
        if width < LEAST_COLUMNS or height < LEAST_ROWS or not count:
            return []
        top = ceiling(max(self._values))
        marks = {0: self._words(top), rows - 1: self._words(0)}
        if rows % 2 and rows > 4:
            marks[rows // 2] = self._words(top / 2)
        gap = max(map(len, marks.values()))
        columns = width - gap - 1
        filled = [self._eighths(column * count // columns, top, rows) for column in range(columns)]
        lines: list[tuple[str, str]] = []
        for row in range(rows):
            floor = (rows - 1 - row) * 8
            bars = "".join(_STEPS[max(0, min(8, eighths - floor))] for eighths in filled)
            lines.append((fit_right(marks.get(row, ""), gap) + ("┤" if row in marks else "│"), bars))
        return [*lines, *self._axis(gap, columns, count)]

    def _eighths(self, place: int, top: float, rows: int) -> int:
        value = self._values[place]
        return max(1, round(value / top * rows * 8)) if value > 0 else 0

    def _axis(self, gap: int, columns: int, count: int) -> list[tuple[str, str]]:
        line, words = ["─"] * columns, ""
        for place, text in self._times:
            column = place * columns // count
            if column >= len(words) and column + len(text) <= columns:
                line[column] = "┬"
                words = fit(words, column) + text + " "
        return [(" " * gap + "└" + "".join(line), ""), (" " * (gap + 1) + words, "")]
