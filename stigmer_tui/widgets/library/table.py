"""The list of the library."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events

from stigmer_tui.actions.keys import bindings_of
from stigmer_tui.actions.registry import Scope
from stigmer_tui.text.times import Clock
from stigmer_tui.widgets.library.rows import Entry, cells_of
from stigmer_tui.widgets.rows_view import RowsView


class LibraryTable(RowsView):
    """Entries; keys that it cannot carry out itself go to `ask`, by the name of the action's handler."""

    BINDINGS = bindings_of(Scope.LIBRARY)
    COMPONENT_CLASSES: ClassVar[set[str]] = {"library--text", "library--name", "library--words", "library--muted"}

    def __init__(self, clock: Clock, ask: Callable[[str], None]) -> None:
        super().__init__(id="library-table")
        self._clock = clock
        self._ask = ask
        self._entries: Sequence[Entry] = ()

    def show(self, entries: Sequence[Entry], *, from_the_start: bool) -> None:
        """Show these entries; the cursor stays on the same one where it is still there."""
        selected = self.selected
        self._entries = entries
        self.forget_drawn()
        place = 0
        if not from_the_start and selected is not None:
            ids = [entry.resource_id for entry in entries]
            place = ids.index(selected.resource_id) if selected.resource_id in ids else self.cursor
        self.move_cursor(place)

    @property
    def selected(self) -> Entry | None:
        """The entry under the cursor."""
        return self._entries[self.cursor] if 0 <= self.cursor < len(self._entries) else None

    def row_count(self) -> int:
        """Entries that are there."""
        return len(self._entries)

    def draw_row(self, row: int, width: int) -> list[Segment]:
        """An entry."""
        return [
            Segment(text, self.get_component_rich_style(f"library--{style}", partial=True))
            for text, style in cells_of(self._entries[row], width, self._clock())
        ]

    def on_click(self, event: events.Click) -> None:
        """Twice on an entry opens it."""
        if event.chain == 2 and self.top + event.y < self.row_count():
            self._ask("open")

    def action_edge(self, direction: int) -> None:
        """Go to the first or the last one."""
        self.move_cursor(0 if direction < 0 else self.row_count() - 1)

    def action_do(self, what: str) -> None:
        """Have the screen do something with what is selected."""
        self._ask(what)
