"""One line of the screen: something on the left, something on the right."""

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from stigmer_tui.text.width import fit

Part = tuple[str, str]
"""Text that is safe to draw, and the name of its style: `text`, `title`, `muted`, `accent`, `badge`, `good`, `warning`, `error`, or a phase's."""

_STYLES = ("text", "title", "muted", "accent", "badge", "good", "warning", "error")
_PHASES = ("pending", "running", "completed", "failed", "cancelled", "stopping")


class Line(Widget):
    """Cut on the left where both have no room; the right stays whole while it can."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"line--{name}" for name in (*_STYLES, *_PHASES)}

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._left: tuple[Part, ...] = ()
        self._right: tuple[Part, ...] = ()

    def say(self, left: Sequence[Part], right: Sequence[Part] = ()) -> None:
        """Show other parts. Nothing is drawn again where they are the same."""
        if (tuple(left), tuple(right)) != (self._left, self._right):
            self._left, self._right = tuple(left), tuple(right)
            self.refresh()

    @property
    def text(self) -> str:
        """What it says, for tests and screen readers."""
        return "".join(text for text, _ in (*self._left, *self._right))

    def render_line(self, y: int) -> Strip:
        """The line."""
        width = self.size.width
        left, right = self._strip(self._left), self._strip(self._right)
        room = width - right.cell_length - (2 if right.cell_length else 0)
        if room < min(12, left.cell_length):
            right, room = Strip([]), width
        if left.cell_length > room:
            kept = left.crop(0, max(0, room - 1))
            left = Strip([*kept, Segment(fit("…", room - kept.cell_length), self.rich_style)])
        gap = Segment(" " * max(0, width - left.cell_length - right.cell_length), self.rich_style)
        return Strip([*left, gap, *right]).adjust_cell_length(width, self.rich_style)

    def _strip(self, parts: Sequence[Part]) -> Strip:
        base = self.rich_style
        return Strip(
            [
                Segment(text, base + self.get_component_rich_style(f"line--{style}", partial=True))
                for text, style in parts
            ]
        )
