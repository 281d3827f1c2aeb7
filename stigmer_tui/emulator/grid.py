"""The cells of a screen, the cursor, and what control sequences do to them: as tmux does it, which programs are tried in."""

from dataclasses import dataclass, field
from enum import Enum

from stigmer_tui.emulator.row import MARKS, NARROW, Row, width_of
from stigmer_tui.terminal.pen import PLAIN, Pen

TAB = 8


class MouseReports(Enum):
    """What of the mouse a program wants to know; the value is the number of its mode."""

    NONE = 0
    PRESSES = 9
    BUTTONS = 1000
    DRAGS = 1002
    MOVES = 1003


@dataclass(slots=True)
class Modes:
    """What a program switched on."""

    autowrap: bool = True
    insert: bool = False
    origin: bool = False
    line_feed_returns: bool = False
    cursor_visible: bool = True
    cursor_shape: int = 0
    """As DECSCUSR numbers it: 0 the terminal's own, 1 and 2 a block, 3 and 4 a line below, 5 and 6 a bar."""
    application_cursor: bool = False
    application_keypad: bool = False
    bracketed_paste: bool = False
    focus_reports: bool = False
    alternate_scroll: bool = True
    mouse: MouseReports = MouseReports.NONE
    sgr_mouse: bool = False
    utf8_mouse: bool = False
    held: bool = False
    """Whether a program asked that what it draws be shown only when it is complete."""


@dataclass(slots=True)
class Saved:
    """What a program saved of the cursor."""

    x: int = 0
    y: int = 0
    pen: Pen = PLAIN
    origin: bool = False
    graphics: list[bool] = field(default_factory=lambda: [False, False])
    shifted: int = 0


