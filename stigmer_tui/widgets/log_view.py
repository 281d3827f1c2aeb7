"""A view that grows at its end: follows it, or stays where one reads and counts what is new. What is selected in it can be copied."""

from abc import abstractmethod
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.strip import Strip

from stigmer_tui.actions.keys import bindings_of
from stigmer_tui.actions.registry import Scope
from stigmer_tui.terminal.search import Needle
from stigmer_tui.widgets.rows_view import EDGES, RowsView
from stigmer_tui.widgets.selection import END, Selection, cut_cells, with_selection

Ask = Callable[["LogView", str], None]
"""Does what a view cannot do itself, by the name of the action's handler, before the next key is looked at."""


class LogView(RowsView):
    """Follows its end until somebody moves away from it; then nothing but that person moves it."""

    BINDINGS = bindings_of(Scope.LINES)
    COMPONENT_CLASSES: ClassVar[set[str]] = {"rows--selected", "rows--empty"}

    class FollowChanged(Message):
        """It follows now, or no longer; or more came while it does not."""

        def __init__(self, view: "LogView") -> None:
            super().__init__()
            self.view = view

    class SearchChanged(Message):
        """Another text is searched for, more was found, or the cursor went to another match."""

        def __init__(self, view: "LogView") -> None:
            super().__init__()
            self.view = view

    def __init__(self, ask: Ask, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._ask = ask
        self.needle: Needle | None = None
        """What is searched for."""
        self.match_rows: Sequence[int] = ()
        """Rows that contain it, ascending."""
        self.match_count = 0
        """How many rows that are; they may be still counted."""
        self.searching = False
        """Whether what there is has not been looked through to its end."""
        self.problem = ""
        """Why it cannot be searched for, in words."""
        self._eager = 0
        self.following = True
        self.fresh = 0
        """Rows that came since it stopped following."""
        self._known = 0
        self._empty = ""
        self.selection: Selection | None = None
        """What is selected."""
        self._selecting = False

    def show_cursor(self) -> bool:
        """The cursor is drawn while one reads, not while it follows."""
        return not self.following and self.has_focus

    def grown(self) -> None:
        """Rows were added at the end, or the last one changed."""
        rows = self.row_count()
        added, self._known = rows - self._known, rows
        if self.following:
            self.cursor = max(0, rows - 1)
            self.top = self.last_top
            self.refresh()
            self.post_message(self.PlaceChanged(self))
        elif added > 0:
            self.fresh += added
            self.refresh()
            self.post_message(self.FollowChanged(self))

    def relaid(self) -> None:
        """Rows changed before the end too, or there are fewer."""
        self._known = min(self._known, self.row_count())
        self.grown()
        self.refresh()

    def follow(self, following: bool) -> None:
        """Follow the end, or stay."""
        if following:
            self.cursor = max(0, self.row_count() - 1)
            self.top = self.last_top
        if self.following != following or self.fresh:
            self.following = following
            self.fresh = 0
            self.post_message(self.FollowChanged(self))
        self.refresh()

    def _moved(self) -> None:
        if self.selection is not None and self.selection.by_rows:
            self.selection.row = self.cursor
        super()._moved()
        at_end = self.top >= self.last_top and self.cursor >= self.row_count() - 1
        if self.following and not at_end and self.is_mounted:
            self.follow(False)
        elif not self.following and at_end:
            self.follow(True)

    def scroll_rows(self, count: int) -> None:
        """Scroll; at the very end it follows again."""
        super().scroll_rows(count)
        if count > 0 and self.top >= self.last_top:
            self.move_cursor(self.row_count() - 1)

    def on_resize(self, event: events.Resize) -> None:
        """Stay at the end, or where one reads."""
        if self.following:
            self.follow(True)
        else:
            super().on_resize(event)

    # Selecting.

    @abstractmethod
    def text_of_row(self, row: int) -> str:
        """A row as it is drawn, without its styles."""

    def selected_lines(self, limit: int) -> tuple[list[str], bool]:
        """The rows of what is selected, at most `limit` characters of them, and whether that left something out."""
        selection = self.selection
        if selection is None:
            return [], False
        lines: list[str] = []
        used = 0
        for row in range(selection.first_row, min(selection.last_row, self.row_count() - 1) + 1):
            columns = selection.columns(row) or (0, END)
            lines.append(cut_cells(self.text_of_row(row), *columns).rstrip())
            used += len(lines[-1]) + 1
            if used > limit:
                return lines, True
        return lines, False

    def action_select(self) -> None:
        """Select rows from here on, or no longer."""
        kept = self.selection is not None and self.selection.by_rows
        self.follow(False)
        self.selection = None if kept else Selection(self.cursor, 0, self.cursor, END, by_rows=True)
        self._moved()

    def unselect(self) -> bool:
        """Select nothing; whether something was selected."""
        had, self.selection = self.selection is not None, None
        if had:
            self.refresh()
            self.post_message(self.PlaceChanged(self))
        return had

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Begin to select; the scroll bar is the other view's."""
        if event.button == 3:
            self._click_row(event)
            self._ask(self, "menu")
            return
        super().on_mouse_down(event)
        row = self.row_at(event.y)
        self.selection = None
        if not self._dragging and event.button == 1 and row < self.row_count():
            self._selecting = True
            column = self._column(event.x)
            self.selection = Selection(row, column, row, column - 1, by_rows=False)
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Select up to here; beyond the edge it scrolls."""
        super().on_mouse_move(event)
        if not self._selecting or self.selection is None:
            return
        if event.y < 0 or event.y >= self.size.height:
            super().scroll_rows(-1 if event.y < 0 else 1)
        row = max(0, min(self.row_at(max(0, min(event.y, self.size.height - 1))), self.row_count() - 1))
        column = self._column(event.x)
        if (row, column) == (self.selection.fixed_row, self.selection.fixed_column) and not self._selects_text():
            return
        self.selection.row, self.selection.column = row, column
        self.follow(False)
        self.refresh()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Copy what was selected; without a move it was a click."""
        super().on_mouse_up(event)
        if not self._selecting:
            return
        self._selecting = False
        self.release_mouse()
        if self._selects_text():
            self._ask(self, "copy_line")
        else:
            self.selection = None
            self._clicked(self.row_at(event.y))
        self.refresh()

    def _selects_text(self) -> bool:
        selection = self.selection
        return selection is not None and (
            selection.row != selection.fixed_row or selection.column >= selection.fixed_column or selection.by_rows
        )

    def _click_row(self, event: events.MouseDown) -> None:
        if self.row_at(event.y) < self.row_count():
            self.follow(False)
            self.move_cursor(self.row_at(event.y))

    def _clicked(self, row: int) -> None:
        """A row was clicked."""

    def _column(self, x: int) -> int:
        """The cell of a row's text at this place on the screen."""
        return max(0, min(x - 1, self.size.width - EDGES - 1))

    def say_empty(self, words: str) -> None:
        """What is said where there are no rows."""
        if words != self._empty:
            self._empty = words
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """A row, and what is selected of it."""
        strip = super().render_line(y)
        if y == 0 and self._empty and not self.row_count():
            style = self._base + self.get_component_rich_style("rows--empty", partial=True)
            return Strip([Segment(f" {self._empty}", style)]).adjust_cell_length(self.size.width, self._base)
        row = self.row_at(y)
        columns = None if self.selection is None else self.selection.columns(row)
        if columns is None or (self._selecting and not self._selects_text()) or row >= self.row_count():
            return strip
        first, last = self._on_screen(columns[0]), self._on_screen(columns[1])
        style = self.get_component_rich_style("rows--selected", partial=True)
        return with_selection(strip, first, min(last, strip.cell_length - 1), style)

    def _on_screen(self, column: int) -> int:
        """Where a cell of a row's text is drawn."""
        return max(1, column + 1)

    # Searching.

    @abstractmethod
    def search(self, needle: Needle | None) -> None:
        """Search everything for the needle, and what comes later too; None takes the search away. Posts `SearchChanged`."""

    @abstractmethod
    def landmarks(self, kind: str) -> Sequence[int]:
        """Rows to jump to, ascending: of kind `error`, `call`, `message` or `approval`."""

    @property
    def match_place(self) -> int:
        """Which match the cursor is on, from 1; 0 where it is on none."""
        place = bisect_left(self.match_rows, self.cursor)
        return place + 1 if place < len(self.match_rows) and self.match_rows[place] == self.cursor else 0

    def go_to_match(self, direction: int) -> None:
        """Go to the nearest match unless one is under the cursor; where none is known yet, as soon as one is."""
        self._eager = 0 if self.match_count else direction
        if self.match_count and not self.match_place:
            self.action_match(direction)

    def action_match(self, direction: int) -> None:
        """Go to the next match, or to the one before; past the last one, to the first."""
        if self._jump(self.match_rows, direction, around=True):
            self.post_message(self.SearchChanged(self))

    def action_landmark(self, kind: str, direction: int) -> None:
        """Go to the next landmark, or to the one before."""
        if not self._jump(self.landmarks(kind), direction, around=False):
            self._ask(self, f"no_{kind}")

    def _jump(self, rows: Sequence[int], direction: int, *, around: bool) -> bool:
        """Put the cursor on the nearest of `rows` in that direction, in the middle of the screen where it was not on it."""
        if not rows:
            return False
        place = bisect_right(rows, self.cursor) if direction > 0 else bisect_left(rows, self.cursor) - 1
        if not 0 <= place < len(rows):
            if not around:
                return False
            place %= len(rows)
        row = rows[place]
        if not self.top <= row < self.top + self.page_rows:
            self.top = max(0, min(row - self.page_rows // 2, self.last_top))
        self.follow(False)
        self.move_cursor(row)
        return True

    def action_follow(self) -> None:
        """Go to the end and follow."""
        self.follow(True)

    def action_beginning(self) -> None:
        """Go to the first row."""
        self.follow(False)
        self.move_cursor(0)

    def action_earlier(self) -> None:
        """Read more of what came before."""
        self._ask(self, "earlier")

    def action_attach(self) -> None:
        """Take the keyboard of what runs."""
        self._ask(self, "attach")

    def action_compose_line(self) -> None:
        """Go to the composer."""
        self._ask(self, "compose")

    def action_decide_here(self) -> None:
        """Go to the card on which something waits for a decision; where nothing does, to the next approval."""
        self._ask(self, "decide_or_jump")

    def action_zoom(self) -> None:
        """This pane alone, or all of them again."""
        self._ask(self, "zoom")

    def action_arrange(self) -> None:
        """Panes beside each other, one under the other, one alone."""
        self._ask(self, "arrange")

    def action_menu(self) -> None:
        """What can be done with the block under the cursor."""
        self._ask(self, "menu")

    def action_other_pane(self) -> None:
        """Change to the other pane."""
        self._ask(self, "other_pane")

    def action_leave(self) -> None:
        """Take the search away, or leave the run."""
        self._ask(self, "leave")

    def action_search(self) -> None:
        """Write what to search for."""
        self._ask(self, "search")

    def action_cancel(self) -> None:
        """Stop the run."""
        self._ask(self, "cancel")

    def action_pager(self) -> None:
        """Open everything in the pager."""
        self._ask(self, "pager")

    def action_export(self) -> None:
        """Write the run into a file."""
        self._ask(self, "export")

    def action_copy_line(self) -> None:
        """Copy the row under the cursor."""
        self._ask(self, "copy_line")

    def action_copy_block(self) -> None:
        """Copy the block under the cursor."""
        self._ask(self, "copy_block")
