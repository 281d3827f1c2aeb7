"""A letter over something that one can jump to."""

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget


class JumpLabel(Widget):
    """Stands at a place of the screen, over everything."""

    def __init__(self, label: str, x: int, y: int) -> None:
        super().__init__()
        self._label = label
        self.styles.width = len(label) + 2
        self.styles.offset = (x, y)

    def render_line(self, y: int) -> Strip:
        """The letters, with air around them."""
        return Strip([Segment(f" {self._label} ", self.rich_style)])
