"""Completes what is written in a document: follows the cursor of one text and fills the list of offers beside it."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from textual.geometry import Offset
from textual.widgets import TextArea

from stigmer_tui.completion.document_place import Place, place_at
from stigmer_tui.completion.fuzzy import best
from stigmer_tui.manifests.offers import Word
from stigmer_tui.widgets.composer.offers import Offer, OfferList

OFFERED = 50
"""Rows that one can move through."""
LARGE = 200_000
"""Characters of a text from which on nothing is offered unasked."""
WIDTH = 64
Offers = Callable[[Place], Awaitable[Sequence[Word]]]
"""What can be written at a place: told at once, or after the server was asked."""


class Completing:
    """The offers of one text. They are there from the first letter on, and at an empty value of which all possibilities are known."""

    def __init__(self, area: TextArea, list_: OfferList, offers: Offers) -> None:
        self._area = area
        self._list = list_
        self._offers = offers
        self._place: Place | None = None
        self._at = (-1, -1)
        """Where the cursor stood when it was looked."""

    @property
    def open(self) -> bool:
        """Whether something is offered."""
        return self._list.display

    def look(self, wanted: bool, *, asked: bool = False) -> None:
        """Offer what fits what is written now; `asked`: also where nothing is written yet."""
        self._at = self._area.cursor_location
        row, column = self._at
        small = asked or len(self._area.text) < LARGE
        place = place_at(self._area.text.split("\n"), row, column) if wanted and small else None
        self._place = place
        if place is None or not (place.written or asked or place.is_value):
            self.close()
            return
        self._area.run_worker(partial(self._show, place, asked), group="offers", exclusive=True)

    async def _show(self, place: Place, asked: bool) -> None:
        words = {word.text: word for word in await self._offers(place)}
        if place is not self._place:
            return
        if place.written in words and not words[place.written].follows and not asked:
            self.close()
            return
        fitting = best(place.written, words, OFFERED, str)
        self._list.show([Offer(name, name + _behind(words[name], place), words[name].words) for name in fitting])
        if fitting:
            self._put_beside(place)

    def _put_beside(self, place: Place) -> None:
        """Under what is written, or above where there is no room."""
        size = self._area.screen.size
        x, y = self._area.cursor_screen_offset
        x = max(0, min(x - len(place.written) - 3, size.width - WIDTH))
        rows = min(8, len(self._list.offers))
        below = y + 1 if y + 1 + rows <= size.height - 2 else max(0, y - rows)
        self._list.styles.width = min(WIDTH, size.width)
        self._list.absolute_offset = Offset(x, below)

    def moved(self) -> None:
        """The cursor moved: where nothing was written, what was offered is for elsewhere."""
        if self.open and self._area.cursor_location != self._at:
            self.close()

    def move(self, step: int) -> None:
        """Choose another offer."""
        self._list.move(step)

    def accept(self) -> None:
        """Write what is chosen in place of what is written."""
        offer, place = self._list.current, self._place
        self.close()
        if offer is not None and place is not None:
            row, column = self._area.cursor_location
            self._area.replace(offer.insert, (row, place.start), (row, column))

    def close(self) -> None:
        """Offer nothing."""
        self._place = None
        self._list.show(())


def _behind(word: Word, place: Place) -> str:
    """What comes behind a word: in brackets no line is broken."""
    return word.follows if place.indent >= 0 or "\n" not in word.follows else ": "
