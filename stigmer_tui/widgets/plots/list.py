"""The list below a chart."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.geometry import Size

from stigmer_tui.actions.keys import bindings_of
from stigmer_tui.actions.registry import Scope
from stigmer_tui.widgets.plots.rows import Bar, Pieces, bar_cells
from stigmer_tui.widgets.rows_view import RowsView


class PlotList(RowsView):
    """Bars by name, or rows that somebody else draws."""

    BINDINGS = bindings_of(Scope.PLOTS)
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "plots--name",
        "plots--bar",
        "plots--value",
        "plots--muted",
        "plots--wrong",
    }

    def __init__(self, ask: Callable[[str], None]) -> None:
        super().__init__(id="plot-list")
        self._ask = ask
        self._count = 0
        self._draw_cells: Callable[[int, int], Pieces] = lambda row, width: []

    def show(self, count: int, draw: Callable[[int, int], Pieces], *, at: int = 0) -> None:
        """Show `count` rows that `draw` makes the pieces of; the cursor goes to `at`."""
        self._count, self._draw_cells = count, draw
        self.forget_drawn()
        self.refresh(layout=True)
        self.move_cursor(at)

    def show_bars(self, bars: Sequence[Bar], *, at: int = 0) -> None:
        """Show bars."""
        self.show(len(bars), lambda row, width: bar_cells(bars[row], width), at=at)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many rows as there are."""
        return self._count

    def row_count(self) -> int:
        """Rows in all."""
        return self._count

    def draw_row(self, row: int, width: int) -> list[Segment]:
        """A row."""
        return [
            Segment(text, self.get_component_rich_style(f"plots--{style}", partial=True))
            for text, style in self._draw_cells(row, width)
        ]

    def on_click(self, event: events.Click) -> None:
        """Twice on a row narrows to it."""
        if event.chain == 2 and self.top + event.y < self.row_count():
            self._ask("narrow")

    def action_edge(self, direction: int) -> None:
        """Go to the first or the last row."""
        self.move_cursor(0 if direction < 0 else self.row_count() - 1)

    def action_do(self, what: str) -> None:
        """Have the screen do something."""
        self._ask(what)
