"""The list of runs: as many rows as there are, of which those on the screen are fetched."""

from collections.abc import Callable
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.strip import Strip
from textual.widget import Widget

from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionSummary
from stigmer_tui.actions.keys import bindings_of
from stigmer_tui.actions.registry import Scope
from stigmer_tui.text.times import Clock
from stigmer_tui.widgets.board.columns import age_of, cells_of, columns_for, heads
from stigmer_tui.widgets.board.window import BoardWindow
from stigmer_tui.widgets.rows_view import RowsView

_STYLES = (
    *("text", "agent", "subject", "age", "last", "wrong", "attention", "unknown"),
    *("pending", "running", "completed", "failed", "cancelled", "stopping"),
)


class BoardTable(RowsView):
    """Rows of a `BoardWindow`; the cursor stays on the same run while rows come and go."""

    BINDINGS = bindings_of(Scope.TABLE)
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"board--{name}" for name in _STYLES}

    def __init__(self, window: BoardWindow, clock: Clock, ask: Callable[[str], None], *, id: str | None = None) -> None:
        """`ask` does what the list cannot do itself, by the name of the action's handler, before the next key is looked at."""
        super().__init__(id=id)
        self._ask = ask
        self.window = window
        self._clock = clock
        self._ages: tuple[str, ...] = ()
        self._selected_id = ""

    def row_count(self) -> int:
        """Rows of the list."""
        return self.window.total

    @property
    def selected(self) -> ExecutionSummary | None:
        """The run under the cursor, where it is known."""
        return self.window.rows.get(self.cursor)

    def draw_row(self, row: int, width: int) -> list[Segment]:
        """A run, or a dot for one that is still being fetched."""
        known = self.window.rows.get(row)
        if known is None:
            return [Segment("·", self.get_component_rich_style("board--unknown", partial=True))]
        return [
            Segment(cell.text, self.get_component_rich_style(f"board--{cell.style}", partial=True))
            for cell in cells_of(known, columns_for(width), self._clock())
        ]

    def _moved(self) -> None:
        super()._moved()
        selected = self.selected
        self._selected_id = selected.execution_id if selected else ""

    def select(self, execution_id: str) -> None:
        """Put the cursor on a run; where it is not known yet, as soon as it is."""
        self._selected_id = execution_id
        self.window_changed()

    def window_changed(self) -> None:
        """Rows came, went, changed or moved: stay on the run that is selected, and leave the others where they are on the screen."""
        place = self.window.place_of(self._selected_id) if self._selected_id else None
        if place is not None and place != self.cursor:
            if self.top > 0:
                self.top += place - self.cursor
            self.cursor = place
            self.reveal(place)
        elif not self._selected_id or self.cursor >= self.row_count():
            self.move_cursor(self.cursor)
        else:
            self.top = max(0, min(self.top, self.last_top))
            self.refresh()
            self.post_message(self.PlaceChanged(self))

    def tick(self) -> None:
        """A second went by: draw again where an age on the screen reads otherwise now."""
        now = self._clock()
        ages = tuple(
            age_of(row, now)
            for place in range(self.top, self.top + self.page_rows)
            if (row := self.window.rows.get(place)) is not None
        )
        if ages != self._ages:
            self._ages = ages
            self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Twice on a run opens it."""
        if event.chain == 2 and event.x < self.size.width - 1 and self.top + event.y < self.row_count():
            self.action_open()

    def action_edge(self, direction: int) -> None:
        """Go to the newest or the oldest run."""
        self.move_cursor(0 if direction < 0 else self.row_count() - 1)

    def action_open(self) -> None:
        """Open the selected run."""
        self._ask("open")

    def action_compose_line(self) -> None:
        """Go to the composer."""
        self._ask("compose")

    def action_filter(self) -> None:
        """Write a filter."""
        self._ask("filter")

    def action_clear_filter(self) -> None:
        """Take the filter away."""
        self._ask("clear_filter")

    def action_cancel(self) -> None:
        """Stop the selected run."""
        self._ask("cancel")

    def action_next_attention(self) -> None:
        """Select the next run that waits for a person."""
        self._ask("next_attention")

    def action_copy_id(self) -> None:
        """Copy the id of the selected run."""
        self._ask("copy_id")

    def action_leave(self) -> None:
        """Leave the workstation."""
        self._ask("leave")


class BoardHeads(Widget):
    """The names of the columns."""

    def render_line(self, y: int) -> Strip:
        """One line."""
        width = self.size.width
        strip = Strip([Segment(heads(columns_for(width)), self.rich_style)])
        return strip.adjust_cell_length(width, self.rich_style)
