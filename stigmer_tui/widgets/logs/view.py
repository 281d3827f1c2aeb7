"""The rows of a log: those on the screen are read when they are drawn, however many there are."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip

from stigmer_tui.actions.keys import bindings_of
from stigmer_tui.actions.registry import Scope
from stigmer_tui.logs.fields import folded, plain
from stigmer_tui.logs.levels import Level, level_of
from stigmer_tui.logs.open_log import OpenLog
from stigmer_tui.logs.patterns import Filter
from stigmer_tui.terminal.search import Needle
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.widgets.highlight import highlight
from stigmer_tui.widgets.log_view import LogView

SIDEWAYS = 16
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
        log = self.open_log
        line = log.line(row, (self.left + width + 1) * 4 + 4096) if log is not None else None
        if log is None or line is None:
            return [Segment("…", self._look("muted"))]
        words, rest = folded(line)
        level = Level.DEBUG if log.is_neighbour(row) else level_of(line)
        segments = [Segment(safe(Untrusted(words)), self._look(level.value))]
        if rest:
            segments.append(Segment("  " + safe(Untrusted(rest)), self._look("muted")))
        if self._marked_text is not None:
            segments = highlight(segments, self._marked_text, self._look("match"))
        strip = Strip(segments)
        longer = strip.cell_length > self.left + width - 2
        shown = strip.crop(self.left, self.left + width - 2)
        if longer:
            shown = Strip([*shown.crop(0, width - 3).adjust_cell_length(width - 3), Segment("›", self._look("muted"))])
        mark = "◆ " if log.offset(row) in self.marks else "‹ " if self.left else "  "
        return [Segment(mark, self._look("mark" if mark == "◆ " else "muted")), *shown]

    def _look(self, name: str) -> Style:
        return self.get_component_rich_style(f"logs--{name}", partial=True)

    def text_of_row(self, row: int) -> str:
        """A line, for copying: as it is in the log, without control codes."""
        line = self.open_log.line(row) if self.open_log is not None else None
        return safe(Untrusted(plain(line or b"")))

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
