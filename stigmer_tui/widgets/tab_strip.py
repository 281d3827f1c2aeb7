"""The strip of tabs: there only where there are two or more."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.strip import Strip
from textual.widget import Widget

from stigmer_tui.text.width import fit

LONGEST = 22
"""Cells of a title."""


@dataclass(frozen=True, slots=True)
class TabWords:
    """What the strip says of a tab."""

    title: str
    """Safe to draw."""
    active: bool = False
    activity: bool = False
    """Something goes on there."""
    attention: bool = False
    """It waits for the person."""


class TabStrip(Widget):
    """A number, a mark and a title for each; a click goes there."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"tabs--tab", "tabs--active", "tabs--activity", "tabs--attention"}

    def __init__(self, chosen: Callable[[int], None]) -> None:
        """`chosen` is told the number of the tab that is clicked, from 0."""
        super().__init__()
        self.display = False
        self._chosen = chosen
        self._tabs: Sequence[TabWords] = ()

    def show(self, tabs: Sequence[TabWords]) -> None:
        """Other tabs."""
        if tuple(tabs) != self._tabs:
            self._tabs = tuple(tabs)
            self.display = len(tabs) > 1
            self.refresh()

    @property
    def text(self) -> str:
        """What it says, for tests and screen readers."""
        return "".join(piece for number, tab in enumerate(self._tabs) for piece, _ in self._pieces(number, tab))

    def _pieces(self, number: int, tab: TabWords) -> list[tuple[str, str]]:
        name = "active" if tab.active else "tab"
        mark = ("!", "attention") if tab.attention else ("●" if tab.activity else " ", "activity")
        title = tab.title if cell_len(tab.title) <= LONGEST else fit(tab.title, LONGEST)
        return [(f" {number + 1}", name), mark, (f"{title} ", name)]

    def render_line(self, y: int) -> Strip:
        """All tabs; where there is no room, those up to the active one are cut at the left."""
        base, width = self.rich_style, self.size.width
        pieces: list[Segment] = []
        end = 0
        for number, tab in enumerate(self._tabs):
            back = base + self.get_component_rich_style("tabs--active", partial=True) if tab.active else base
            for text, name in self._pieces(number, tab):
                pieces.append(Segment(text, back + self.get_component_rich_style(f"tabs--{name}", partial=True)))
            if tab.active:
                end = sum(cell_len(piece.text) for piece in pieces)
        strip = Strip(pieces)
        start = max(0, end - width)
        return strip.crop(start, start + width).adjust_cell_length(width, base)

    def on_click(self, event: events.Click) -> None:
        """Go to the tab under the mouse."""
        place = 0
        for number, tab in enumerate(self._tabs):
            place += sum(cell_len(text) for text, _ in self._pieces(number, tab))
            if event.x < place:
                self._chosen(number)
                return
