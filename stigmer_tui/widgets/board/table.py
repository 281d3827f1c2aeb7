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
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.times import Clock, thousands
from stigmer_tui.text.width import fit
from stigmer_tui.theme.phases import LIVE, look_of
from stigmer_tui.widgets.board.columns import DEFAULT, Cell, age_of, cells_of, columns_for, heads, took
from stigmer_tui.widgets.board.marks import Marks
from stigmer_tui.widgets.board.rates import Rates
from stigmer_tui.widgets.board.rows import BoardRows, Section, group_key
from stigmer_tui.widgets.rows_view import RowsView

_STYLES = (
    *("text", "agent", "subject", "age", "last", "wrong", "attention", "unknown", "rate", "marked", "group", "going"),
    *("pending", "running", "completed", "failed", "cancelled", "stopping"),
)


class BoardTable(RowsView):
    """Rows of the board; the cursor stays on the same run while rows come and go."""

    BINDINGS = bindings_of(Scope.TABLE)
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"board--{name}" for name in _STYLES}

    def __init__(
        self,
        rows: BoardRows,
        marks: Marks,
        rates: Rates,
        clock: Clock,
        ask: Callable[[str], None],
        *,
        id: str | None = None,
    ) -> None:
        """`ask` does what the list cannot do itself, by the name of the action's handler, before the next key is looked at."""
        super().__init__(id=id)
        self._ask = ask
        self.rows = rows
        self.marks = marks
        self.chosen: tuple[str, ...] = DEFAULT
        """Columns that are wanted."""
        self.by_phase = False
        """Whether groups are phases, which are drawn by their looks."""
        self._rates = rates
        self._clock = clock
        self._ages: tuple[str, ...] = ()
        self._selected_id = ""

    def row_count(self) -> int:
        """Rows of the list."""
        return self.rows.total

    @property
    def selected(self) -> ExecutionSummary | None:
        """The run under the cursor, where it is known."""
        row = self.rows.at(self.cursor)
        return row if isinstance(row, ExecutionSummary) else None

    @property
    def selected_group(self) -> Section | None:
        """The group under the cursor."""
        row = self.rows.at(self.cursor)
        return row if isinstance(row, Section) else None

    def draw_row(self, row: int, width: int) -> list[Segment]:
        """A run, a group, or a dot for one that is still being fetched."""
        known = self.rows.at(row)
        if known is None:
            return [Segment("·", self.get_component_rich_style("board--unknown", partial=True))]
        if isinstance(known, Section):
            cells = self._group(known, width)
        else:
            now = self._clock()
            cells = cells_of(
                known,
                columns_for(width, self.chosen),
                now,
                rate=self._rates.line(known.execution_id, now),
                marked=self.marks.has(known.execution_id),
            )
            if known.execution_id in self.marks.going:
                cells = [Cell(cell.text, "going") for cell in cells]
        return [
            Segment(cell.text, self.get_component_rich_style(f"board--{cell.style}", partial=True)) for cell in cells
        ]

    def _group(self, section: Section, width: int) -> list[Cell]:
        head = section.head
        title, style = safe(Untrusted(head.title)), "group"
        if self.by_phase and head.filter.phases:
            look = look_of(head.filter.phases[0])
            title, style = f"{look.shape} {look.word}", look.style
        count = f"{thousands(head.total)}{'+' if head.total_is_lower_bound else ''} run{'' if head.total == 1 else 's'}"
        room = max(1, width - 3 - len(count) - 2)
        name = max(8, min(40, room // 2))
        cells = [Cell("▸ " if section.folded else "▾ ", "unknown"), Cell(fit(title, min(name, room)), style)]
        cells.append(Cell(f"  {count}", "age"))
        newest = head.newest
        if section.folded and newest.execution_id and width >= 60:
            look = look_of(newest.phase, stopping=newest.cancel_requested)
            rest = max(1, room - name - 4 - 6)
            cells += [
                Cell("  "),
                Cell(f"{look.shape} ", look.style),
                Cell(fit(safe(Untrusted(newest.subject)), rest), "last"),
            ]
            cells.append(Cell(f"  {age_of(newest, self._clock()):>4}", "age"))
        return cells

    def _moved(self) -> None:
        super()._moved()
        row = self.rows.at(self.cursor)
        if isinstance(row, Section):
            self._selected_id = group_key(row)
        else:
            self._selected_id = row.execution_id if row else ""

    def select(self, execution_id: str) -> None:
        """Put the cursor on a run; where it is not known yet, as soon as it is."""
        self._selected_id = execution_id
        self.window_changed()

    def fold(self, what: str) -> None:
        """`fold` the group that one is in, `unfold` it or fold it again, or `fold_all`. Nothing where nothing is grouped."""
        section = self.rows.section_of(self.cursor)
        if what == "fold_all":
            self.rows.fold_all()
        elif section is not None:
            self.rows.fold(section, what == "fold" or not section.folded)
            if section.folded:
                self.move_cursor(self.rows.place_of(group_key(section)) or 0)

    def window_changed(self) -> None:
        """Rows came, went, changed or moved: stay on the run that is selected, and leave the others where they are on the screen."""
        place = self.rows.place_of(self._selected_id) if self._selected_id else None
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
        """A second went by: draw again where something on the screen reads otherwise now."""
        now = self._clock()
        ages = tuple(
            f"{age_of(row, now)} {self._rates.line(row.execution_id, now)} {took(row, now) if row.phase in LIVE else ''}"
            for place in range(self.top, self.top + self.page_rows)
            if isinstance(row := self.rows.at(place), ExecutionSummary)
        )
        if ages != self._ages:
            self._ages = ages
            self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Twice on a run opens it; once on the mark of a group folds or unfolds it."""
        if event.x >= self.size.width - 1 or self.top + event.y >= self.row_count():
            return
        if event.chain == 2 or (self.selected_group is not None and event.x < 3 and event.chain == 1):
            self.action_open()

    def action_edge(self, direction: int) -> None:
        """Go to the first or the last run."""
        self.move_cursor(0 if direction < 0 else self.row_count() - 1)

    def action_open(self) -> None:
        """Open the selected run, or fold or unfold the group."""
        self._ask("open" if self.selected_group is None else "unfold")

    def action_compose_line(self) -> None:
        """Go to the composer."""
        self._ask("compose")

    def action_ask(self, what: str) -> None:
        """What the screen does, by name."""
        self._ask(what)


class BoardHeads(Widget):
    """The names of the columns; a click on one sorts by it."""

    def __init__(self, sort: Callable[[str], None], *, classes: str | None = None) -> None:
        super().__init__(classes=classes)
        self._sort = sort
        self._sorted_by = "newest"
        self._chosen: tuple[str, ...] = DEFAULT

    def show(self, chosen: tuple[str, ...], sorted_by: str) -> None:
        """Other columns, or another order."""
        if (chosen, sorted_by) != (self._chosen, self._sorted_by):
            self._chosen, self._sorted_by = chosen, sorted_by
            self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Sort by what is under the mouse."""
        column = columns_for(self.size.width, self._chosen).at(event.x - self.gutter.left)
        if column is not None and column.sort:
            self._sort(column.sort)

    def render_line(self, y: int) -> Strip:
        """One line."""
        width = self.size.width
        strip = Strip([Segment(heads(columns_for(width, self._chosen), self._sorted_by), self.rich_style)])
        return strip.adjust_cell_length(width, self.rich_style)
