"""What a command can go on with, a row each."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.segment import Segment

from stigmer_tui.actions.commands import Completion
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.width import fit
from stigmer_tui.widgets.rows_view import RowsView

MOST_ROWS = 8
_WORD = 28


class Completions(RowsView):
    """The cursor is on the one that is taken."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"completions--word", "completions--help"}

    def __init__(self, taken: Callable[[], None]) -> None:
        """`taken` is told when the mouse chose the one that is marked."""
        super().__init__(id="completions")
        self._taken = taken
        self.can_focus = False
        self._offered: Sequence[Completion] = ()

    @property
    def marked(self) -> Completion | None:
        """The one that is taken; None where there is none."""
        return self._offered[self.cursor] if self.cursor < len(self._offered) else None

    def offer(self, completions: Sequence[Completion]) -> None:
        """Offer others, the first one marked."""
        self._offered = completions
        self.top = self.cursor = 0
        self.styles.height = max(1, min(MOST_ROWS, len(completions)))
        self.display = bool(completions)
        self.forget_drawn()
        self.refresh()

    def mark(self, step: int) -> None:
        """Mark another; it goes round."""
        if self._offered:
            self.move_cursor((self.cursor + step) % len(self._offered))

    def on_click(self) -> None:
        """The mouse marked it already: take it."""
        self._taken()

    def row_count(self) -> int:
        """Rows."""
        return len(self._offered)

    def draw_row(self, row: int, width: int) -> list[Segment]:
        """The word and what it is."""
        each = self._offered[row]
        words = min(width, max(_WORD, width * 2 // 5))
        return [
            Segment(
                fit(safe(Untrusted(each.word)), words), self.get_component_rich_style("completions--word", partial=True)
            ),
            Segment(
                fit(safe(Untrusted(each.help)), max(0, width - words)),
                self.get_component_rich_style("completions--help", partial=True),
            ),
        ]
