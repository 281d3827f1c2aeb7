"""A line of a terminal's screen as it is drawn: a program's text made harmless, in the program's colours."""

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from stigmer_tui.emulator import Emulator
from stigmer_tui.terminal.pen import style_of
from stigmer_tui.text.untrusted import REPLACEMENT, Untrusted, safe


def first_line(emulator: Emulator, height: int) -> int:
    """The first line that is shown where there are `height` lines of room: the cursor's is among them."""
    return max(0, min(emulator.rows - height, emulator.cursor[1] - height + 1))


def terminal_strip(emulator: Emulator, line: int, width: int, base: Style, outside: Style) -> Strip:
    """A line in `width` cells; what the terminal has not is drawn as `outside`."""
    if not 0 <= line < emulator.rows:
        return Strip.blank(width, outside)
    strip = Strip(_segments(emulator, line, base), emulator.columns)
    if emulator.columns > width:
        return strip.crop(0, width)
    return Strip([*strip, Segment(" " * (width - emulator.columns), outside)], width)


def _segments(emulator: Emulator, line: int, base: Style) -> list[Segment]:
    row = emulator.grid.lines[line]
    if not row.wide:
        return [Segment(safe(Untrusted(run.text)), base + style_of(run.pen)) for run in row.runs()]
    segments: list[Segment] = []
    for place, (cell, pen) in enumerate(zip(row.chars, row.pens, strict=True)):
        if cell:
            width = 2 if place + 1 < len(row.chars) and not row.chars[place + 1] else 1
            segments.append(Segment(_shown(cell, width), base + style_of(pen)))
    return list(Strip(segments).simplify())


def _shown(cell: str, width: int) -> str:
    """A cell in exactly its width, whatever the terminal that shows it makes of the character."""
    text = safe(Untrusted(cell))
    return text if cell_len(text) == width else REPLACEMENT.ljust(width)
