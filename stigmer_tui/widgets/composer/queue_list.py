"""The messages that wait for their turn, above where one writes."""

from collections.abc import Callable, Mapping
from typing import ClassVar

from rich.segment import Segment

from stigmer_tui.actions.keys import bindings_of
from stigmer_tui.actions.registry import Scope
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.width import fit
from stigmer_tui.widgets.rows_view import RowsView

ROWS = 4
"""Rows at most; the others are scrolled to."""
_MARK = 9
"""Cells in front of a message."""


class QueueList(RowsView):
    """Messages by the commands that brought them, the next one first. Keys go to `ask`, by the name of the action's handler."""

    BINDINGS = bindings_of(Scope.QUEUE)
    COMPONENT_CLASSES: ClassVar[set[str]] = {"queue--mark", "queue--text"}

    def __init__(self, ask: Callable[[str], None]) -> None:
        super().__init__(id="queue")
        self._ask = ask
        self._queued: Mapping[str, str] = {}
        self._followed = ""
        self.display = False

    def show(self, queued: Mapping[str, str]) -> None:
        """Show these; with none it is not there. The cursor stays on its message."""
        if queued == self._queued:
            return
        selected = self.selected
        self._queued = dict(queued)
        self.display = bool(queued)
        self.styles.height = min(ROWS, len(queued)) or 1
        self.forget_drawn()
        ids, texts = list(queued), list(queued.values())
        if self._followed in texts:
            self.move_cursor(texts.index(self._followed))
        else:
            self.move_cursor(ids.index(selected) if selected in ids else min(self.cursor, len(ids) - 1))
        if not queued and self.has_focus:
            self._ask("leave")

    def follow(self, text: str) -> None:
        """A message is sent again: the cursor goes with it, under its new command, until the person moves it."""
        self._followed = text

    def action_move(self, count: int) -> None:
        """Move the cursor."""
        self._followed = ""
        super().action_move(count)

    @property
    def selected(self) -> str:
        """The command that brought the message under the cursor; empty where there is none."""
        ids = list(self._queued)
        return ids[self.cursor] if 0 <= self.cursor < len(ids) else ""

    def row_count(self) -> int:
        """Messages."""
        return len(self._queued)

    def show_cursor(self) -> bool:
        """Where nobody is here, nothing is selected."""
        return self.has_focus

    def draw_row(self, row: int, width: int) -> list[Segment]:
        """A message, as far as it goes in one row."""
        text = safe(Untrusted(list(self._queued.values())[row]), lines=False)
        mark = "queued" if row == 0 else ""
        return [
            Segment(fit(f" {mark}", _MARK), self.get_component_rich_style("queue--mark", partial=True)),
            Segment(fit(text, width - _MARK), self.get_component_rich_style("queue--text", partial=True)),
        ]

    def action_do(self, what: str) -> None:
        """Have the screen do something with the selected message."""
        self._ask(what)
