"""What a run printed: any number of rows of any length, drawn when they are looked at."""

from array import array
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.message import Message
from textual.strip import Strip
from textual.worker import Worker

from stigmer_apis.errors import StigmerError
from stigmer_apis.matching import Matcher
from stigmer_tui.actions.keys import bindings_of
from stigmer_tui.actions.registry import Scope
from stigmer_tui.emulator import Emulator
from stigmer_tui.terminal.line_cells import DrawnLine
from stigmer_tui.terminal.output_log import NoteKind, OutputLog
from stigmer_tui.terminal.pen import style_of
from stigmer_tui.terminal.search import Needle, matching_rows, rows_matching
from stigmer_tui.widgets.log_view import Ask, LogView
from stigmer_tui.widgets.row_marks import RowMarks
from stigmer_tui.widgets.terminal_strip import first_line, terminal_strip

SIDEWAYS = 8
_KEPT = 512
_MARKS = {
    NoteKind.COMMAND: ("❯ ", "command"),
    NoteKind.ENDED: ("✓ ", "note"),
    NoteKind.WRONG: ("✗ ", "wrong"),
    NoteKind.STOPPED: ("■ ", "stopped"),
    NoteKind.FULL_SCREEN: ("▣ ", "full-screen"),
    NoteKind.WORD: ("· ", "note"),
}


