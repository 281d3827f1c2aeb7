"""A terminal's screen as an emulator has it, drawn line by line; with the keyboard in it, keys and mouse are the program's."""

from typing import ClassVar

from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from stigmer_tui.emulator import Emulator
from stigmer_tui.emulator.keys import key_bytes, paste_bytes
from stigmer_tui.emulator.mouse import MouseDeed, mouse_bytes
from stigmer_tui.screens.pace import Pace
from stigmer_tui.widgets.terminal_strip import first_line, terminal_strip

DRAW_SECONDS = 0.016
"""Between two drawings of what a program prints."""
HELD_SECONDS = 0.2
WHEEL_LINES = 3


class TerminalView(Widget, can_focus=True, inherit_bindings=False):
    """The screen of an `Emulator`. What is larger than the view is shown where the cursor is."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"terminal--cursor", "terminal--outside"}

    class Typed(Message):
        """Bytes for the program."""

        def __init__(self, data: bytes) -> None:
            super().__init__()
            self.data = data

    class ScrolledBack(Message):
        """The wheel was turned up, or shift+pageup pressed, where the program does not want it: earlier output is looked for."""

    class Resized(Message):
        """The view has another size, in cells."""

        def __init__(self, columns: int, rows: int) -> None:
            super().__init__()
            self.columns = columns
            self.rows = rows

    def __init__(self, *, live: bool = False, id: str | None = None) -> None:
        """`live`: keys and mouse are the program's, and the cursor is shown."""
        super().__init__(id=id)
        self.can_focus = live
        self.emulator: Emulator | None = None
        self._live = live
        self._pace = Pace(self, self._draw, DRAW_SECONDS)
        self._top = 0
        self._cursor = (-1, -1)
        self._button = 0
        self._pointed = (-1, -1)
        self._held = 0

    # Showing.

    def show(self, emulator: Emulator | None) -> None:
        """Show another terminal, or none."""
        if emulator is not self.emulator:
            self.emulator = emulator
            self.refresh()

    def changed(self) -> None:
        """The emulator took in output."""
        self._pace.mark()

    def _draw(self) -> None:
        emulator = self.emulator
        if emulator is None or not self.is_mounted:
            return
        if emulator.modes.held and not self._overdue():
            self._pace.mark()
            return
        self._held = 0
        dirty = emulator.take_dirty()
        x, y = emulator.cursor
        lines = dirty | {y, self._cursor[1]} if (x, y) != self._cursor else dirty
        self._cursor = (x, y)
        top = first_line(emulator, self.size.height)
        if top != self._top:
            self._top = top
            self.refresh()
            return
        for line in lines:
            if 0 <= line - top < self.size.height:
                self.refresh(Region(0, line - top, self.size.width, 1))

    def _overdue(self) -> bool:
        """A program that asks that drawing wait gets a fifth of a second."""
        self._held += 1
        return self._held > HELD_SECONDS / DRAW_SECONDS

    def render_line(self, y: int) -> Strip:
        """The cells of a line."""
        width, base = self.size.width, self.rich_style
        outside = base + self.get_component_rich_style("terminal--outside", partial=True)
        emulator = self.emulator
        if emulator is None:
            return Strip.blank(width, outside)
        strip = terminal_strip(emulator, y + self._top, width, base, outside)
        x, cursor_line = emulator.cursor
        if self._live and emulator.modes.cursor_visible and y + self._top == cursor_line and x < width:
            strip = self._with_cursor(strip, x, emulator)
        return strip

    def _with_cursor(self, strip: Strip, x: int, emulator: Emulator) -> Strip:
        style = self.get_component_rich_style("terminal--cursor", partial=True)
        chars = emulator.grid.lines[emulator.cursor[1]].chars
        end = x + (2 if x + 1 < len(chars) and not chars[x + 1] else 1)
        return Strip([*strip.crop(0, x), *strip.crop(x, end).apply_style(style), *strip.crop(end)])

    def on_resize(self, event: events.Resize) -> None:
        """Another size."""
        if event.size.width and event.size.height:
            self.post_message(self.Resized(event.size.width, event.size.height))
        if self.emulator is not None:
            self._top = first_line(self.emulator, event.size.height)
        self.refresh()

    # Typing.

    def on_key(self, event: events.Key) -> None:
        """Every key is the program's, but for the one that scrolls back."""
        if not self._live or self.emulator is None:
            return
        event.stop()
        event.prevent_default()
        if event.key == "shift+pageup" and not self.emulator.alternate:
            self.post_message(self.ScrolledBack())
            return
        data = key_bytes(event.key, event.character, self.emulator.modes)
        if data:
            self.post_message(self.Typed(data))

    def on_paste(self, event: events.Paste) -> None:
        """Pasted text is the program's."""
        if self._live and self.emulator is not None:
            event.stop()
            event.prevent_default()
            self.post_message(self.Typed(paste_bytes(event.text, self.emulator.modes)))

    def on_focus(self) -> None:
        """A program that wants to know is told."""
        self._tell_focus(b"\x1b[I")

    def on_blur(self) -> None:
        """Likewise."""
        self._tell_focus(b"\x1b[O")

    def _tell_focus(self, data: bytes) -> None:
        if self._live and self.emulator is not None and self.emulator.modes.focus_reports:
            self.post_message(self.Typed(data))

    # The mouse.

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """A button."""
        self._button, self._pointed = event.button, (event.x, event.y)
        self._mouse(MouseDeed.PRESS, event)
        if self._live and self._button:
            self.capture_mouse()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Let go."""
        self.release_mouse()
        self._mouse(MouseDeed.RELEASE, event)
        self._button = 0

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Moved, with a button or without; within a cell is nowhere."""
        if (event.x, event.y) != self._pointed:
            self._mouse(MouseDeed.MOVE, event)
            self._pointed = event.x, event.y

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Up: the program's, arrow keys for one that has the whole screen, or earlier output."""
        self._wheel(MouseDeed.WHEEL_UP, "up", event)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Down."""
        self._wheel(MouseDeed.WHEEL_DOWN, "down", event)

    def _wheel(self, deed: MouseDeed, key: str, event: events.MouseEvent) -> None:
        event.stop()
        emulator = self.emulator
        if emulator is None or not self._live:
            if deed is MouseDeed.WHEEL_UP:
                self.post_message(self.ScrolledBack())
            return
        if emulator.modes.mouse.value:
            self._mouse(deed, event)
        elif emulator.alternate and emulator.modes.alternate_scroll:
            self.post_message(self.Typed(key_bytes(key, None, emulator.modes) * WHEEL_LINES))
        elif deed is MouseDeed.WHEEL_UP:
            self.post_message(self.ScrolledBack())

    def _mouse(self, deed: MouseDeed, event: events.MouseEvent) -> None:
        if not self._live or self.emulator is None:
            return
        event.stop()
        modifiers = 4 * event.shift + 8 * event.meta + 16 * event.ctrl
        y = event.y + self._top
        data = mouse_bytes(deed, self._button, event.x, y, modifiers, self.emulator.modes)
        if data:
            self.post_message(self.Typed(data))
