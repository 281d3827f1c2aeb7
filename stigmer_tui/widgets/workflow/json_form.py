"""A small form: perhaps a name, and JSON that is checked while one writes."""

import json
from collections.abc import Callable, Sequence
from enum import Enum

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.suggester import SuggestFromList
from textual.widgets import Input, TextArea

from stigmer_tui.actions.keys import bindings_of
from stigmer_tui.actions.own_keys import run_own_action
from stigmer_tui.actions.registry import Scope
from stigmer_tui.widgets.line import Line
from stigmer_tui.workflow.values import Json

LARGEST = 1 << 20
"""Characters of JSON that one can write here; a file goes by the command line."""


class Written(Enum):
    """How far a text is JSON."""

    EMPTY = "empty"
    WHOLE = "whole"
    BEGUN = "begun"
    """It can still become JSON by what is written behind it."""
    WRONG = "wrong"


def look_at(text: str) -> tuple[Written, Json, str]:
    """How far a text is JSON, what it says, and what is wrong in it. Pure."""
    if not text.strip():
        return Written.EMPTY, None, ""
    if len(text) > LARGEST:
        return Written.WRONG, None, "this is more than 1 MiB: give it as a file, stigmer run NAME --input FILE"
    try:
        value: Json = json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        if error.pos >= len(text.rstrip()):
            return Written.BEGUN, None, "it is not whole yet: enter goes on in the next line"
        bare = error.pos == 0 and error.msg.startswith("Expecting value")
        remedy = f": text stands in quotes, {json.dumps(text.strip()[:40])}" if bare else ""
        return Written.WRONG, None, f"no JSON at line {error.lineno}, column {error.colno}: {error.msg}{remedy}"
    except (ValueError, RecursionError) as error:
        said = "it is too deep" if isinstance(error, RecursionError) else str(error)
        return Written.WRONG, None, f"no JSON: {said}"
    return Written.WHOLE, value, ""


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is no number of JSON")


class JsonText(TextArea):
    """Where one writes JSON: enter takes it once it is whole, and is a line break before."""

    BINDINGS = bindings_of(Scope.FORM)

    def __init__(self, ask: Callable[[str], None]) -> None:
        super().__init__(id="form-json", compact=True, tab_behavior="focus", soft_wrap=True)
        self.cursor_blink = False
        self._ask = ask

    async def on_key(self, event: events.Key) -> None:
        """Keys of our actions are not text."""
        await run_own_action(self, event)

    def action_do(self, what: str) -> None:
        """Have the form do something."""
        self._ask(what)


class FormName(Input):
    """Where one writes a name, completed from what is waited for."""

    BINDINGS = bindings_of(Scope.FORM)

    def __init__(self, ask: Callable[[str], None]) -> None:
        super().__init__(id="form-name", compact=True, select_on_focus=False)
        self.cursor_blink = False
        self._ask = ask

    async def on_key(self, event: events.Key) -> None:
        """Keys of our actions are not text."""
        await run_own_action(self, event)

    def action_do(self, what: str) -> None:
        """Have the form do something."""
        self._ask(what)


class JsonForm(Vertical):
    """There while one writes into it."""

    def __init__(self, left: Callable[[str, Json, bool], None], *, named: bool, id: str) -> None:
        """`left` is told the name, the value, and whether they are to be taken. `named`: there is a name to write."""
        super().__init__(id=id)
        self.display = False
        self._left = left
        self._named = named
        self._empty = ""
        self.head = Line(classes="form-head")
        self.name_line = FormName(self._ask)
        self.text = JsonText(self._ask)
        self.told = Line(classes="form-told")

    def compose(self) -> ComposeResult:
        """Head, name, JSON, what is wrong."""
        yield self.head
        if self._named:
            yield self.name_line
        yield self.text
        yield self.told

    def open(self, title: str, names: Sequence[str] = (), *, text: str = "", empty: str = "") -> None:
        """Have it written. `title` is safe to draw. `names` are completed, the first of them stands there. `empty`: what is said while nothing is written."""
        self.head.say([(title, "title")], [("enter sends   esc leaves", "muted")])
        self._empty = empty
        self.text.text = text
        self.display = True
        if self._named:
            self.name_line.suggester = SuggestFromList(names, case_sensitive=True)
            self.name_line.value = names[0] if names else ""
            self.name_line.placeholder = "name of the signal"
        self.screen.set_focus(self.text if names or not self._named else self.name_line)
        self._say()

    @on(TextArea.Changed)
    def changed(self) -> None:
        """Check it."""
        self._say()

    def _say(self) -> None:
        written, _, said = look_at(self.text.text)
        match written:
            case Written.EMPTY:
                self.told.say([(self._empty, "muted")])
            case Written.WHOLE:
                self.told.say([("✓ JSON", "good")])
            case Written.BEGUN:
                self.told.say([(said, "muted")])
            case Written.WRONG:
                self.told.say([(said, "error")])

    def _ask(self, what: str) -> None:
        match what:
            case "accept":
                self._accept()
            case "break":
                self.text.insert("\n")
            case "next" if self._named:
                self.screen.set_focus(self.text if self.screen.focused is self.name_line else self.name_line)
            case "abandon":
                self._close()
                self._left("", None, False)
            case _:
                return

    def _accept(self) -> None:
        name = self.name_line.value.strip()
        if self._named and self.screen.focused is self.name_line:
            if name:
                self.screen.set_focus(self.text)
            return
        if self._named and not name:
            self.screen.set_focus(self.name_line)
            return
        written, value, _ = look_at(self.text.text)
        match written:
            case Written.BEGUN:
                self.text.insert("\n")
            case Written.WRONG:
                self._say()
            case Written.EMPTY | Written.WHOLE:
                self._close()
                self._left(name, value, True)

    def _close(self) -> None:
        self.display = False
