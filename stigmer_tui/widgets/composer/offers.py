"""What can be completed, above where one writes: a few rows, one of them chosen. It never has the focus."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.strip import Strip
from textual.widget import Widget

from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.width import fit

ROWS = 8
"""Rows at most."""
_WORDS_FROM = 60
"""Cells of a row from which the explanation has room."""


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that can be put in."""

    text: str
    """What is shown of it: any text."""
    insert: str
    """What is put in place of what was written."""
    words: str = ""
    """What it is: any text."""


class OfferList(Widget):
    """Rows to choose from."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"offers--chosen", "offers--words"}

    def __init__(self, clicked: Callable[[], None]) -> None:
        """`clicked` is told when a row was chosen with the mouse."""
        super().__init__()
        self.display = False
        self.offers: Sequence[Offer] = ()
        self.chosen: int = 0
        self._clicked = clicked

    def show(self, offers: Sequence[Offer]) -> None:
        """Offer these; nothing to offer hides it."""
        self.offers = offers
        self.chosen = 0
        self.display = bool(offers)
        self.styles.height = min(ROWS, len(offers)) or 1
        self.refresh()

    def move(self, step: int) -> None:
        """Choose another row, round and round."""
        if self.offers:
            self.chosen = (self.chosen + step) % len(self.offers)
            self.refresh()

    @property
    def current(self) -> Offer | None:
        """What is chosen."""
        return self.offers[self.chosen] if self.offers else None

    def on_click(self, event: events.Click) -> None:
        """Take the row."""
        row = self._top + event.y
        if row < len(self.offers):
            self.chosen = row
            self._clicked()

    @property
    def _top(self) -> int:
        return max(0, self.chosen - ROWS + 1)

    def render_line(self, y: int) -> Strip:
        """A row."""
        width, row = self.size.width, self._top + y
        if row >= len(self.offers):
            return Strip.blank(width, self.rich_style)
        offer = self.offers[row]
        style = self.rich_style
        if row == self.chosen:
            style += self.get_component_rich_style("offers--chosen", partial=True)
        text = safe(Untrusted(offer.text), lines=False)
        words = safe(Untrusted(offer.words), lines=False) if width >= _WORDS_FROM else ""
        left = fit(f"   {text}", min(width, max(24, width // 3)) if words else width)
        quiet = style + self.get_component_rich_style("offers--words", partial=True)
        pieces = [Segment(left, style), Segment(fit(f"  {words}", max(0, width - cell_len(left))), quiet)]
        return Strip(pieces).adjust_cell_length(width, style)
