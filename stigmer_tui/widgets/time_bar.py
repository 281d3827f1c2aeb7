"""A run's time as a line: where one is, what of note happened when; the mouse goes anywhere on it."""

from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from stigmer_tui.actions.keys import bindings_of
from stigmer_tui.actions.registry import Scope
from stigmer_tui.moments.timeline import MarkKind, Moment, Timeline

_SHAPES = {MarkKind.ERROR: "✗", MarkKind.APPROVAL: "!", MarkKind.MESSAGE: "▸", MarkKind.CALL: "·"}
"""What a mark looks like; of several in one cell the first of these is drawn."""
_RANKS = list(_SHAPES)


class TimeBar(Widget, can_focus=True, inherit_bindings=False):
    """Two lines: the marks, and below them the bar."""

    BINDINGS = bindings_of(Scope.TIME)
    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *("bar--past", "bar--future", "bar--here"),
        *(f"bar--{kind.value}" for kind in MarkKind),
    }

    class Pointed(Message):
        """Somebody wants to be at a moment."""

        def __init__(self, moment: Moment) -> None:
            super().__init__()
            self.moment = moment

    class Asked(Message):
        """Somebody pressed a key of the bar: what for, in the words of the action's handler."""

        def __init__(self, what: str, argument: str = "", direction: int = 0) -> None:
            super().__init__()
            self.what = what
            self.argument = argument
            self.direction = direction

    def __init__(self, timeline: Timeline, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._timeline = timeline
        self._moment = Moment(0, 0)
        self._dragging = False

    def show(self, moment: Moment) -> None:
        """One is at this moment."""
        self._moment = moment
        self.refresh()

    @property
    def step_micros(self) -> int:
        """A cell of the bar, in the run's time: a tenth of a second at least."""
        return max(100_000, self._duration // max(1, self.size.width - 1))

    @property
    def _duration(self) -> int:
        return max(1, self._timeline.last.micros - self._timeline.first.micros)

    def _cell(self, micros: int) -> int:
        share = (micros - self._timeline.first.micros) / self._duration
        return max(0, min(self.size.width - 1, round(share * (self.size.width - 1))))

    def render_line(self, y: int) -> Strip:
        """Marks above, the bar below."""
        width, base = self.size.width, self.rich_style
        here = self._cell(self._moment.micros)
        if y == 1:
            return Strip(
                [
                    Segment("━" * here, base + self.get_component_rich_style("bar--past", partial=True)),
                    Segment("●", base + self.get_component_rich_style("bar--here", partial=True)),
                    Segment(
                        "─" * (width - here - 1), base + self.get_component_rich_style("bar--future", partial=True)
                    ),
                ],
                width,
            )
        kinds: dict[int, MarkKind] = {}
        for mark in self._timeline.marks:
            cell = self._cell(mark.moment.micros)
            known = kinds.get(cell)
            if known is None or _RANKS.index(mark.kind) < _RANKS.index(known):
                kinds[cell] = mark.kind
        segments: list[Segment] = []
        for cell in range(width):
            kind = kinds.get(cell)
            if kind is None:
                segments.append(Segment(" ", base))
            else:
                style = self.get_component_rich_style(f"bar--{kind.value}", partial=True)
                segments.append(Segment(_SHAPES[kind], base + style))
        return Strip(segments, width).simplify()

    # The mouse.

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """To the moment under it."""
        self._dragging = True
        self.capture_mouse()
        self._point(event.x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Along with it."""
        if self._dragging:
            self._point(event.x)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Stay there."""
        self._dragging = False
        self.release_mouse()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Back."""
        event.stop()
        self.action_step(-1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Forward."""
        event.stop()
        self.action_step(1)

    def _point(self, x: int) -> None:
        share = max(0.0, min(1.0, x / max(1, self.size.width - 1)))
        micros = self._timeline.first.micros + round(share * self._duration)
        self.post_message(self.Pointed(self._timeline.at(micros)))

    # Keys.

    def action_do(self, what: str) -> None:
        """What needs no more words."""
        self.post_message(self.Asked(what))

    def action_step(self, direction: int) -> None:
        """A cell of the bar."""
        self.post_message(self.Asked("step", direction=direction))

    def action_event(self, direction: int) -> None:
        """To where something came."""
        self.post_message(self.Asked("event", direction=direction))

    def action_speed(self, direction: int) -> None:
        """Faster or slower."""
        self.post_message(self.Asked("speed", direction=direction))

    def action_mark(self, kind: str, direction: int) -> None:
        """To something of note."""
        self.post_message(self.Asked("mark", kind, direction))

    def action_scroll(self, rows: int) -> None:
        """Look at another part of the transcript."""
        self.post_message(self.Asked("scroll", direction=rows))
