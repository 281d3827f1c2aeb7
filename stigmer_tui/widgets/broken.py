"""Stands where a part of the screen failed: the rest goes on."""

from collections.abc import Sequence

from rich.segment import Segment
from textual import events
from textual.strip import Strip
from textual.widget import Widget

from stigmer_tui.text.width import wrap


class Broken(Widget):
    """Says what broke. It draws nothing but its own words, so that it cannot fail the same way."""

    def __init__(self, words: str) -> None:
        """`words`: safe to draw."""
        super().__init__()
        self.text = words
        self._rows: Sequence[str] = (words,)

    def on_resize(self, event: events.Resize) -> None:
        """Another width."""
        self._rows = wrap(self.text, max(10, event.size.width - 2))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """A row of the words."""
        text = f" {self._rows[y]}" if y < len(self._rows) else ""
        return Strip([Segment(text, self.rich_style)]).adjust_cell_length(self.size.width, self.rich_style)
