"""One task whole, or the whole run: rows that unfold."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events

from stigmer_tui.actions.keys import bindings_of
from stigmer_tui.actions.registry import Scope
from stigmer_tui.text.times import Clock
from stigmer_tui.widgets.rows_view import EDGES, RowsView
from stigmer_tui.workflow.detail import DetailRow, rows_of_run, rows_of_task
from stigmer_tui.workflow.state import WorkflowState
from stigmer_tui.workflow.tree import Node
from stigmer_tui.workflow.values import EVERYTHING

PAGER_COLUMNS = 1000
"""Of a row in the pager, which wraps by itself."""


class TaskView(RowsView):
    """Follows what the tree has selected."""

    BINDINGS = bindings_of(Scope.TASK)
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"task--{name}"
        for name in (
            *("text", "muted", "title", "heading", "key", "accent"),
            *("running", "waiting", "warning", "completed", "failed", "cancelled"),
        )
    }

    def __init__(self, clock: Clock, ask: Callable[[str], None]) -> None:
        super().__init__(id="task")
        self._clock = clock
        self._ask = ask
        self._state: WorkflowState | None = None
        self._node: Node | None = None
        self._unfolded: set[str] = set()
        self._rows: Sequence[DetailRow] = ()

    def show(self, state: WorkflowState, node: Node | None) -> None:
        """Show a task, or with None the whole run. The place stays where it is the same one."""
        path = node.path if node is not None else None
        same = state is self._state and path == (self._node.path if self._node is not None else None)
        self._state, self._node = state, node
        if not same:
            self._unfolded.clear()
        self._lay_out()
        if same:
            self._moved()
        else:
            self.top = 0
            self.move_cursor(0)

    @property
    def text(self) -> str:
        """All that it says, as it is drawn."""
        return "\n".join("".join(text for text, _ in row.pieces).rstrip() for row in self._rows)

    def whole(self) -> str:
        """The same with everything unfolded, for the pager."""
        if self._state is None:
            return ""
        rows = (
            rows_of_run(self._state, EVERYTHING, PAGER_COLUMNS)
            if self._node is None
            else rows_of_task(self._node, EVERYTHING, PAGER_COLUMNS, self._clock())
        )
        return "\n".join("".join(text for text, _ in row.pieces).rstrip() for row in rows) + "\n"

    def row_count(self) -> int:
        """Rows of the task."""
        return len(self._rows)

    def draw_row(self, row: int, width: int) -> list[Segment]:
        """A row."""
        if row >= len(self._rows):
            return []
        return [
            Segment(text, self.get_component_rich_style(f"task--{style}", partial=True))
            for text, style in self._rows[row].pieces
        ]

    def on_resize(self, event: events.Resize) -> None:
        """Another width: other rows."""
        self._lay_out()
        super().on_resize(event)

    def _lay_out(self) -> None:
        width = max(1, self.size.width - EDGES)
        if self._state is None:
            self._rows = ()
        elif self._node is None:
            self._rows = rows_of_run(self._state, self._unfolded, width)
        else:
            self._rows = rows_of_task(self._node, self._unfolded, width, self._clock())
        self.cursor = max(0, min(self.cursor, len(self._rows) - 1))
        self.forget_drawn()
        self.refresh()

    def action_fold(self) -> None:
        """Unfold the value under the cursor, or fold all of them."""
        path = self._rows[self.cursor].path if self.cursor < len(self._rows) else ""
        if path:
            self._unfolded.add(path)
        elif self._unfolded:
            self._unfolded.clear()
        else:
            return
        self._lay_out()
        self._moved()

    def action_edge(self, direction: int) -> None:
        """Go to the first or the last row."""
        self.move_cursor(0 if direction < 0 else self.row_count() - 1)

    def action_do(self, what: str) -> None:
        """Have the screen do something."""
        self._ask(what)

    def on_click(self, event: events.Click) -> None:
        """Twice unfolds."""
        if event.chain == 2:
            self.action_fold()
