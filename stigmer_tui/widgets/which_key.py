"""The panel that says where the next key leads."""

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.strip import Strip
from textual.widget import Widget

from stigmer_tui.text.width import fit

_COLUMN = 26
_KEY = 6
MOST_ROWS = 10


class WhichKey(Widget):
    """Keys and where they lead, in columns, over the bottom of the screen."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"which-key--key", "which-key--title", "which-key--head"}

    def __init__(self, head: str, entries: Sequence[tuple[str, str]]) -> None:
        """`head`: what was typed so far. `entries`: keys and titles; safe to draw."""
        super().__init__()
        self._head = head
        self._entries = entries

    def on_mount(self) -> None:
        """As high as it needs to be."""
        self._fit(self.screen.size.width)

    def on_resize(self, event: events.Resize) -> None:
        """Another width."""
        self._fit(event.size.width)

    def _fit(self, width: int) -> None:
        self.styles.height = 1 + min(MOST_ROWS, -(-len(self._entries) // self._columns(width)))

    def _columns(self, width: int) -> int:
        return max(1, (width - 2) // _COLUMN)

    def render_line(self, y: int) -> Strip:
        """The head, or a row of the columns."""
        width, base = self.size.width, self.rich_style
        styles = {
            name: base + self.get_component_rich_style(f"which-key--{name}", partial=True)
            for name in ("key", "title", "head")
        }
        if y == 0:
            pieces = [Segment(f" {self._head}", styles["head"])]
        else:
            columns = self._columns(width)
            pieces = [Segment(" ", base)]
            for key, title in self._entries[(y - 1) * columns : y * columns]:
                pieces += [
                    Segment(fit(f"{key:>{_KEY - 1}} ", _KEY), styles["key"]),
                    Segment(fit(title, _COLUMN - _KEY), styles["title"]),
                ]
        return Strip(pieces).adjust_cell_length(width, base)