class OutputView(LogView):
    """The rows of an `OutputLog`."""

    BINDINGS = bindings_of(Scope.OUTPUT)
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "output--command",
        "output--note",
        "output--wrong",
        "output--stopped",
        "output--full-screen",
        "output--more",
        "output--match",
    }

    class Found(Message):
        """From the thread that searches: rows; `end` where it is through, the row before which it looked."""

        def __init__(self, needle: Needle, rows: list[int], end: int | None, problem: str = "") -> None:
            super().__init__()
            self.needle = needle
            self.rows = rows
            self.end = end
            self.problem = problem

    def __init__(self, log: OutputLog, ask: Ask, *, id: str | None = None) -> None:
        super().__init__(ask, id=id)
        self.log_rows = log
        self.screen_now: Callable[[], Emulator | None] = lambda: None
        """The screen of a full-screen program that runs: shown in place of the rows while this follows. Set by who knows."""
        self.left = 0
        """Cells that are scrolled away to the left."""
        self._drawn: OrderedDict[int, DrawnLine] = OrderedDict()
        self._searched = 0
        self._found: array[int] = array("Q")
        self._matcher: Matcher | None = None
        self._worker: Worker[None] | None = None
        self._marks = RowMarks(self, self._drawn_anew)

    def row_count(self) -> int:
        """Rows of the log."""
        return len(self.log_rows)

    def grown(self) -> None:
        """More output came."""
        super().grown()
        if self.needle is not None and not self.searching and not self.problem:
            self._search_on()

    def cleared(self) -> None:
        """The log is another one, from its beginning."""
        self._drawn.clear()
        self.forget_drawn()
        self.cursor = self.top = self.left = 0
        self.search(self.needle)
        self.relaid()

    # Drawing.

    def is_settled(self, row: int) -> bool:
        """All but a line that still grows."""
        return row < len(self.log_rows) - 1 or not self.log_rows.spool.last_row_open

    def draw_row(self, row: int, width: int) -> list[Segment]:
        """A note, or a line in its colours from `left` on."""
        note = self.log_rows.note(row)
        if note is not None:
            mark, style_name = _MARKS[note.kind]
            style = self._look(style_name)
            return self._marked([Segment(mark, style), Segment(note.text, style)])
        need = (self.left + width + 1) * 4
        segments: list[Segment] = []
        for run in self._line(row).runs:
            if need <= 0:
                break
            segments.append(Segment(run.text[:need], style_of(run.pen)))
            need -= len(run.text)
        segments = self._marked(segments)
        strip = Strip(segments)
        longer = strip.cell_length > self.left + width or self.log_rows.is_cut(row)
        if not longer and not self.left:
            return segments
        shown = strip.crop(self.left, self.left + width)
        if self.left and strip.cell_length:
            shown = Strip([Segment("‹", self._look("more")), *shown.crop(1, width)])
        if longer:
            shown = Strip([*shown.crop(0, width - 1).adjust_cell_length(width - 1), Segment("›", self._look("more"))])
        return list(shown)

    def render_line(self, y: int) -> Strip:
        """A row; while it follows, a line of the full-screen program that runs."""
        emulator = self.screen_now() if self.following else None
        if emulator is None:
            return super().render_line(y)
        line = y + first_line(emulator, self.size.height)
        base = self.rich_style
        return terminal_strip(emulator, line, self.size.width, base, base)

    def _look(self, name: str) -> Style:
        return self.get_component_rich_style(f"output--{name}", partial=True)

    def _marked(self, segments: list[Segment]) -> list[Segment]:
        if self.needle is None:
            return segments
        return self._marks.marked(segments, self._look("match"))

    def _drawn_anew(self) -> None:
        self.forget_drawn()
        self.refresh()

    def text_of_row(self, row: int) -> str:
        """A note with its mark, or a line as it looks."""
        note = self.log_rows.note(row)
        return _MARKS[note.kind][0] + note.text if note is not None else self._line(row).text

    def _column(self, x: int) -> int:
        return super()._column(x) + self.left

    def _on_screen(self, column: int) -> int:
        return super()._on_screen(column - self.left)

    def _line(self, row: int) -> DrawnLine:
        kept = self._drawn.get(row)
        if kept is not None:
            self._drawn.move_to_end(row)
            return kept
        before = self._drawn.get(row - 1)
        line = self.log_rows.draw(row, before.pen if before else self.log_rows.pen_before(row))
        unfinished = row == len(self.log_rows) - 1 and self.log_rows.spool.last_row_open
        if not unfinished:
            self._drawn[row] = line
            if len(self._drawn) > _KEPT:
                self._drawn.popitem(last=False)
        return line

    def action_sideways(self, steps: int) -> None:
        """Scroll long lines."""
        self.left = max(0, self.left + steps * SIDEWAYS)
        self.forget_drawn()
        self.refresh()

    def go_to_row(self, row: int) -> None:
        """Put a row at the top, and the cursor on it."""
        self.follow(False)
        self.top = max(0, min(row, self.last_top))
        self.move_cursor(row)

    # Searching.

    def landmarks(self, kind: str) -> Sequence[int]:
        """Commands, or what did not end well; messages and approvals are in the transcript."""
        kinds = {"call": NoteKind.COMMAND, "error": NoteKind.WRONG}
        return self.log_rows.rows_of(kinds[kind]) if kind in kinds else ()

    def search(self, needle: Needle | None) -> None:
        """Look through everything on a thread; what is found is told in between."""
        self.needle = needle
        self._searched = 0
        self._found = array("Q")
        self.match_rows, self.match_count = self._found, 0
        self.searching, self.problem = False, ""
        self._marks.use(needle)
        if self._worker is not None:
            self._worker.cancel()
            self._worker = None
        self.forget_drawn()
        self.refresh()
        self._search_on()
        self.post_message(self.SearchChanged(self))

    async def on_unmount(self) -> None:
        """Stop the thread, and the process."""
        self.needle = None
        await self._end_matcher()

    def _search_on(self) -> None:
        """Look through what came since the last time."""
        needle, first, end = self.needle, self._searched, len(self.log_rows)
        if needle is None or first >= end:
            return
        self.searching = True
        if needle.regex:
            self._worker = self.run_worker(partial(self._look_for_expression, needle, first, end), exit_on_error=False)
        else:
            self.run_worker(lambda: self._look_through(needle, first, end), thread=True, exit_on_error=False)

    async def _look_for_expression(self, needle: Needle, first: int, end: int) -> None:
        """The same for an expression, by a process that can be ended."""
        try:
            matcher = await self._matcher_of(needle)
            texts = [(row, note.text) for row, note in self.log_rows.notes_between(first, end)]
            answers = await matcher.spans([text for _, text in texts])
            notes = [row for (row, _), spans in zip(texts, answers, strict=True) if spans]
            found = rows_matching(self.log_rows.spool, matcher, first, end, lambda: needle is not self.needle)
            async for rows in found:
                merged, notes = _merge(rows, notes)
                self.post_message(self.Found(needle, merged, None))
            self.post_message(self.Found(needle, notes, end))
        except StigmerError as error:
            self.post_message(self.Found(needle, [], end, error.message))

    async def _matcher_of(self, needle: Needle) -> Matcher:
        """The process for this expression, started where there is none."""
        if self._matcher is None or self._matcher.pattern != needle.pattern:
            await self._end_matcher()
            self._matcher = await Matcher(needle.pattern).__aenter__()
            self._marks.use(needle, self._matcher)
        return self._matcher

    async def _end_matcher(self) -> None:
        matcher, self._matcher = self._matcher, None
        if matcher is not None:
            await matcher.close()

    def _look_through(self, needle: Needle, first: int, end: int) -> None:
        """On a thread: only messages leave it."""
        notes = [row for row, note in self.log_rows.notes_between(first, end) if needle.plain.search(note.text)]
        for rows in matching_rows(self.log_rows.spool, needle, first, end, lambda: needle is not self.needle):
            merged, notes = _merge(rows, notes)
            self.post_message(self.Found(needle, merged, None))
        self.post_message(self.Found(needle, notes, end))

    def on_output_view_found(self, message: Found) -> None:
        """Keep what was found; look through what came meanwhile."""
        message.stop()
        if message.needle is not self.needle:
            return
        self.problem = message.problem
        self._found.extend(row for row in message.rows if not self._found or row > self._found[-1])
        self.match_count = len(self._found)
        if self._eager and (self._eager > 0 or message.end is not None):
            self.go_to_match(self._eager)
        if message.end is not None:
            self._eager = 0
            self.searching = False
            open_row = self.log_rows.spool.last_row_open and message.end == len(self.log_rows)
            self._searched = message.end - 1 if open_row else message.end
            if message.end < len(self.log_rows) and not self.problem:
                self._search_on()
        self.post_message(self.SearchChanged(self))


def _merge(rows: list[int], notes: list[int]) -> tuple[list[int], list[int]]:
    """Rows with the notes that stand before the last of them, ascending; and the notes behind it."""
    last = rows[-1]
    return sorted({*rows, *(row for row in notes if row < last)}), [row for row in notes if row > last]
