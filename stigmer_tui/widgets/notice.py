"""What the app has to say, in its own place above the composer: it covers nothing, and the newest takes the place of the one before."""

from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.width import wrap

SECONDS = 6.0
SECONDS_WRONG = 15.0
SECONDS_A_ROW = 2.0
"""More for each row above the usual."""
MOST_ROWS = 4
ROWS_AROUND = 10
"""Rows of the screen that a list to read leaves to the rest."""


class Notice(Widget):
    """Some rows of text for some seconds."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"notice--wrong"}

    def __init__(self) -> None:
        super().__init__()
        self.display = False
        self.text = ""
        """What it says; safe to draw."""
        self.wrong = False
        self._rows: list[str] = []
        self._timer: Timer | None = None
        self._most = MOST_ROWS

    def say(self, text: str, *, wrong: bool, width: int, stays: bool = False, most: int = MOST_ROWS) -> None:
        """Say something in `width` cells and at `most` so many rows; `wrong` in the colour of errors and for longer; until `hide` where it `stays`."""
        self.text, self.wrong, self._most = safe(Untrusted(text), lines=True), wrong, most
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        self._lay_out(width)
        if not stays:
            more = max(0, len(self._rows) - MOST_ROWS) * SECONDS_A_ROW
            self._timer = self.set_timer((SECONDS_WRONG if wrong else SECONDS) + more, self.hide)

    def hide(self) -> None:
        """Say nothing."""
        self.text = ""
        self.display = False

    def on_resize(self, event: events.Resize) -> None:
        """Another width."""
        if self.text:
            self._lay_out(event.size.width)

    def _lay_out(self, width: int) -> None:
        width = max(2, width - 4)
        rows = wrap(self.text, width)
        self._rows = (
            rows if len(rows) <= self._most else [*rows[: self._most - 1], rows[self._most - 1][: width - 1] + "…"]
        )
        self.styles.height = len(self._rows)
        self.display = True
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """A row, the first with a mark in front."""
        base = self.rich_style
        style = base + self.get_component_rich_style("notice--wrong", partial=True) if self.wrong else base
        mark = ("✗ " if self.wrong else "· ") if y == 0 else "  "
        text = self._rows[y] if y < len(self._rows) else ""
        return Strip([Segment(mark + text, style)]).adjust_cell_length(self.size.width, base)
