"""What stands in place of a list that has nothing to show."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical

from stigmer_tui.widgets.board.welcome import MOST, Words
from stigmer_tui.widgets.line import Line


class EmptyWords(Vertical):
    """A few lines; none hides it."""

    def __init__(self) -> None:
        super().__init__(classes="empty-words")
        self.display = False
        self._lines = [Line(classes="empty") for _ in range(MOST)]

    def compose(self) -> ComposeResult:
        """The lines."""
        yield from self._lines

    def say(self, words: Sequence[Words]) -> None:
        """Say these."""
        self.display = bool(words)
        for place, line in enumerate(self._lines):
            line.display = place < len(words)
            line.say(words[place] if place < len(words) else ())
