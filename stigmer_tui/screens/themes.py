"""The list of themes: what is behind it shows each as the cursor comes to it."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.segment import Segment
from textual.app import ComposeResult
from textual.containers import Vertical

from stigmer_tui.actions.keys import bindings_of
from stigmer_tui.actions.registry import Scope
from stigmer_tui.screens.dialog import Dialog
from stigmer_tui.text.width import fit
from stigmer_tui.widgets.line import Line
from stigmer_tui.widgets.rows_view import RowsView

_NAME = 18


class ThemeList(RowsView):
    """Names and a few words."""

    BINDINGS = bindings_of(Scope.HELP)
    COMPONENT_CLASSES: ClassVar[set[str]] = {"themes--name", "themes--help"}

    def __init__(
        self, named: Sequence[tuple[str, str]], shown: Callable[[str], None], done: Callable[[bool], None]
    ) -> None:
        super().__init__(id="theme-list")
        self._named = named
        self._shown = shown
        self._done = done

    def row_count(self) -> int:
        """Themes."""
        return len(self._named)

    def move_cursor(self, row: int) -> None:
        """Show the theme under the cursor."""
        super().move_cursor(row)
        self.forget_drawn()
        self._shown(self._named[self.cursor][0])

    def action_run(self) -> None:
        """Take it."""
        self._done(True)

    def action_close(self) -> None:
        """As it was."""
        self._done(False)

    def draw_row(self, row: int, width: int) -> list[Segment]:
        """A theme."""
        name, help = self._named[row]
        return [
            Segment(fit(name, _NAME), self.get_component_rich_style("themes--name", partial=True)),
            Segment(fit(help, max(0, width - _NAME)), self.get_component_rich_style("themes--help", partial=True)),
        ]


class ThemesScreen(Dialog[str | None]):
    """Dismissed with the name of the theme that is taken, or None where it is as before."""

    CSS_PATH = "themes.tcss"
    AUTO_FOCUS = "#theme-list"

    def __init__(self, named: Sequence[tuple[str, str]], chosen: str, show: Callable[[str], bool]) -> None:
        """`show` has the app look like a theme."""
        super().__init__()
        self._named = named
        self._before = self._chosen = chosen
        self._show = show
        self._list = ThemeList(named, self._preview, self._done)
        self._head = Line(classes="head")

    def compose(self) -> ComposeResult:
        """A heading and the list."""
        with Vertical(id="themes"):
            yield self._head
            yield self._list

    def on_mount(self) -> None:
        """The cursor is on the theme that is shown."""
        self._head.say([("Themes", "title")], [("enter takes it   esc leaves", "muted")])
        self._list.styles.height = len(self._named)
        self._list.cursor = next((row for row, (name, _) in enumerate(self._named) if name == self._before), 0)

    def _preview(self, name: str) -> None:
        self._chosen = name
        self._show(name)

    def _done(self, taken: bool) -> None:
        if not taken:
            self._show(self._before)
        self.dismiss(self._chosen if taken else None)
