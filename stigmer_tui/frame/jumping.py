"""Jump labels: a letter over everything that one can go to; the letter goes there."""

from collections.abc import Callable
from dataclasses import dataclass

from textual import events
from textual.app import App
from textual.widget import Widget

from stigmer_tui.widgets.jump_label import JumpLabel
from stigmer_tui.widgets.rows_view import RowsView

LETTERS = "asdfghjklqwertyuiopzxcvbnm"
"""The easiest to reach first."""
MOST = 60
"""Labels at once."""


@dataclass(frozen=True, slots=True)
class Target:
    """Something to go to."""

    widget: Widget
    row: int | None
    """A row of its, where it has rows."""
    x: int
    y: int


class Jumping:
    """Takes every key from `begin` on, until one went somewhere or nowhere."""

    def __init__(self, app: App[int], say: Callable[[str], None]) -> None:
        self._app = app
        self._say = say
        self._targets: dict[str, Target] = {}
        self._labels: list[JumpLabel] = []
        self._typed = ""

    @property
    def active(self) -> bool:
        """Whether the next key is its."""
        return bool(self._targets)

    def begin(self) -> None:
        """Show the labels."""
        found = targets_of(self._app.screen.focus_chain)[:MOST]
        if not found:
            self._say("There is nothing to jump to here.")
            return
        self._typed = ""
        self._targets = dict(zip(labels_for(len(found)), found, strict=True))
        self._labels = [JumpLabel(label, target.x, target.y) for label, target in self._targets.items()]
        self._app.screen.mount(*self._labels)

    def take(self, event: events.Key) -> None:
        """A key after it."""
        typed = self._typed + (event.character or "")
        target = self._targets.get(typed)
        if target is None and event.is_printable and any(label.startswith(typed) for label in self._targets):
            self._typed = typed
            return
        self.end()
        if target is None or not target.widget.is_attached:
            return
        self._app.screen.set_focus(target.widget)
        if target.row is not None and isinstance(target.widget, RowsView):
            target.widget.move_cursor(target.row)

    def end(self) -> None:
        """No more keys are its."""
        self._targets = {}
        for label in self._labels:
            label.remove()
        self._labels = []


def labels_for(count: int) -> list[str]:
    """So many labels, none of which begins another: a letter each, or two where the letters are too few."""
    if count <= len(LETTERS):
        return list(LETTERS[:count])
    firsts = -(-count // len(LETTERS))
    return [first + second for first in LETTERS[:firsts] for second in LETTERS][:count]


def targets_of(widgets: list[Widget]) -> list[Target]:
    """What can be gone to: rows where a widget has some, else the widget."""
    found: list[Target] = []
    for widget in widgets:
        region = widget.region
        if not widget.display or not region.width or not region.height:
            continue
        if isinstance(widget, RowsView) and widget.show_cursor() and widget.row_count():
            last = min(widget.top + widget.page_rows, widget.row_count())
            found += [Target(widget, row, region.x, region.y + row - widget.top) for row in range(widget.top, last)]
        else:
            found.append(Target(widget, None, region.x, region.y))
    return found
