"""What goes to the terminal: only what changed, and never more than it takes. A slow terminal misses frames, and has the newest state next."""

import time
from collections.abc import Callable
from operator import attrgetter

from rich.console import RenderableType
from textual import events
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.screen import Screen
from textual.timer import Timer

from stigmer_tui.screens.workstation import Workstation
from stigmer_tui.terminal.shown import Shown
from stigmer_tui.terminal.terminal_file import TerminalFile

LOOK_SECONDS = 0.02
"""Between two looks whether a slow terminal has taken everything."""
SETTLED_SECONDS = 0.1
"""Without another size of the terminal, before all of it is drawn anew."""
SLOW_SECONDS = 5.0
"""So long after a frame was left out, whole screens too are drawn only where they changed."""
_display, _writer = attrgetter("_display"), attrgetter("_writer_thread")
"""Of Textual, which has no other names for them."""


class Drawing(Workstation):
    """Draws through a memory of what is there. Nothing of it concerns an app without a terminal."""

    _shown: Shown | None = None
    _written_by: object = None
    _slow_until = 0.0
    _waits = False
    _settling: Timer | None = None

    def on_resize(self, event: events.Resize) -> None:
        """A terminal cuts off what has no room in a size that it had for a moment, also where it is as large as before when anybody looks."""
        if self._settling is not None:
            self._settling.stop()
        self._settling = self.set_timer(SETTLED_SECONDS, self._draw_all)

    def _draw_all(self) -> None:
        if self._shown is not None:
            self._shown.forget()
        self.screen.refresh(repaint=True, layout=True)

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        driver = self._driver
        file: object = None if driver is None or self.is_headless else getattr(driver, "_file", None)
        ready = self._running and not self._closed and not self._batch_count
        display: Callable[[Screen[object], RenderableType | None], None] = _display(super())
        if not ready or not isinstance(file, TerminalFile) or not isinstance(renderable, ChopsUpdate | LayoutUpdate):
            display(screen, renderable)
            return
        writer: object = _writer(driver)
        if self._shown is None or writer is not self._written_by:
            self._shown, self._written_by = Shown(), writer
        now = time.monotonic()
        if file.is_behind:
            self._slow_until = now + SLOW_SECONDS
            self._look_again()
            return
        if isinstance(renderable, LayoutUpdate) and now >= self._slow_until:
            self._shown.forget()
        changed = self._shown.changed(renderable)
        place = self.screen.outer_size.clamp_offset(self.cursor_position)
        if changed.pieces or place != self._previous_cursor_position:
            display(screen, changed)
        else:
            self.post_display_hook()

    def _look_again(self) -> None:
        if not self._waits:
            self._waits = True
            self.set_timer(LOOK_SECONDS, self._draw_newest)

    def _draw_newest(self) -> None:
        """Frames were left out: what is so now, once the terminal has taken the ones before."""
        self._waits = False
        file: object = getattr(self._driver, "_file", None)
        if isinstance(file, TerminalFile) and file.is_behind:
            self._look_again()
        else:
            self.screen.refresh()
