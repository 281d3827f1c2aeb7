"""Another place beside this one: drawn live, worked in once one goes there."""

from collections.abc import Callable
from operator import attrgetter
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from stigmer_tui.text.width import fit

LOOK_SECONDS = 1 / 20
"""Between two looks at whether the other place changed."""
_compositor = attrgetter("_compositor")
_regions = attrgetter("_dirty_regions")


class Beside(Widget, can_focus=False):
    """Draws another screen. It is that screen, laid out in this width, and no copy: what changes there is seen here."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"beside--hint"}

    def __init__(self, chosen: Callable[[], None], hint: str) -> None:
        """`chosen` is told when somebody clicks on it. `hint`: how to go there; it stands in the other's last line."""
        super().__init__()
        self.display = False
        self._chosen = chosen
        self._hint = hint
        self._shown: Screen[None] | None = None
        self._strips: list[Strip] = []

    def show(self, screen: Screen[None], width: int, *, left: bool) -> None:
        """Draw this one, `width` cells wide with the line between; `left`: on the left side."""
        self._shown = screen
        self.styles.width = width
        self.set_class(left, "-left")
        self.display = True
        self.refresh(layout=True)

    def hide(self) -> None:
        """Draw nothing."""
        self._shown = None
        self.display = False

    def on_mount(self) -> None:
        """Keep up."""
        self.set_interval(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        if self._shown is None or not self._shown.is_mounted:
            return
        changed: set[Region] = _regions(_compositor(self._shown))
        if changed:
            changed.clear()
            self.refresh()

    def render_lines(self, crop: Region) -> list[Strip]:
        """All of the other is drawn once for all lines."""
        self._strips = list(_compositor(self._shown).render_strips()) if self._shown is not None else []
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """A line of the other place; its last one says how to go there."""
        width, base = self.size.width, self.rich_style
        if y == self.size.height - 1:
            style = base + self.get_component_rich_style("beside--hint", partial=True)
            return Strip([Segment(fit(f" {self._hint}", width), style)], width)
        if y < len(self._strips):
            return self._strips[y].adjust_cell_length(width, base)
        return Strip.blank(width, base)

    def on_click(self, event: events.Click) -> None:
        """Go there."""
        event.stop()
        self._chosen()
