"""What is selected in a view of rows: whole rows by keys, any piece of text by the mouse."""

from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

END = 1 << 30
"""A column behind the end of every row."""


@dataclass(slots=True)
class Selection:
    """From a fixed point to the one that moves; rows and cells from 0."""

    fixed_row: int
    fixed_column: int
    row: int
    column: int
    by_rows: bool
    """Whole rows, however the columns stand."""

    @property
    def first_row(self) -> int:
        """The upper end."""
        return min(self.fixed_row, self.row)

    @property
    def last_row(self) -> int:
        """The lower end."""
        return max(self.fixed_row, self.row)

    def columns(self, row: int) -> tuple[int, int] | None:
        """The cells of a row that are selected: the first one, and the one behind the last; None where none is."""
        if not self.first_row <= row <= self.last_row:
            return None
        if self.by_rows:
            return 0, END
        start, end = sorted([(self.fixed_row, self.fixed_column), (self.row, self.column)])
        first = start[1] if row == start[0] else 0
        last = end[1] + 1 if row == end[0] else END
        return (first, last) if first < last else None


def cut_cells(text: str, first: int, last: int) -> str:
    """The characters of `text` that lie in cells from `first` to before `last`: a wide one that is half in it belongs to it."""
    kept: list[str] = []
    column = 0
    for character in text:
        width = cell_len(character)
        if column + max(1, width) > first and column < last:
            kept.append(character)
        column += width
        if column >= last:
            break
    return "".join(kept)


def with_selection(strip: Strip, first: int, last: int, style: Style) -> Strip:
    """The strip, its cells from `first` to before `last` in the style of what is selected."""
    last = min(last, strip.cell_length)
    if first >= last:
        return strip
    middle = [Segment(piece.text, (piece.style or Style.null()) + style) for piece in strip.crop(first, last)]
    return Strip([*strip.crop(0, first), *middle, *strip.crop(last)], strip.cell_length)
