"""Reading more of a long run, of which only the end was read: what one looks at stays where it is."""

from collections.abc import Callable
from dataclasses import dataclass

from stigmer_tui.screens.run_feed import RunFeed
from stigmer_tui.screens.run_panes import Panes

LOADING = "Reading what came before …"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where one reads, counted from the end: what is read more comes before it."""

    output: int
    block: int
    offset: int
    follows: tuple[bool, bool]
    """Whether the output follows its end, and the transcript."""


class Earlier:
    """Between the key, the feed and the panes."""

    def __init__(self, feed: Callable[[], RunFeed], panes: Panes, again: Callable[[], None]) -> None:
        """`again`: has the feed read once more."""
        self._feed = feed
        self._panes = panes
        self._again = again
        self._place: _Place | None = None
        self._then: Callable[[], None] | None = None

    @property
    def any(self) -> bool:
        """Whether something came before what was read."""
        return bool(self._feed().held_back)

    def read(self, *, everything: bool = False, then: Callable[[], None] | None = None) -> None:
        """Read more of it, or everything; `then` is done when it is there."""
        if self._feed().loading:
            return
        output, transcript = self._panes.output, self._panes.transcript
        block, offset = transcript.place
        self._place = _Place(
            output.row_count() - output.cursor,
            len(transcript.transcript.blocks) - block,
            offset,
            (output.following, transcript.following),
        )
        self._then = then
        self._feed().read_more(everything=everything)
        self._again()

    def drawn(self) -> None:
        """Everything that came in was drawn: go back to where one was."""
        place, then = self._place, self._then
        if place is None or self._feed().loading:
            return
        self._place = self._then = None
        output, transcript = self._panes.output, self._panes.transcript
        if not place.follows[0]:
            output.go_to_row(max(0, output.row_count() - place.output))
        if not place.follows[1]:
            transcript.go_to_block(max(0, len(transcript.transcript.blocks) - place.block), place.offset)
        if then is not None:
            then()
