"""The line for a filter or a search: there while one writes into it."""

from collections.abc import Callable

from textual import events
from textual.widgets import Input

from stigmer_tui.actions.keys import bindings_of
from stigmer_tui.actions.own_keys import run_own_action
from stigmer_tui.actions.registry import Scope


class PromptLine(Input):
    """One line to write into; enter takes it, escape leaves as it was."""

    BINDINGS = bindings_of(Scope.PROMPT)

    def __init__(self, placeholder: str, left: Callable[[bool], None], *, id: str | None = None) -> None:
        """`left` is told when the person is done with it: whether what is written is to be taken."""
        super().__init__(placeholder=placeholder, id=id, compact=True, select_on_focus=False)
        self.cursor_blink = False
        self.display = False
        self._left = left

    async def on_key(self, event: events.Key) -> None:
        """Keys of our actions are not text; each is done before the next key."""
        await run_own_action(self, event)

    def action_accept(self) -> None:
        """Take what is written."""
        self._left(True)

    def action_abandon(self) -> None:
        """Leave as it was."""
        self._left(False)

    def on_paste(self, event: events.Paste) -> None:
        """A filter has one line: line breaks become spaces."""
        event.prevent_default()
        self.insert_text_at_cursor(" ".join(event.text.split("\n")))
