"""The text of an approval: rows that remember which of them were on the screen."""

from collections.abc import Callable
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.strip import Strip
from textual.widget import Widget

from stigmer_tui.actions.keys import bindings_of
from stigmer_tui.actions.registry import Scope
from stigmer_tui.widgets.approval.words import shown_rows
from stigmer_tui.widgets.rows_view import EDGES, RowsView


class ApprovalText(RowsView):
    """What will happen, whole. It has the keys of the card while it has the focus, and takes the focus never by itself."""

    BINDINGS = bindings_of(Scope.APPROVAL)
    COMPONENT_CLASSES: ClassVar[set[str]] = {"approval--text", "approval--added", "approval--removed"}

    def __init__(self, ask: Callable[[str], None]) -> None:
        """`ask` does what the keys of the card mean, by name."""
        super().__init__(id="approval-text")
        self._ask = ask
        self._summary = ""
        self._rows: list[str] = []
        self._width = 0
        self._seen: set[int] = set()

    def show(self, summary: str) -> None:
        """Show another text, from its beginning; none of it was seen."""
        self._summary = summary
        self._lay_out()

    @property
    def all_seen(self) -> bool:
        """Whether each row was on the screen since the text or its width last changed."""
        return bool(self._rows) and len(self._seen) == len(self._rows)

    def row_count(self) -> int:
        """Rows of the text."""
        return len(self._rows)

    def show_cursor(self) -> bool:
        """It is only read."""
        return False

    def draw_row(self, row: int, width: int) -> list[Segment]:
        """A row; it counts as seen."""
        if row >= len(self._rows):
            return []
        self._seen.add(row)
        text = self._rows[row]
        name = {"+": "added", "-": "removed"}.get(text[:1], "text")
        return [Segment(text, self.get_component_rich_style(f"approval--{name}", partial=True))]

    def on_resize(self, event: events.Resize) -> None:
        """Another width: other rows, and nobody has seen those."""
        if event.size.width - EDGES != self._width:
            self._width = event.size.width - EDGES
            self._lay_out()
        super().on_resize(event)

    def rows_for(self, width: int) -> int:
        """How many rows the text takes in a card of `width` cells."""
        return len(shown_rows(self._summary, max(2, width - EDGES)))

    def _lay_out(self) -> None:
        self._seen.clear()
        self._rows = shown_rows(self._summary, self._width) if self._width > 1 else []
        self.top = self.cursor = 0
        self.refresh()

    # Keys: the card carries them out.

    def action_move(self, count: int) -> None:
        """Scroll."""
        self._ask("look")
        self.scroll_rows(count)

    def action_page(self, pages: int) -> None:
        """Scroll by screens."""
        self._ask("look")
        self.scroll_rows(pages * max(1, self.page_rows - 1))

    def action_decide(self, what: str) -> None:
        """Hand the key to the card, before the next one is looked at."""
        self._ask(what)


class ShownText(Widget):
    """A text that is only shown, as the card shows one: as many rows as there is room for, and how many more."""

    def __init__(self) -> None:
        super().__init__()
        self._text = ""
        self._rows: list[str] = []

    def show(self, text: str) -> None:
        """Show another text."""
        self._text = text
        self._lay_out(self.screen.size.width)

    def on_resize(self, event: events.Resize) -> None:
        """Another width."""
        self._lay_out(self.screen.size.width)

    def _lay_out(self, width: int) -> None:
        rows = shown_rows(self._text, max(2, width - EDGES - 2))
        most = max(3, self.screen.size.height // 3)
        if len(rows) > most:
            rows = [*rows[: most - 1], f"… {len(rows) - most + 1} more rows: open the run to read them"]
        self._rows = rows
        self.styles.height = len(rows)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """A row."""
        text = self._rows[y] if y < len(self._rows) else ""
        return Strip([Segment(" " + text, self.rich_style)]).adjust_cell_length(self.size.width, self.rich_style)
