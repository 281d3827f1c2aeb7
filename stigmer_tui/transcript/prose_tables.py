"""Tables of Markdown: columns as wide as they need to be, narrower where there is no room; no lines but one under the heads."""

from dataclasses import dataclass
from itertools import zip_longest

from rich.cells import cell_len

from stigmer_tui.transcript.prose_words import Line, flowed
from stigmer_tui.transcript.rows import Row, Span

GAP = "  "
LEAST = 4
"""Cells of a column below which a table is not drawn."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell."""

    lines: tuple[Line, ...]
    align: str = ""
    """`left`, `right`, `center`, or nothing."""

    @property
    def width(self) -> int:
        """Cells that it takes where there is room."""
        return max(cell_len("".join(text for text, _ in line)) for line in self.lines)


def table_rows(head: list[Cell], body: list[list[Cell]], width: int) -> list[Row] | None:
    """The table in rows; None where there is no room for its columns."""
    widths = _widths([head, *body], width)
    if widths is None:
        return None
    rows = _drawn(head, widths, "text strong")
    rows.append((Span(GAP.join("─" * each for each in widths), "faint"),))
    for cells in body:
        rows += _drawn(cells, widths, "text")
    return rows


def _widths(lines: list[list[Cell]], width: int) -> list[int] | None:
    columns = list(zip_longest(*lines, fillvalue=Cell(((("", ""),),))))
    wanted = [max(1, *(cell.width for cell in column)) for column in columns]
    room = width - len(GAP) * (len(wanted) - 1)
    if room < sum(min(LEAST, each) for each in wanted):
        return None
    widths = [min(LEAST, each) for each in wanted]
    left = room - sum(widths)
    while left > 0:
        short = [place for place, each in enumerate(wanted) if widths[place] < each]
        if not short:
            break
        share = max(1, left // len(short))
        for place in short:
            more = min(share, wanted[place] - widths[place], left)
            widths[place] += more
            left -= more
    return widths


def _drawn(cells: list[Cell], widths: list[int], style: str) -> list[Row]:
    """A row of the table in as many rows as its longest cell needs."""
    flows = [flowed(cell.lines, each, style) for cell, each in zip(cells, widths, strict=False)]
    aligned = [cell.align for cell in cells]
    rows: list[Row] = []
    for parts in zip_longest(*flows, fillvalue=(Span("", style),)):
        spans: list[Span] = []
        for place, part in enumerate(parts):
            room = max(0, widths[place] - sum(cell_len(span.text) for span in part))
            before = room if aligned[place] == "right" else room // 2 if aligned[place] == "center" else 0
            last = place == len(parts) - 1
            after = "" if last else " " * (room - before) + GAP
            spans += (*((Span(" " * before, style),) if before else ()), *part)
            if after:
                spans.append(Span(after, style))
        rows.append(tuple(spans))
    return rows
