"""Rows: text that is safe to draw, each piece with the name of its style."""

from dataclasses import dataclass, replace

from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.width import fit, wrap

INDENT = "  "
MOST_ROWS = 4000
"""Rows of one text that are shown, unfolded too; the pager has all."""


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a row."""

    text: str
    style: str = "text"
    """Names of component classes of the view, without their prefix, separated by spaces."""


Row = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """How blocks are laid out."""

    width: int
    """Cells of a row."""
    side_by_side: bool = False
    """Whether a diff shows before and after beside each other."""
    as_written: bool = False
    """Whether what a model wrote is shown as it came, and not read as Markdown."""

    def narrower(self, cells: int) -> "Shape":
        """The same in less room."""
        return replace(self, width=max(2, self.width - cells))


def marked(mark: str, mark_style: str, text: str, style: str, width: int) -> list[Row]:
    """Text with a mark in front of its first row."""
    lines = wrap(safe(Untrusted(text), lines=True), width - len(INDENT))
    rows: list[Row] = [(Span(f"{mark} ", mark_style), Span(lines[0], style))]
    rows.extend((Span(INDENT), Span(line, style)) for line in lines[1:])
    return rows


def folded(
    mark: str, mark_style: str, text: str, style: str, width: int, *, lines: int, opened: bool, what: str = "line"
) -> list[Row]:
    """Like `marked`; unless it is opened only the first `lines` lines, in twice as many rows at most, and how many are left out."""
    parts = text.split("\n")
    if parts[-1] == "" and len(parts) > 1:
        parts.pop()
    limit = MOST_ROWS if opened else lines
    shown = "\n".join(parts[:limit])
    room = (2 * limit if not opened else MOST_ROWS) * width
    rows = marked(mark, mark_style, shown[:room], style, width)
    left_out = len(parts) - limit
    if left_out > 0:
        more = f"… {left_out:,} more {what if left_out == 1 else f'{what}s'}"
    elif len(shown) > room or (not opened and len(rows) > 2 * limit):
        rows = rows[: 2 * limit] if not opened else rows
        more = "… more"
    else:
        return rows
    more = more if not opened else f"{more}; v has all"
    return [*rows, (Span(INDENT), Span(fit(more, width - len(INDENT)).rstrip(), "fold"))]
