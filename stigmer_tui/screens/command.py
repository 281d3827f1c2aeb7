"""The line for `:` commands, over whatever is shown."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from stigmer_tui.actions.commands import Command, complete, needs, understand
from stigmer_tui.actions.places import CommandRefused, Completes
from stigmer_tui.screens.dialog import Dialog
from stigmer_tui.widgets.command.completions import Completions
from stigmer_tui.widgets.command.line import CommandInput
from stigmer_tui.widgets.composer.history import History
from stigmer_tui.widgets.line import Line

Ask = Callable[[Completes], Awaitable[Sequence[tuple[str, str]]]]
"""What is known by name, with a few words about each."""


class CommandScreen(Dialog[Command | None]):
    """At the bottom. Dismissed with the command, or None where it is left."""

    CSS_PATH = "command.tcss"
    AUTO_FOCUS = "#command-line"

    def __init__(self, history: History, ask: Ask, written: str = "") -> None:
        super().__init__()
        self._history = history
        self._ask = ask
        self._known: dict[Completes, Sequence[tuple[str, str]]] = {}
        self._past: int | None = None
        """How far back in the history; None while one writes."""
        self._completions = Completions(self._complete)
        self._wrong = Line(id="command-wrong")
        self._line = CommandInput(self._asked)
        self._written = written

    def compose(self) -> ComposeResult:
        """Completions, what is wrong, the line."""
        with Vertical(id="command"):
            yield self._completions
            yield self._wrong
            with Horizontal(id="command-row"):
                yield Line(id="command-mark")
                yield self._line

    def on_mount(self) -> None:
        """Offer the places."""
        self.query_one("#command-mark", Line).say([(":", "accent")])
        self._line.write(self._written)
        self._offer()

    @on(Input.Changed, "#command-line")
    def changed(self) -> None:
        """Something else is written."""
        self._offer()

    def _offer(self) -> None:
        self._wrong.display = False
        wanted = needs(self._line.value)
        if wanted not in (Completes.NOTHING, *self._known):
            self._known[wanted] = ()
            self.run_worker(partial(self._learn, wanted))
        self._completions.offer(complete(self._line.value, self._known))

    async def _learn(self, wanted: Completes) -> None:
        self._known[wanted] = await self._ask(wanted)
        self._completions.offer(complete(self._line.value, self._known))

    def _asked(self, what: str) -> None:
        match what:
            case "accept":
                self._accept()
            case "complete":
                self._complete()
            case "above":
                self._above()
            case "below":
                self._below()
            case _:
                self.dismiss(None)

    def _accept(self) -> None:
        if not self._line.value.strip():
            self.dismiss(None)
            return
        try:
            command = understand(self._line.value)
        except CommandRefused as refused:
            self._completions.offer(())
            self._wrong.display = True
            self._wrong.say([(str(refused), "error")])
            return
        self._history.add(self._line.value.strip())
        self.dismiss(command)

    def _complete(self) -> None:
        marked = self._completions.marked
        if marked is not None:
            self._past = None
            self._line.write(marked.line)

    def _above(self) -> None:
        if self._past is None and self._line.value:
            self._completions.mark(-1)
            return
        lines = self._history.lines
        past = 1 if self._past is None else self._past + 1
        if past <= len(lines):
            self._past = past
            self._line.write(lines[-past])

    def _below(self) -> None:
        if self._past is None:
            self._completions.mark(1)
            return
        self._past -= 1
        self._line.write(self._history.lines[-self._past] if self._past else "")
        self._past = self._past or None