class Grid:
    """A screen of `columns` x `rows` cells. `x` may equal `columns`: the row is full, and the next character begins another one."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns = columns
        self.rows = rows
        self.lines = [Row(columns) for _ in range(rows)]
        self.main: list[Row] | None = None
        """The lines of the main screen while the alternate one is shown."""
        self.main_saved: Saved | None = None
        self.x = 0
        self.y = 0
        self.top = 0
        self.bottom = rows - 1
        self.pen = PLAIN
        self.erased = PLAIN
        """The pen of emptied cells: the background alone."""
        self.modes = Modes()
        self.graphics = [False, False]
        """Whether G0 and G1 are the line drawing characters."""
        self.shifted = 0
        self.saved = Saved()
        self.tabs = set(range(TAB, columns, TAB))
        self.last = ""
        """The last character that was drawn, for repeating it."""
        self.dirty: set[int] = set()
        self.all_dirty = True

    # Drawing.

    def draw(self, text: str) -> None:
        """Put text where the cursor is."""
        if self.graphics[self.shifted]:
            text = text.translate(LINE_DRAWING)
        if self.modes.insert or not (text.isascii() or NARROW.fullmatch(text)):
            self._draw_each(text)
            return
        self.last = text[-1]
        columns, pen, start, count = self.columns, self.pen, 0, len(text)
        while start < count:
            x = self.x
            if x >= columns:
                if not self.modes.autowrap:
                    x = columns - 1
                else:
                    x = 0
                    self.line_feed()
            taken = min(count - start, columns - x)
            if not self.modes.autowrap and taken < count - start:
                text, count = text[: start + taken - 1] + text[-1], start + taken
            row = self.lines[self.y]
            row.chars[x : x + taken] = text[start : start + taken] if start or taken < count else text
            row.pens[x : x + taken] = [pen] * taken
            if row.wide:
                row.mend()
            self.dirty.add(self.y)
            start += taken
            self.x = x + taken
        if self.x >= columns and not self.modes.autowrap:
            self.x = columns - 1

    def _draw_each(self, text: str) -> None:
        """Wide characters, marks, and inserting."""
        columns = self.columns
        for character in text:
            width = width_of(character)
            if width == 0:
                self._attach(character)
                continue
            if self.x > columns - width:
                if self.modes.autowrap and width <= columns:
                    self.x = 0
                    self.line_feed()
                elif width > 1:
                    continue
                else:
                    self.x = columns - 1
            row = self.lines[self.y]
            if self.modes.insert:
                row.insert(self.x, width, self.erased)
            if row.wide or width == 2:
                row.wide = True
            row.chars[self.x] = character
            row.pens[self.x] = self.pen
            if width == 2:
                row.chars[self.x + 1] = ""
                row.pens[self.x + 1] = self.pen
            if row.wide:
                row.mend()
            self.dirty.add(self.y)
            self.last = character
            self.x += width
            if self.x >= columns and not self.modes.autowrap:
                self.x = columns - 1

    def _attach(self, mark: str) -> None:
        """A mark belongs to the character before it."""
        row = self.lines[self.y]
        place = self.x - 1
        if place > 0 and not row.chars[place]:
            place -= 1
        if place >= 0 and len(row.chars[place]) < MARKS and not mark.isspace() and mark > "\x9f":
            row.chars[place] += mark
            row.wide = True
            self.dirty.add(self.y)

    # Scrolling.

    def line_feed(self) -> None:
        """One line down; at the region's end its lines move up."""
        if self.y == self.bottom:
            self.scroll_up(1)
        elif self.y < self.rows - 1:
            self.y += 1

    def reverse_line_feed(self) -> None:
        """One line up; at the region's beginning its lines move down."""
        if self.y == self.top:
            self.scroll_down(1)
        elif self.y > 0:
            self.y -= 1

    def next_line(self) -> None:
        """To the beginning of the next line."""
        self.x = 0
        self.line_feed()

    def scroll_up(self, count: int) -> None:
        """The region's lines move up."""
        self._shift(self.top, count, up=True)

    def scroll_down(self, count: int) -> None:
        """The region's lines move down."""
        self._shift(self.top, count, up=False)

    def insert_lines(self, count: int) -> None:
        """Empty lines at the cursor's; those below move down within the region."""
        if self.top <= self.y <= self.bottom:
            self._shift(self.y, count, up=False)

    def delete_lines(self, count: int) -> None:
        """The cursor's line and those below go; the rest of the region moves up."""
        if self.top <= self.y <= self.bottom:
            self._shift(self.y, count, up=True)

    def _shift(self, first: int, count: int, *, up: bool) -> None:
        lines, bottom = self.lines, self.bottom
        for _ in range(min(count, bottom - first + 1)):
            row = lines.pop(first if up else bottom)
            row.blank(self.erased)
            lines.insert(bottom if up else first, row)
        if first == 0 and bottom == self.rows - 1:
            self.all_dirty = True
        else:
            self.dirty.update(range(first, bottom + 1))

    def set_region(self, top: int, bottom: int) -> None:
        """Lines from `top` to `bottom`, from 1, scroll; the others stay. Less than two lines are no region."""
        top, bottom = min(max(top, 1), self.rows), min(bottom or self.rows, self.rows)
        if top < bottom:
            self.top, self.bottom = top - 1, bottom - 1
            self.x = 0
            self.y = self.top if self.modes.origin else 0

    # The cursor.

    def move_to(self, line: int, column: int) -> None:
        """To a line and a column, from 1."""
        self.to_line(line)
        self.x = min(max(column, 1), self.columns) - 1

    def to_line(self, line: int) -> None:
        """To a line, from 1; of the region where lines are counted so. The column stays."""
        y = max(line, 1) - 1
        y = min(self.top + y, self.bottom) if self.modes.origin else min(y, self.rows - 1)
        self.y, self.x = y, min(self.x, self.columns - 1)

    def to_column(self, column: int) -> None:
        """To a column, from 1."""
        self.x = min(max(column, 1), self.columns) - 1

    def up(self, count: int) -> None:
        """Lines up, not over the region's edge."""
        edge = self.top if self.y >= self.top else 0
        self.y, self.x = max(edge, self.y - count), min(self.x, self.columns - 1)

    def down(self, count: int) -> None:
        """Lines down, not over the region's edge."""
        edge = self.bottom if self.y <= self.bottom else self.rows - 1
        self.y, self.x = min(edge, self.y + count), min(self.x, self.columns - 1)

    def right(self, count: int) -> None:
        """Columns to the right."""
        self.x = max(self.x, min(self.columns - 1, self.x + count))

    def left(self, count: int) -> None:
        """Columns to the left."""
        self.x = max(0, self.x - count)

    def tab(self, count: int = 1) -> None:
        """To the next stop."""
        for _ in range(min(count, self.columns)):
            if self.x >= self.columns - 1:
                return
            self.x = min((stop for stop in self.tabs if stop > self.x), default=self.columns - 1)

    def back_tab(self, count: int) -> None:
        """To the stop before."""
        for _ in range(min(count, self.columns)):
            self.x = max((stop for stop in self.tabs if stop < self.x), default=0)

    def set_tab(self) -> None:
        """A stop where the cursor is."""
        if self.x < self.columns:
            self.tabs.add(self.x)

    def clear_tabs(self, which: int) -> None:
        """The stop under the cursor, or all of them."""
        if which == 0:
            self.tabs.discard(self.x)
        elif which == 3:
            self.tabs.clear()

    def save(self) -> None:
        """Remember the cursor."""
        self.saved = self._cursor()

    def _cursor(self) -> Saved:
        return Saved(self.x, self.y, self.pen, self.modes.origin, list(self.graphics), self.shifted)

    def restore(self, saved: Saved | None = None) -> None:
        """Back to where it was remembered."""
        saved = saved or self.saved
        self.x, self.y = min(saved.x, self.columns), min(saved.y, self.rows - 1)
        self.set_pen(saved.pen)
        self.modes.origin = saved.origin
        self.graphics, self.shifted = list(saved.graphics), saved.shifted

    def set_pen(self, pen: Pen) -> None:
        """What is drawn with from now on."""
        self.pen = pen
        self.erased = PLAIN if pen.background is None else Pen(background=pen.background)

    # Erasing.

    def erase_in_line(self, which: int) -> None:
        """Behind the cursor (0), up to it (1), or all (2)."""
        row, x = self.lines[self.y], self.x
        start, end = ((x, self.columns), (0, x + 1), (0, self.columns))[which] if 0 <= which < 3 else (0, 0)
        row.erase(start, end, self.erased)
        self.dirty.add(self.y)

    def erase_in_screen(self, which: int) -> None:
        """Behind the cursor (0), up to it (1), or all (2)."""
        if which in (0, 1):
            self.erase_in_line(which)
        lines = {0: range(self.y + 1, self.rows), 1: range(self.y), 2: range(self.rows)}.get(which, range(0))
        for y in lines:
            self.lines[y].blank(self.erased)
        self.dirty.update(lines)

    def erase_characters(self, count: int) -> None:
        """Cells from the cursor on."""
        self.lines[self.y].erase(self.x, self.x + count, self.erased)
        self.dirty.add(self.y)

    def insert_characters(self, count: int) -> None:
        """Empty cells at the cursor."""
        self.lines[self.y].insert(self.x, count, self.erased)
        self.dirty.add(self.y)

    def delete_characters(self, count: int) -> None:
        """Cells from the cursor on go."""
        self.lines[self.y].delete(self.x, count, self.erased)
        self.dirty.add(self.y)

    def repeat(self, count: int) -> None:
        """The last character again."""
        fitting = min(count, self.columns - self.x)
        if self.last and fitting > 0:
            self.draw(self.last * fitting)

    def fill_with_e(self) -> None:
        """The test picture of a VT100."""
        for row in self.lines:
            row.blank(PLAIN)
            row.chars = ["E"] * self.columns
        self.top, self.bottom, self.x, self.y = 0, self.rows - 1, 0, 0
        self.all_dirty = True

    # Two screens.

    def show_alternate(self, *, save: bool) -> None:
        """An empty screen beside the main one."""
        if self.main is None:
            self.main_saved = self._cursor() if save else None
            self.main = self.lines
            self.lines = [Row(self.columns, self.erased) for _ in range(self.rows)]
            self.all_dirty = True

    def show_main(self) -> None:
        """Back to the main screen, and to where the cursor was."""
        if self.main is not None:
            self.lines, self.main = self.main, None
            if self.main_saved is not None:
                self.restore(self.main_saved)
            self.x = min(self.x, self.columns - 1)
            self.all_dirty = True

    def resize(self, columns: int, rows: int) -> None:
        """Another size. Lines are cut or filled up; where there are fewer, those above the cursor go first."""
        self.y -= _fit_lines(self.lines, self.y, columns, rows)
        if self.main is not None:
            saved = self.main_saved or Saved()
            saved.y -= _fit_lines(self.main, saved.y, columns, rows)
        self.columns, self.rows = columns, rows
        self.x, self.y = min(self.x, columns - 1), min(self.y, rows - 1)
        self.top, self.bottom = 0, rows - 1
        self.tabs = set(range(TAB, columns, TAB))
        self.dirty.clear()
        self.all_dirty = True


def _fit_lines(lines: list[Row], y: int, columns: int, rows: int) -> int:
    """Give a screen another size; the number of lines that went above the cursor's."""
    above = max(0, min(len(lines) - rows, y - rows + 1))
    del lines[:above]
    del lines[rows:]
    lines.extend(Row(columns) for _ in range(rows - len(lines)))
    for row in lines:
        row.fit(columns)
    return above


LINE_DRAWING = str.maketrans("+,-.0`abcdefghijklmnopqrstuvwxyz{|}~", "→←↑↓█◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·")
"""The characters for lines and boxes of a VT100."""
