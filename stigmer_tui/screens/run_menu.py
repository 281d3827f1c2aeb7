"""The menu of a block: what can be done with it, one letter each."""

from collections.abc import Callable
from typing import ClassVar

from rich.segment import Segment
from textual.app import ComposeResult
from textual.containers import Vertical

from stigmer_tui.actions.action import Action
from stigmer_tui.actions.keys import bindings_of, key_name
from stigmer_tui.actions.registry import Scope, actions_of
from stigmer_tui.screens.dialog import Dialog
from stigmer_tui.text.width import fit
from stigmer_tui.widgets.line import Line
from stigmer_tui.widgets.rows_view import RowsView


class MenuList(RowsView):
    """The items, one of them selected."""

    BINDINGS = bindings_of(Scope.MENU)
    COMPONENT_CLASSES: ClassVar[set[str]] = {"menu--key"}

    def __init__(self, items: list[Action], done: Callable[[str], None]) -> None:
        super().__init__()
        self._items = items
        self._done = done
        self.styles.height = len(items)

    def row_count(self) -> int:
        """Items."""
        return len(self._items)

    def draw_row(self, row: int, width: int) -> list[Segment]:
        """Its letter, its name."""
        item = self._items[row]
        key = self.get_component_rich_style("menu--key", partial=True)
        return [Segment(f" {key_name(item.keys[0])}  ", key), Segment(fit(item.title, max(0, width - 4)))]

    def action_pick(self, what: str) -> None:
        """Do this, if it is offered."""
        if any(item.handler == f"pick('{what}')" for item in self._items):
            self._done(what)

    def action_choose(self) -> None:
        """Do what is selected."""
        self._done(self._items[self.cursor].handler.partition("'")[2].partition("'")[0])

    def action_close(self) -> None:
        """Do nothing."""
        self._done("")

    def on_click(self) -> None:
        """A click does what it is on."""
        self.action_choose()


class BlockMenu(Dialog[str]):
    """Ends with the name of what is to be done, empty for nothing."""

    def __init__(self, title: str, offered: Callable[[str], bool]) -> None:
        """`title`: safe to draw. `offered`: whether an action, by id, can be done with the block."""
        super().__init__()
        self._heading = title
        items = [action for action in actions_of(Scope.MENU) if "pick(" in action.handler and offered(action.id)]
        self.list = MenuList(items, self._done)

    def compose(self) -> ComposeResult:
        """What it is about, and the items."""
        heading = Line()
        heading.say([(self._heading, "muted")])
        with Vertical(id="menu"):
            yield heading
            yield self.list

    def _done(self, what: str) -> None:
        self.dismiss(what)
