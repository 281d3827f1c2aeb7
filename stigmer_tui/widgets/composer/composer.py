"""Where one writes a command line, or several lines."""

from collections.abc import Callable

from textual import events
from textual.widgets import TextArea

from stigmer_tui.actions.keys import bindings_of
from stigmer_tui.actions.own_keys import run_own_action
from stigmer_tui.actions.registry import Scope
from stigmer_tui.widgets.composer.history import History, Recall


class Composer(TextArea):
    """Enter sends. A line that ends with a backslash goes on in the next one, as in a shell."""

    BINDINGS = bindings_of(Scope.COMPOSER)

    def __init__(
        self,
        history: History,
        placeholder: str,
        submit: Callable[[str], None],
        ask: Callable[[str], None],
        *,
        id: str | None = None,
    ) -> None:
        """`submit` does what was written, `ask` what the composer cannot do itself, by the name of the action's handler; before the next key is
        looked at, so that keys typed fast go where they are meant to."""
        super().__init__(
            id=id,
            placeholder=placeholder,
            soft_wrap=True,
            show_line_numbers=False,
            highlight_cursor_line=False,
            compact=True,
        )
        self.cursor_blink = False
        self._recall = Recall(history)
        self._submit = submit
        self._ask = ask

    async def on_key(self, event: events.Key) -> None:
        """Keys of our actions are not text; each is done before the next key."""
        await run_own_action(self, event)

    def write(self, text: str) -> None:
        """Put a text in place of what is there, the cursor at its end."""
        self.text = text
        self.move_cursor(self.document.end)

    def action_submit(self) -> None:
        """Send what is written, or go on in another row after a backslash."""
        text = self.text
        if text.endswith("\\") and not text.endswith("\\\\") and self.cursor_location == self.document.end:
            self.action_newline()
        elif text.strip():
            self._recall.reset()
            self.write("")
            self._submit(text)
        else:
            self._ask("submit_nothing")

    def action_newline(self) -> None:
        """Begin another row."""
        self.insert("\n")

    def action_leave(self) -> None:
        """Go to the list or the output."""
        self._ask("leave_composer")

    def action_workspace(self) -> None:
        """Choose a directory."""
        self._ask("workspace")

    def action_agent(self) -> None:
        """Choose an agent."""
        self._ask("agent")

    def action_older(self) -> None:
        """The line before, from the first row; else a row up."""
        if not self.navigator.is_first_wrapped_line(self.cursor_location):
            self.action_cursor_up()
            return
        recalled = self._recall.older(self.text)
        if recalled is not None:
            self.write(recalled)

    def action_newer(self) -> None:
        """The next line, from the last row; else a row down."""
        if not self.navigator.is_last_wrapped_line(self.cursor_location):
            self.action_cursor_down()
            return
        recalled = self._recall.newer()
        if recalled is not None:
            self.write(recalled)

    def action_clear_or_copy(self) -> None:
        """Copy what is selected, else take away what is written, else it is about the run."""
        if self.selected_text:
            self._ask("copy_selection")
        elif self.text:
            self.write("")
            self._recall.reset()
        else:
            self._ask("interrupt")
