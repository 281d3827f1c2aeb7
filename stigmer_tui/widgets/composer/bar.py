"""The composer with what belongs to it: a mark in front, and beneath it for whom and where."""

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from stigmer_tui.widgets.composer.completing import Sources
from stigmer_tui.widgets.composer.composer import Composer
from stigmer_tui.widgets.composer.history import History
from stigmer_tui.widgets.composer.queue_list import QueueList
from stigmer_tui.widgets.line import Line, Part


class ComposerBar(Vertical):
    """Docked at the bottom of a screen."""

    def __init__(
        self,
        history: History,
        placeholder: str,
        submit: Callable[[str], None],
        ask: Callable[[str], None],
        *,
        sources: Sources | None = None,
    ) -> None:
        """`submit`, `ask` and `sources` as of `Composer`."""
        super().__init__()
        self.composer = Composer(history, placeholder, submit, ask, sources=sources, id="composer")
        self.queue = QueueList(ask)
        self._mark = Line(classes="composer-mark")
        self._place = Line(classes="composer-place")

    def compose(self) -> ComposeResult:
        """What waits, what is offered, a mark, the composer, and a line on where it goes."""
        yield self.queue
        yield self.composer.offers
        with Horizontal(classes="composer-row"):
            yield self._mark
            yield self.composer
        yield self._place

    def on_mount(self) -> None:
        """The mark never changes."""
        self._mark.say([("›", "accent")])

    def say_place(self, left: list[Part]) -> None:
        """Say for whom and where what is written will run."""
        self._place.say(left)
