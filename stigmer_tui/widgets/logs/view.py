"""The rows of a log: those on the screen are read when they are drawn, however many there are."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from stigmer_tui.actions.keys import bindings_of
from stigmer_tui.actions.registry import Scope
from stigmer_tui.logs.fields import fields_of, folded, plain, values_of
from stigmer_tui.logs.levels import Level, level_of
from stigmer_tui.logs.open_log import OpenLog
from stigmer_tui.logs.patterns import Filter
from stigmer_tui.terminal.search import Needle
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.width import fit
from stigmer_tui.widgets.highlight import highlight
from stigmer_tui.widgets.log_view import LogView
from stigmer_tui.widgets.rows_view import EDGES

SIDEWAYS = 16
MOST_WRAPPED = 40
"""Rows of the screen for one line; `enter` shows all of it."""
MOST_MARKS = 100_000
WIDEST_COLUMN = 40
_LOOKED_AT = 200_000
"""Lines that are looked through at most for the next error."""


class LogsView(LogView, inherit_bindings=False):
    """One open log; keys that it cannot carry out itself go to `asks`, by the name of the action's handler."""

    BINDINGS = bindings_of(Scope.LOGS)
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"logs--{level.value}" for level in Level),
        "logs--muted",
        "logs--mark",
        "logs--match",
    }

    class Changed(Message):
        """From the thread that reads: there is more, or more is known."""

    def __init__(self, asks: Callable[[str], None]) -> None:
        super().__init__(lambda _view, what: asks(what), id="logs")
        self._asks = asks
        self.open_log: OpenLog | None = None
        self.left = 0
        """Cells that are scrolled away to the left."""
        self.marks: list[int] = []
        """Places of marked lines, ascending."""
        self.columns: tuple[str, ...] = ()
        """Fields that stand side by side; none: all of the line."""
        self.wraps = False
        """Whether a long line takes as many rows as it needs."""
        self._widths: dict[str, int] = {}
        self._lines: list[tuple[int, int]] = []
        self._pending = False
        self._guessed = 0
        self._generation = 0
        self._marked_text: re.Pattern[str] | None = None
        self._wanted_match = 0

    def show(self, log: OpenLog) -> None:
        """Show a log from its end, and follow it."""
        self.open_log = log
        self._guessed = log.row_count
        self.follow(True)
        self.grown()

    def told(self) -> None:
        """There is more; called on any thread."""
        if not self._pending:
            self._pending = True
            self.post_message(self.Changed())

    def on_logs_view_changed(self) -> None:
        """Show what is new; once all lines were counted, the end has other numbers."""
        self._pending = False
        log = self.open_log
        if log is None:
            return
        if log.source.store.generation != self._generation:
            self._generation = log.source.store.generation
            self._guessed = 0
            self.marks.clear()
            self.cursor = self.top = 0
            self.follow(True)
            self.relaid()
        if log.scan is None and self._guessed and log.index.complete:
            shift = log.row_count - self._guessed
            self._guessed = 0
            if not self.following and log.index.start(self.cursor) is not None and self.cursor > 5000:
                self.cursor, self.top = max(0, self.cursor + shift), max(0, self.top + shift)
        if self._wanted_match and log.search is not None and (len(log.search.rows) or log.search.through):
            direction, self._wanted_match = self._wanted_match, 0
            self.action_match(direction)
        self.grown()
        self._asks("changed")

    def on_resize(self, event: events.Resize) -> None:
        """Keep the line that one reads on the screen."""
        if not self.following:
            self.reveal(self.cursor)

    def row_count(self) -> int:
        """Rows of the log."""
        return self.open_log.row_count if self.open_log is not None else 0

    # Drawing.

    def draw_row(self, row: int, width: int) -> list[Segment]:
        """A line, coloured by its level, from `left` on."""
        strip = self._strip(row, self.left + width)
        if strip is None:
            return [Segment("…", self._look("muted"))]
        shown = strip.crop(self.left, self.left + width - 2)
        if strip.cell_length > self.left + width - 2:
            shown = Strip([*shown.crop(0, width - 3).adjust_cell_length(width - 3), Segment("›", self._look("muted"))])
        return [self._margin(row), *shown]

    def _strip(self, row: int, cells: int) -> Strip | None:
        """The beginning of a line, at least `cells` of it; None where it is not known yet."""
        log = self.open_log
        line = log.line(row, (cells + 1) * 4 + 4096) if log is not None else None
        if log is None or line is None:
            return None
        words, rest = self._words(line)
        level = Level.DEBUG if log.is_neighbour(row) else level_of(line)
        segments = [Segment(safe(Untrusted(words)), self._look(level.value))]
        if rest:
            segments.append(Segment("  " + safe(Untrusted(rest)), self._look("muted")))
        if self._marked_text is not None:
            segments = highlight(segments, self._marked_text, self._look("match"))
        return Strip(segments)

    def _words(self, line: bytes) -> tuple[str, str]:
        """What is shown of a line: its columns, where some are chosen and it has any of them."""
        values = values_of(line, self.columns) if self.columns else None
        if values is None:
            return folded(line)
        cells: list[str] = []
        for name, value in zip(self.columns, values, strict=True):
            text = safe(Untrusted(value))
            width = self._widths[name] = max(self._widths.get(name, len(name)), min(WIDEST_COLUMN, cell_len(text)))
            cells.append(text if name == self.columns[-1] else fit(text, width))
        return "  ".join(cells), ""

    def _margin(self, row: int) -> Segment:
        if self.is_marked(row):
            return Segment("◆ ", self._look("mark"))
        return Segment("‹ " if self.left else "  ", self._look("muted"))

    def _look(self, name: str) -> Style:
        return self.get_component_rich_style(f"logs--{name}", partial=True)

    def text_of_row(self, row: int) -> str:
        """A line, for copying: as it is in the log, without control codes."""
        line = self.open_log.line(row) if self.open_log is not None else None
        return safe(Untrusted(plain(line or b"")))

    # Long lines in several rows.

    def action_wrap(self) -> None:
        """Long lines in as many rows as they need, or cut again."""
        self.wraps, self.left = not self.wraps, 0
        if self.following:
            self.follow(True)
        else:
            self.reveal(self.cursor)
        self.refresh()

    def _pieces(self, row: int, width: int) -> list[Strip]:
        """A line in rows of `width` cells, at most `MOST_WRAPPED`."""
        strip = self._strip(row, width * MOST_WRAPPED)
        if strip is None or strip.cell_length <= width:
            return [strip or Strip([Segment("…", self._look("muted"))])]
        rows = min(MOST_WRAPPED, -(-strip.cell_length // width))
        pieces = [strip.crop(place * width, (place + 1) * width) for place in range(rows)]
        if strip.cell_length > rows * width:
            pieces[-1] = Strip([*pieces[-1].crop(0, width - 1), Segment("›", self._look("muted"))])
        return pieces

    @property
    def _room(self) -> int:
        """Cells of a wrapped line's row."""
        return max(4, self.size.width - EDGES - 2)

    def _fitting(self, last: int) -> int:
        """The first row from which all up to the `last` are on the screen, that one whole where it can be."""
        left, row = self.size.height, last
        while row >= 0:
            left -= len(self._pieces(row, self._room))
            if left < 0:
                break
            row -= 1
        return min(last, row + 1)

    @property
    def page_rows(self) -> int:
        """Rows that fit on the screen."""
        if not self.wraps:
            return super().page_rows
        self._lay_out()
        whole = {row for row, _ in self._lines}
        return max(1, len(whole))

    @property
    def last_top(self) -> int:
        """The furthest that one can scroll."""
        return self._fitting(self.row_count() - 1) if self.wraps and self.row_count() else super().last_top

    def reveal(self, row: int) -> None:
        """Scroll no further than needed for the whole line to be on the screen."""
        if self.wraps and row >= self.top:
            self.top = max(self.top, self._fitting(row))
            self._moved()
        else:
            super().reveal(row)

    def _lay_out(self) -> None:
        """Which row, and which piece of it, each line of the screen shows."""
        lines: list[tuple[int, int]] = []
        row = self.top
        while len(lines) < self.size.height and row < self.row_count():
            lines += [(row, piece) for piece in range(len(self._pieces(row, self._room)))]
            row += 1
        self._lines = lines[: self.size.height]

    def render_lines(self, crop: Region) -> list[Strip]:
        """Long lines are laid out once for the whole screen."""
        if self.wraps:
            self._lay_out()
        return super().render_lines(crop)

    def row_at(self, y: int) -> int:
        """The line that a row of the screen shows."""
        if not self.wraps:
            return super().row_at(y)
        return self._lines[y][0] if y < len(self._lines) else self.row_count()

    def draw_at(self, y: int, row: int, width: int) -> list[Segment]:
        """A line, or a piece of it."""
        if not self.wraps or y >= len(self._lines):
            return super().draw_at(y, row, width)
        piece = self._lines[y][1]
        pieces = self._pieces(row, self._room)
        margin = self._margin(row) if piece == 0 else Segment("  ")
        return [margin, *pieces[min(piece, len(pieces) - 1)]]

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Of lines in several rows whole ones are selected."""
        super().on_mouse_move(event)
        if self.wraps and self._selecting and self.selection is not None and self._selects_text():
            self.selection.by_rows = True

    # Columns.

    def columns_words(self) -> str:
        """The fields that are shown, or those of the line under the cursor, to choose from."""
        if self.columns:
            return " ".join(self.columns)
        line = self.open_log.line(self.cursor) if self.open_log is not None else None
        return " ".join(safe(Untrusted(name)) for name in fields_of(line or b""))

    def show_columns(self, names: Sequence[str]) -> None:
        """Show these fields side by side; none: all of the line."""
        self.columns, self._widths = tuple(dict.fromkeys(names)), {}
        self.refresh()

    # Moving.

    def place(self) -> int | None:
        """Where the line under the cursor begins."""
        return self.open_log.offset(self.cursor) if self.open_log is not None and self.row_count() else None

    def go_to(self, offset: int) -> None:
        """Put the cursor on the line there, or the next one that is shown, in the middle of the screen."""
        row = self.open_log.row_near(offset) if self.open_log is not None else None
        if row is not None:
            self._jump([row], 1 if row > self.cursor else -1, around=True)

    def action_sideways(self, direction: int) -> None:
        """Scroll sideways."""
        self.left = max(0, self.left + direction * SIDEWAYS)
        self.refresh()

    def action_do(self, what: str) -> None:
        """Have the screen do something."""
        self._asks(what)

    def next_error(self, direction: int) -> bool:
        """Go to the next line that says that something went wrong; False where none is near."""
        row = self.cursor + direction
        log = self.open_log
        for _ in range(_LOOKED_AT):
            line = log.line(row, 400) if log is not None and 0 <= row < log.row_count else None
            if line is None or log is None:
                return False
            if level_of(line) is Level.ERROR and not log.is_neighbour(row):
                self._jump([row], direction, around=True)
                return True
            row += direction
        return False

    # Marks and matches.

    def toggle_mark(self) -> None:
        """Mark the line under the cursor, or no longer."""
        place = self.place()
        if place is None:
            return
        self.follow(False)
        if place in self.marks:
            self.marks.remove(place)
        else:
            self.marks.insert(bisect_left(self.marks, place), place)
        self.refresh()

    def is_marked(self, row: int) -> bool:
        """Whether a row has a mark."""
        place = self.open_log.offset(row) if self.open_log is not None and self.marks else None
        found = bisect_left(self.marks, place) if place is not None else len(self.marks)
        return found < len(self.marks) and self.marks[found] == place

    def mark_all(self) -> str:
        """Mark what the search found, without one what filters leave; where something is marked already, nothing any more. What was done, in words."""
        log = self.open_log
        if self.marks:
            self.marks.clear()
            self.refresh()
            return "No line is marked any more."
        scan = None if log is None else log.search or log.scan
        if scan is None:
            return "Search or filter first: M marks what is found."
        self.marks = list(scan.rows[:MOST_MARKS])
        self.refresh()
        more = "; the first ones, there are more" if len(scan.rows) > MOST_MARKS or not scan.through else ""
        return (
            f"Marked {len(self.marks):,} line{'' if len(self.marks) == 1 else 's'}{more}. ' goes from one to the next."
        )

    def next_mark(self) -> bool:
        """Go to the next mark, past the last one to the first; False where there is none."""
        if self.marks:
            self.go_to(self.marks[bisect_right(self.marks, self.place() or 0) % len(self.marks)])
        return bool(self.marks)

    def look_for(self, wanted: Filter | None) -> None:
        """Search for something, from here on."""
        if self.open_log is None:
            return
        self.open_log.look_for(wanted)
        needle = wanted.needle if wanted is not None else ""
        exact = wanted is not None and not wanted.ignore_case
        text = "" if wanted is None or wanted.regex else re.escape(needle)
        self._marked_text = re.compile(text, 0 if exact else re.IGNORECASE) if text else None
        self._wanted_match = 0 if wanted is None else -1 if self.following else 1
        self.refresh()

    def action_match(self, direction: int) -> None:
        """Go to the next match, or to the one before; past the last one, to the first."""
        search = self.open_log.search if self.open_log is not None else None
        if search is None or not len(search.rows):
            self._asks("no_match")
            return
        place = self.place() or 0
        number = bisect_right(search.rows, place) if direction > 0 else bisect_left(search.rows, place) - 1
        self.go_to(search.rows[number % len(search.rows)])

    def search(self, needle: Needle | None) -> None:
        """Logs are searched by `look_for`."""

    def landmarks(self, kind: str) -> Sequence[int]:
        """Logs have none that are known beforehand."""
        return ()
