"""A view over any number of rows: only those on the screen are drawn, and growing costs nothing.

It keeps its own place and its own scroll bar instead of a virtual size, so that a row more is no new layout of the screen.
"""

from abc import abstractmethod
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

WHEEL_ROWS = 3
EDGES = 2
"""Cells of a line that are no row: air on the left, the scroll bar on the right."""
KEPT_ROWS = 1000
"""Drawn rows that are kept for the next time."""


class RowsView(Widget, can_focus=True, inherit_bindings=False):
    """Rows, a cursor on one of them, and the first one that is on the screen."""

    class PlaceChanged(Message):
        """The cursor or what is on the screen moved."""

        def __init__(self, view: "RowsView") -> None:
            super().__init__()
            self.view = view

        @property
        def control(self) -> "RowsView":
            """Whose place."""
            return self.view

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"rows--cursor", "rows--cursor-blurred", "rows--thumb"}

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.top: int = 0
        """First row on the screen."""
        self.cursor: int = 0
        """The row that actions are about."""
        self._dragging = False
        self._base = Style.null()
        self._drawn_rows: dict[tuple[int, int, bool, bool, bool], Strip] = {}

    # What a view is over.

    @abstractmethod
    def row_count(self) -> int:
        """Rows in all."""

    @abstractmethod
    def draw_row(self, row: int, width: int) -> list[Segment]:
        """The pieces of a row: text that is safe to draw. `width` cells; fewer are filled up, more are cut."""

    def show_cursor(self) -> bool:
        """Whether the cursor is drawn."""
        return True

    def row_at(self, y: int) -> int:
        """The row that a line of the screen shows, or would show."""
        return self.top + y

    def draw_at(self, y: int, row: int, width: int) -> list[Segment]:
        """What a line of the screen shows of its row."""
        return self.draw_row(row, width)

    def is_settled(self, row: int) -> bool:
        """Whether a row looks the same whenever it is drawn, until `forget_drawn`."""
        return False

    # Moving.

    @property
    def page_rows(self) -> int:
        """Rows that fit on the screen."""
        return max(1, self.size.height)

    @property
    def last_top(self) -> int:
        """The furthest that one can scroll."""
        return max(0, self.row_count() - self.page_rows)

    def move_cursor(self, row: int) -> None:
        """Put the cursor on a row and the row on the screen."""
        self.cursor = max(0, min(row, self.row_count() - 1))
        self.reveal(self.cursor)

    def reveal(self, row: int) -> None:
        """Scroll no further than needed for the row to be on the screen."""
        if row < self.top:
            self.top = row
        elif row >= self.top + self.page_rows:
            self.top = row - self.page_rows + 1
        self._moved()

    def scroll_rows(self, count: int) -> None:
        """Scroll, downwards for a positive number; the cursor stays on the screen."""
        self.top = max(0, min(self.top + count, self.last_top))
        self.cursor = max(self.top, min(self.cursor, self.top + self.page_rows - 1, self.row_count() - 1))
        self._moved()

    def _moved(self) -> None:
        self.top = max(0, min(self.top, self.last_top))
        self.refresh()
        self.post_message(self.PlaceChanged(self))

    def action_move(self, count: int) -> None:
        """Move the cursor."""
        self.move_cursor(self.cursor + count)

    def action_page(self, pages: int) -> None:
        """Move by screens, keeping a row of what was seen."""
        step = max(1, self.page_rows - 1) * pages
        self.top = max(0, min(self.top + step, self.last_top))
        self.move_cursor(self.cursor + step)

    # The mouse.

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll up."""
        event.stop()
        self.scroll_rows(-WHEEL_ROWS)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll down."""
        event.stop()
        self.scroll_rows(WHEEL_ROWS)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Put the cursor where the mouse is, or take the scroll bar."""
        if event.x >= self.size.width - 1 and self.last_top:
            self._dragging = True
            self.capture_mouse()
            self._drag(event.y)
        elif self.row_at(event.y) < self.row_count():
            self.move_cursor(self.row_at(event.y))

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Scroll with the bar."""
        if self._dragging:
            self._drag(event.y)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Let go of the bar."""
        if self._dragging:
            self._dragging = False
            self.release_mouse()

    def _drag(self, y: int) -> None:
        share = max(0.0, min(1.0, y / max(1, self.size.height - 1)))
        self.scroll_rows(round(share * self.last_top) - self.top)

    # Drawing.

    def on_resize(self, event: events.Resize) -> None:
        """Keep the place within what there is."""
        self._moved()

    def notify_style_update(self) -> None:
        """Other colours: nothing that was drawn is right any more."""
        self.forget_drawn()
        super().notify_style_update()

    def forget_drawn(self, first_row: int = 0) -> None:
        """Rows from `first_row` on are drawn anew when they are looked at next."""
        if first_row == 0:
            self._drawn_rows.clear()
        else:
            self._drawn_rows = {key: strip for key, strip in self._drawn_rows.items() if key[0] < first_row}

    def render_lines(self, crop: Region) -> list[Strip]:
        """What they have in common is looked up once for all lines."""
        self._base = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """One row and its piece of the scroll bar. A settled row is drawn once: then its strip, and what Textual keeps with it, is used again."""
        width, row = self.size.width, self.row_at(y)
        if width < 2 or self.size.height < 1:
            return Strip.blank(width, self._base)
        if row >= self.row_count():
            return Strip([Segment(" " * (width - 1), self._base), self._bar(y)], width)
        selected = row == self.cursor and self.show_cursor()
        key = (row, width, self._in_thumb(y), selected and self.has_focus, selected)
        strip = self._drawn_rows.get(key)
        if strip is None:
            strip = self._draw(row, y, width, selected)
            if self.is_settled(row):
                if len(self._drawn_rows) >= KEPT_ROWS:
                    self._drawn_rows.clear()
                self._drawn_rows[key] = strip
        return strip

    def _draw(self, row: int, y: int, width: int, selected: bool) -> Strip:
        base = self._base
        if selected:
            name = "rows--cursor" if self.has_focus else "rows--cursor-blurred"
            base += self.get_component_rich_style(name, partial=True)
        segments = [
            Segment(piece.text, base + piece.style if piece.style else base)
            for piece in self.draw_at(y, row, width - EDGES)
        ]
        body = Strip([Segment(" ", base), *segments])
        if body.cell_length != width - 1:
            body = body.adjust_cell_length(width - 1, base)
        return Strip([*body, self._bar(y)], width)

    def _in_thumb(self, y: int) -> bool:
        """Whether the scroll bar's thumb is in this line; nowhere where everything is on the screen."""
        rows, height = self.row_count(), self.size.height
        if rows <= height:
            return False
        length = max(1, height * height // rows)
        start = round((height - length) * self.top / max(1, self.last_top))
        return start <= y < start + length

    def _bar(self, y: int) -> Segment:
        if not self._in_thumb(y):
            return Segment(" ", self._base)
        return Segment("▐", self._base + self.get_component_rich_style("rows--thumb", partial=True))
