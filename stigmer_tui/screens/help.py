"""The help: what every key does, what has the focus first."""

from typing import ClassVar

from rich.segment import Segment
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen

from stigmer_tui.actions.keys import bindings_of, key_name
from stigmer_tui.actions.registry import Scope, actions_of
from stigmer_tui.terminal.chord import EXPLANATION
from stigmer_tui.text.width import fit, wrap
from stigmer_tui.widgets.line import Line
from stigmer_tui.widgets.rows_view import RowsView

_KEYS, _TITLE = 22, 16
Row = tuple[tuple[str, str], ...]
"""Pieces with the names of their styles."""


class HelpText(RowsView):
    """All actions by where they work, as rows."""

    BINDINGS = bindings_of(Scope.HELP)
    COMPONENT_CLASSES: ClassVar[set[str]] = {"help--heading", "help--keys", "help--title", "help--text"}

    def __init__(self, scopes: list[Scope]) -> None:
        super().__init__(id="help-text")
        self._scopes = scopes
        self._rows: list[Row] = []
        self._width = 0

    def row_count(self) -> int:
        """Rows of the text."""
        return len(self._rows)

    def show_cursor(self) -> bool:
        """It is only read."""
        return False

    def action_move(self, count: int) -> None:
        """Scroll."""
        self.scroll_rows(count)

    def action_page(self, pages: int) -> None:
        """Scroll by screens."""
        self.scroll_rows(pages * max(1, self.page_rows - 1))

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

    def _lay_out(self, width: int) -> list[Row]:
        rows: list[Row] = []
        for scope in self._scopes:
            rows += [((scope.value, "heading"),)]
            for action in actions_of(scope):
                keys = ", ".join(key_name(key) for key in action.keys)
                rows += _described(keys, action.title, action.help, width)
            rows.append(())
        rows.append((("Attached to a terminal", "heading"),))
        rows += _described("ctrl+] …", "Leave", f"{EXPLANATION}; every other key goes to the program.", width)
        return rows

    def action_close(self) -> None:
        """Close the help."""
        self.screen.dismiss()


def _described(keys: str, title: str, text: str, width: int) -> list[Row]:
    """In columns where there is room, else one under the other."""
    if width < _KEYS + _TITLE + 24:
        first: Row = ((fit(f"  {keys}", _KEYS), "keys"), (fit(title, max(0, width - _KEYS)), "title"))
        return [first, *(((f"    {line}", "text"),) for line in wrap(text, width - 4))]
    lines = wrap(text, width - _KEYS - _TITLE - 2)
    head: Row = ((fit(f"  {keys}", _KEYS), "keys"), (fit(title, _TITLE), "title"), (lines[0], "text"))
    return [head, *(((" " * (_KEYS + _TITLE) + line, "text"),) for line in lines[1:])]


class HelpScreen(ModalScreen[None]):
    """Over whatever is shown."""

    CSS_PATH = "help.tcss"
    AUTO_FOCUS = "#help-text"

    def __init__(self, scopes: list[Scope]) -> None:
        """`scopes`: those of the screen beneath, what has the focus first."""
        super().__init__()
        self._help = HelpText(scopes)
        self._head = Line(classes="head")

    def compose(self) -> ComposeResult:
        """A heading and the text."""
        with Vertical(id="help"):
            yield self._head
            yield self._help

    def on_mount(self) -> None:
        """Say how to leave."""
        self._head.say([("Keys", "title")], [("esc closes", "muted")])
