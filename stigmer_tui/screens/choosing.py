"""Choosing one thing of a few, or several in an order of one's own: over whatever is shown."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical

from stigmer_tui.actions.keys import bindings_of
from stigmer_tui.actions.registry import Scope
from stigmer_tui.screens.dialog import Dialog
from stigmer_tui.text.width import fit
from stigmer_tui.widgets.line import Line
from stigmer_tui.widgets.rows_view import RowsView

_TITLE = 18


@dataclass(frozen=True, slots=True)
class Choice:
    """Something that can be chosen. Its texts are safe to draw."""

    key: str
    title: str
    help: str = ""
    on: bool = False
    """Whether it is chosen now."""
    own: bool = False
    """Whether it can be forgotten."""


class Verb(Enum):
    """What is done with what was chosen."""

    TAKE = "take"
    FORGET = "forget"


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a person chose."""

    verb: Verb
    keys: tuple[str, ...]
    """One, or all that are on, in their order."""


class ChoiceList(RowsView):
    """The things to choose from, as rows."""

    BINDINGS = bindings_of(Scope.CHOICE)
    COMPONENT_CLASSES: ClassVar[set[str]] = {"choice--on", "choice--title", "choice--help"}

    def __init__(self, choices: Sequence[Choice], *, several: bool) -> None:
        super().__init__(id="choices")
        self.choices = list(choices)
        self._several = several
        self.cursor = next((place for place, each in enumerate(self.choices) if each.on), 0) if not several else 0

    def row_count(self) -> int:
        """One row each."""
        return len(self.choices)

    def draw_row(self, row: int, width: int) -> list[Segment]:
        """Whether it is on, its name, and what it means."""
        each = self.choices[row]
        mark = ("[x] " if each.on else "[ ] ") if self._several else ("● " if each.on else "  ")
        pieces = ((mark, "on"), (fit(each.title, _TITLE), "title"), (f"  {each.help}", "help"))
        return [Segment(text, self.get_component_rich_style(f"choice--{name}", partial=True)) for text, name in pieces]

    def on_click(self, event: events.Click) -> None:
        """A click chooses."""
        if event.x < self.size.width - 1 and self.top + event.y < self.row_count():
            if self._several:
                self.action_switch()
            else:
                self.action_take()

    def action_switch(self) -> None:
        """Choose one of several, or choose it no more."""
        if self._several:
            each = self.choices[self.cursor]
            self.choices[self.cursor] = replace(each, on=not each.on)
            self.refresh()
        else:
            self.action_take()

    def action_shift(self, step: int) -> None:
        """Change places with the neighbour."""
        other = self.cursor + step
        if self._several and 0 <= other < len(self.choices):
            here = self.cursor
            self.choices[here], self.choices[other] = self.choices[other], self.choices[here]
            self.move_cursor(other)

    def action_take(self) -> None:
        """Take what is chosen."""
        keys = (
            tuple(each.key for each in self.choices if each.on) if self._several else (self.choices[self.cursor].key,)
        )
        self.screen.dismiss(Chosen(Verb.TAKE, keys))

    def action_forget(self) -> None:
        """Forget what can be forgotten."""
        each = self.choices[self.cursor]
        if each.own:
            self.screen.dismiss(Chosen(Verb.FORGET, (each.key,)))

    def action_close(self) -> None:
        """Leave it as it was."""
        self.screen.dismiss(None)


class ChoiceScreen(Dialog[Chosen | None]):
    """A heading and a few rows."""

    CSS_PATH = "choosing.tcss"
    AUTO_FOCUS = "#choices"

    def __init__(self, title: str, choices: Sequence[Choice], *, several: bool = False) -> None:
        """`title` is safe to draw."""
        super().__init__()
        self._title = title
        self._several = several
        self.list = ChoiceList(choices, several=several)
        self._head = Line(classes="head")
        self._keys = Line(classes="keys")

    def compose(self) -> ComposeResult:
        """A heading, the rows, the keys."""
        with Vertical(id="choosing"):
            yield self._head
            yield self.list
            yield self._keys

    def on_mount(self) -> None:
        """Say how to choose."""
        self.list.styles.height = min(len(self.list.choices), max(1, self.screen.size.height - 4))
        self._head.say([(self._title, "title")])
        offers = [("enter", "takes it")]
        if self._several:
            offers = [("space", "on or off"), ("J K", "order"), ("enter", "takes them")]
        if any(each.own for each in self.list.choices):
            offers.append(("d", "forgets"))
        offers.append(("esc", "leaves"))
        self._keys.say([part for key, words in offers for part in ((key, "accent"), (f" {words}   ", "muted"))])
