"""The help: what every key does, what has the focus first."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.segment import Segment
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.dom import DOMNode

from stigmer_tui.actions.keys import bindings_of, key_name
from stigmer_tui.actions.registry import Action, Scope
from stigmer_tui.screens.dialog import Dialog
from stigmer_tui.terminal.chord import EXPLANATION
from stigmer_tui.text.width import fit, wrap
from stigmer_tui.widgets.line import Line
from stigmer_tui.widgets.rows_view import RowsView

_KEYS, _TITLE = 22, 16
Row = tuple[tuple[str, str], ...]
"""Pieces with the names of their styles."""
Offered = tuple[Action, DOMNode, bool]
"""An action, who carries it out, and whether it belongs to a place on the screen."""


class HelpText(RowsView):
    """All actions by where they work, as rows; the cursor goes from action to action."""

    BINDINGS = bindings_of(Scope.HELP)
    COMPONENT_CLASSES: ClassVar[set[str]] = {"help--heading", "help--keys", "help--title", "help--text"}

    def __init__(self, offered: Sequence[Offered], keys: Callable[[Action], Sequence[str]]) -> None:
        """`keys`: those that an action has now."""
        super().__init__(id="help-text")
        self._offered = offered
        self._keys = keys
        self._rows: list[Row] = []
        self._actions: dict[int, Action] = {}
        """By their first row."""
        self._width = 0

    @property
    def chosen(self) -> Action | None:
        """The action under the cursor."""
        starts = [row for row in self._actions if row <= self.cursor]
        return self._actions[max(starts)] if starts else None

    def row_count(self) -> int:
        """Rows of the text."""
        return len(self._rows)

    def action_move(self, count: int) -> None:
        """Go to the next action, or the one before."""
        rows = sorted(self._actions)
        after = [row for row in rows if (row > self.cursor if count > 0 else row < self.cursor)]
        if after:
            self.move_cursor(after[0] if count > 0 else after[-1])
        elif count > 0:
            self.scroll_rows(self.row_count())
        else:
            self.scroll_rows(-self.row_count())

    def action_run(self) -> None:
        """Do what the line says."""
        self.screen.dismiss(self.chosen)

    def draw_row(self, row: int, width: int) -> list[Segment]:
        """A heading, or a key and what it does."""
        if width != self._width:
            self._width = width
            self._rows = self._lay_out(width)
        if row >= len(self._rows):
            return []
        return [
            Segment(text, self.get_component_rich_style(f"help--{name}", partial=True))
            for text, name in self._rows[row]
        ]

    def on_mount(self) -> None:
        """Rows for a first width; the real one comes with the first drawing."""
        self._rows = self._lay_out(60)
        self.cursor = min(self._actions, default=0)

    def _lay_out(self, width: int) -> list[Row]:
        rows: list[Row] = []
        self._actions = {}
        scope: Scope | None = None
        for action, _, _ in self._offered:
            if action.scope is not scope:
                rows += [*([()] if rows else []), ((action.scope.value, "heading"),)]
                scope = action.scope
            self._actions[len(rows)] = action
            keys = ", ".join(key_name(key) for key in self._keys(action))
            rows += _described(keys, action.title, action.help, width)
        rows += [(), (("Attached to a terminal", "heading"),)]
        rows += _described("ctrl+] …", "Leave", f"{EXPLANATION}; every other key goes to the program.", width)
        return rows

    def action_close(self) -> None:
        """Close the help."""
        self.screen.dismiss(None)


def _described(keys: str, title: str, text: str, width: int) -> list[Row]:
    """In columns where there is room, else one under the other."""
    if width < _KEYS + _TITLE + 24:
        first: Row = ((fit(f"  {keys}", _KEYS), "keys"), (fit(title, max(0, width - _KEYS)), "title"))
        return [first, *(((f"    {line}", "text"),) for line in wrap(text, width - 4))]
    lines = wrap(text, width - _KEYS - _TITLE - 2)
    head: Row = ((fit(f"  {keys}", _KEYS), "keys"), (fit(title, _TITLE), "title"), (lines[0], "text"))
    return [head, *(((" " * (_KEYS + _TITLE) + line, "text"),) for line in lines[1:])]


class HelpScreen(Dialog[Action | None]):
    """Over whatever is shown. Dismissed with the action that is to be done, or None."""

    CSS_PATH = "help.tcss"
    AUTO_FOCUS = "#help-text"

    def __init__(self, offered: Sequence[Offered], keys: Callable[[Action], Sequence[str]]) -> None:
        """`offered`: the actions of the screen beneath, what has the focus first. `keys`: those that an action has now."""
        super().__init__()
        self._help = HelpText(offered, keys)
        self._head = Line(classes="head")

    def compose(self) -> ComposeResult:
        """A heading and the text."""
        with Vertical(id="help"):
            yield self._head
            yield self._help

    def on_mount(self) -> None:
        """Say how to leave."""
        self._head.say([("Keys", "title")], [("enter does it   esc closes", "muted")])
