"""The line into which one writes a `:` command."""

from collections.abc import Callable

from textual import events
from textual.widgets import Input

from stigmer_tui.actions.keys import bindings_of
from stigmer_tui.actions.own_keys import run_own_action
from stigmer_tui.actions.registry import Scope


class CommandInput(Input):
    """One line; what its keys do is told by the name of the action's handler."""

    BINDINGS = bindings_of(Scope.COMMAND)

    def __init__(self, ask: Callable[[str], None]) -> None:
        """`ask` is told `accept`, `abandon`, `complete`, `above` or `below`, before the next key is looked at."""
        super().__init__(
            placeholder="runs failed · agents · agent NAME · theme NAME · help", id="command-line", compact=True
        )
        self.cursor_blink = False
        self._ask = ask

    async def on_key(self, event: events.Key) -> None:
        """Keys of our actions are not text; each is done before the next key."""
        await run_own_action(self, event)

    def write(self, text: str) -> None:
        """Put a line in place of what is there, the cursor at its end."""
        self.value = text
        self.cursor_position = len(text)

    def action_accept(self) -> None:
        """Do what is written."""
        self._ask("accept")

    def action_abandon(self) -> None:
        """Leave."""
        self._ask("abandon")

    def action_complete(self) -> None:
        """Take the completion that is marked."""
        self._ask("complete")

    def action_mark(self, step: int) -> None:
        """Mark another completion, or go through the history."""
        self._ask("above" if step < 0 else "below")

    def on_paste(self, event: events.Paste) -> None:
        """A command has one line: line breaks become spaces, and nothing is done by pasting."""
        event.prevent_default()
        self.insert_text_at_cursor(" ".join(event.text.split()))
