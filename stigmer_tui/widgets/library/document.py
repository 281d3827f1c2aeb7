"""A resource as text, to read."""

from collections.abc import Callable
from typing import ClassVar

from rich.segment import Segment
from textual import events

from stigmer_tui.actions.keys import bindings_of
from stigmer_tui.actions.registry import Scope
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.width import wrap
from stigmer_tui.widgets.rows_view import EDGES, RowsView


class DocumentView(RowsView):
    """YAML in rows; names of fields stand out."""

    BINDINGS = bindings_of(Scope.DOCUMENT)
    COMPONENT_CLASSES: ClassVar[set[str]] = {"document--text", "document--key"}

    def __init__(self, ask: Callable[[str], None]) -> None:
        super().__init__(id="document")
        self._ask = ask
        self.text = ""
        """What it shows, as it came."""
        self._rows: list[str] = []
        self._width = 0

    def show(self, text: str) -> None:
        """Show another text from its beginning. Any text is harmless."""
        self.text = text
        self._lay_out()
        self.move_cursor(0)

    def row_count(self) -> int:
        """Rows of the text."""
        return len(self._rows)

    def draw_row(self, row: int, width: int) -> list[Segment]:
        """A row, the name of its field apart."""
        text = self._rows[row] if row < len(self._rows) else ""
        name, colon, rest = text.partition(":")
        plain = self.get_component_rich_style("document--text", partial=True)
        if not colon or " " in name.strip(" -"):
            return [Segment(text, plain)]
        return [
            Segment(name + colon, self.get_component_rich_style("document--key", partial=True)),
            Segment(rest, plain),
        ]

    def on_resize(self, event: events.Resize) -> None:
        """Another width: other rows."""
        if event.size.width - EDGES != self._width:
            self._width = event.size.width - EDGES
            self._lay_out()
        super().on_resize(event)

    def _lay_out(self) -> None:
        safe_text = safe(Untrusted(self.text), lines=True).rstrip("\n")
        self._rows = (
            [row for line in safe_text.split("\n") for row in _wrapped(line, self._width)] if self._width > 1 else []
        )
        self.forget_drawn()
        self.refresh()

    def action_edge(self, direction: int) -> None:
        """Go to the first or the last row."""
        self.move_cursor(0 if direction < 0 else self.row_count() - 1)

    def action_do(self, what: str) -> None:
        """Have the screen do something."""
        self._ask(what)


def _wrapped(line: str, width: int) -> list[str]:
    """A line in rows; those behind the first begin where it begins, behind the mark of a list."""
    first = min(len(line) - len(line.lstrip(" -")), width // 2)
    rows = wrap(line[first:], width - first)
    return [(" " * first if number else line[:first]) + row for number, row in enumerate(rows)]
