"""The queue on top of the board: a few lines, and how many more there are."""

from collections.abc import Callable
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.strip import Strip
from textual.widget import Widget

from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.times import Clock, ago, thousands
from stigmer_tui.text.width import fit, fit_right
from stigmer_tui.widgets.board.queue import Item, Queue

_WORD, _AGENT, _AGE = 9, 12, 4


class QueueView(Widget):
    """Takes no focus and no key: `a` goes to the next line, a click to the one under it."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "queue--attention", "queue--wrong", "queue--muted", "queue--text", "queue--current",
    }  # fmt: skip

    def __init__(self, queue: Queue, clock: Clock, go_to: Callable[[int], None]) -> None:
        """`go_to` is told the place of the item that was clicked."""
        super().__init__(id="queue")
        self._queue = queue
        self._clock = clock
        self._go_to = go_to
        self._top = 0
        self._ages: tuple[str, ...] = ()
        self.display = False

    def changed(self) -> None:
        """The queue changed, or one is somewhere else in it."""
        if not self.is_attached:
            return  # the app is left
        rows = self._rows()
        self.display = rows > 0
        self.styles.height = rows
        place = self._queue.place_of(self._queue.current)
        shown = rows - self._has_more(rows)
        if place is not None:
            self._top = max(min(self._top, place), place - shown + 1)
        self._top = max(0, min(self._top, len(self._queue.items) - shown))
        self.refresh()

    def tick(self) -> None:
        """A second went by."""
        now = self._clock()
        ages = tuple(ago(now - item.micros / 1e6) for item in self._queue.items[self._top : self._top + 8])
        if ages != self._ages:
            self._ages = ages
            self.refresh()

    def _rows(self) -> int:
        height = self.screen.size.height
        most = 0 if height < 14 else 3 if height < 30 else 7
        return min(most, len(self._queue.items) + (self._queue.total > len(self._queue.items)))

    def _has_more(self, rows: int) -> int:
        return 1 if rows and self._queue.total > rows else 0

    def on_click(self, event: events.Click) -> None:
        """Go to what is under the mouse."""
        place = self._top + event.y
        if event.y < self.size.height - self._has_more(self.size.height) and place < len(self._queue.items):
            self._go_to(place)

    def render_line(self, y: int) -> Strip:
        """An item, or how many more there are."""
        base, width, height = self.rich_style, self.size.width, self.size.height
        more = self._has_more(height)
        place = self._top + y
        if more and y == height - 1:
            left = self._queue.total - (height - 1)
            words = f"  {thousands(left)} more; a goes through all of them"
            strip = Strip([Segment(words, base + self.get_component_rich_style("queue--muted", partial=True))])
        elif place < len(self._queue.items):
            item = self._queue.items[place]
            if item.key == self._queue.current:
                base += self.get_component_rich_style("queue--current", partial=True)
            strip = Strip(
                [
                    Segment(text, base + self.get_component_rich_style(f"queue--{name}", partial=True))
                    for text, name in self._pieces(item, width)
                ]
            )
        else:
            strip = Strip([])
        return strip.adjust_cell_length(width, base)

    def _pieces(self, item: Item, width: int) -> list[tuple[str, str]]:
        agent = _AGENT if width >= 60 else 0
        room = max(1, width - 4 - _WORD - 2 - (agent + 2 if agent else 0) - 2 - _AGE - 1)
        name = safe(Untrusted(item.run.workflow_name or item.run.agent_name))
        pieces = [(f" {item.kind.shape} ", item.kind.style), (fit(item.kind.word, _WORD) + "  ", item.kind.style)]
        if agent:
            pieces.append((fit(name, agent) + "  ", "muted"))
        subject = safe(Untrusted(item.run.subject))
        text = safe(Untrusted(item.text))
        if room >= 60 and subject and not text.startswith(subject):
            pieces += [(fit(subject, room // 3), "text"), ("  ", "text"), (fit(text, room - room // 3 - 2), "muted")]
        else:
            pieces.append((fit(text or subject, room), "text"))
        pieces.append(("  " + fit_right(ago(self._clock() - item.micros / 1e6), _AGE), "muted"))
        return pieces
