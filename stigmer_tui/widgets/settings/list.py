"""The list of settings, and what is said of the one under the cursor."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.geometry import Size

from stigmer_tui.actions.keys import bindings_of
from stigmer_tui.actions.registry import Scope
from stigmer_tui.settings.entries import Entry
from stigmer_tui.text.width import fit
from stigmer_tui.widgets.rows_view import EDGES, RowsView
from stigmer_tui.widgets.settings.rows import Pieces, cells_of, rows_of, words_of


class SettingsList(RowsView):
    """Settings under their headings; the cursor passes over these. Keys that it cannot carry out itself go to `ask`."""

    BINDINGS = bindings_of(Scope.SETTINGS)
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"settings--{name}" for name in ("section", "name", "text", "changed", "muted")
    }

    def __init__(self, ask: Callable[[str], None]) -> None:
        super().__init__(id="settings-list")
        self._ask = ask
        self._rows: list[Entry | str] = []

    def show(self, entries: Sequence[Entry]) -> None:
        """Show these; the cursor stays on the same setting where it is still there."""
        before = self.selected
        self._rows = rows_of(entries)
        self.forget_drawn()
        keys = [row.key if isinstance(row, Entry) else "" for row in self._rows]
        self.move_cursor(keys.index(before.key) if before is not None and before.key in keys else self.cursor)

    @property
    def selected(self) -> Entry | None:
        """The setting under the cursor."""
        row = self._rows[self.cursor] if 0 <= self.cursor < len(self._rows) else None
        return row if isinstance(row, Entry) else None

    def select(self, key: str) -> None:
        """Put the cursor on a setting, where it is there."""
        for place, row in enumerate(self._rows):
            if isinstance(row, Entry) and row.key == key:
                self.move_cursor(place)

    def row_count(self) -> int:
        """Settings and headings."""
        return len(self._rows)

    def move_cursor(self, row: int) -> None:
        """Pass over headings, in the direction in which one goes."""
        row = max(0, min(row, len(self._rows) - 1))
        if self._rows and isinstance(self._rows[row], str):
            row += -1 if row < self.cursor and row > 0 else 1
        super().move_cursor(row)
        if self.cursor == 1 and self.top == 1:
            self.reveal(0)

    def draw_row(self, row: int, width: int) -> list[Segment]:
        """A setting or a heading."""
        each = self._rows[row]
        pieces: Pieces = [(fit(each, width), "section")] if isinstance(each, str) else cells_of(each, width)
        return [
            Segment(text, self.get_component_rich_style(f"settings--{style}", partial=True)) for text, style in pieces
        ]

    def on_click(self, event: events.Click) -> None:
        """Twice on a setting changes it."""
        if event.chain == 2 and self.top + event.y < self.row_count():
            self._ask("edit")

    def action_edge(self, direction: int) -> None:
        """Go to the first or the last one."""
        self.move_cursor(0 if direction < 0 else self.row_count() - 1)

    def action_do(self, what: str) -> None:
        """Have the screen do something with what is selected."""
        self._ask(what)


class SettingWords(RowsView, can_focus=False):
    """What is said of a setting, in as many rows as it needs."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"settings--text", "settings--muted"}

    def __init__(self) -> None:
        super().__init__(id="setting-words")
        self._entry: Entry | None = None
        self._rows: list[Pieces] = []

    def show(self, entry: Entry | None) -> None:
        """Say something else."""
        self._entry = entry
        self._lay_out(self.size.width - EDGES)

    def show_cursor(self) -> bool:
        """There is none."""
        return False

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As high as it always is: the list does not jump while one goes through it."""
        return 6

    def row_count(self) -> int:
        """Rows."""
        return len(self._rows)

    def draw_row(self, row: int, width: int) -> list[Segment]:
        """A row."""
        return [
            Segment(text, self.get_component_rich_style(f"settings--{style}", partial=True))
            for text, style in self._rows[row]
        ]

    def on_resize(self, event: events.Resize) -> None:
        """Another width: other rows."""
        self._lay_out(event.size.width - EDGES)
        super().on_resize(event)

    def _lay_out(self, width: int) -> None:
        self._rows = words_of(self._entry, max(20, width)) if self._entry is not None else []
        self.top = 0
        self.forget_drawn()
        self.refresh()
