"""What is wrong in a text, below it."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.geometry import Size

from stigmer_apis.documents.problems import Problem
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.width import fit, fit_right, wrap
from stigmer_tui.widgets.rows_view import EDGES, RowsView

MOST_ROWS = 12
_PLACE = 9


class ProblemList(RowsView, can_focus=False):
    """What is wrong, in as many rows as it needs; a click goes there. Lines without a place are told as they are."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"problems--place", "problems--text", "problems--muted"}

    def __init__(self, go: Callable[[Problem], None]) -> None:
        super().__init__(id="problems")
        self._go = go
        self.problems: Sequence[Problem] = ()
        self._more: Sequence[str] = ()
        self._rows: list[tuple[Problem | None, str, str, str]] = []

    def show(self, problems: Sequence[Problem], more: Sequence[str] = ()) -> None:
        """Show problems, and below them lines that say more. Any text is harmless."""
        self.problems, self._more = problems, more
        self.display = bool(problems or more)
        self._lay_out(self.screen.size.width - EDGES)
        self.refresh(layout=True)
        self.move_cursor(0)

    def show_cursor(self) -> bool:
        """There is none."""
        return False

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many rows as there are, up to a bound."""
        return min(MOST_ROWS, self.row_count())

    def row_count(self) -> int:
        """Rows of the problems, and what is said below them."""
        return len(self._rows)

    def draw_row(self, row: int, width: int) -> list[Segment]:
        """A row of a problem: its line, what is wrong, how to mend it."""
        _, place, text, style = self._rows[row]
        return [
            Segment(place, self.get_component_rich_style("problems--place", partial=True)),
            Segment(text, self.get_component_rich_style(f"problems--{style}", partial=True)),
        ]

    def on_resize(self, event: events.Resize) -> None:
        """Another width: other rows."""
        self._lay_out(event.size.width - EDGES)
        super().on_resize(event)

    def _lay_out(self, width: int) -> None:
        self._rows = []
        for problem in self.problems:
            what = f"{problem.what}{f' ({problem.field})' if problem.field else ''}"
            remedy = f": {problem.remedy}" if problem.remedy else ""
            place = f"line {problem.line}" if problem.line else ""
            for part in wrap(safe(Untrusted(what + remedy)), max(8, width - _PLACE - 2)):
                self._rows.append((problem, fit_right(place, _PLACE) + "  ", part, "text"))
                place = ""
        self._rows += [(None, "", fit(safe(Untrusted(line)), max(0, width)), "muted") for line in self._more]
        self.forget_drawn()

    def on_click(self, event: events.Click) -> None:
        """Go to its line."""
        row = self.top + event.y
        problem = self._rows[row][0] if row < len(self._rows) else None
        if problem is not None:
            self._go(problem)
