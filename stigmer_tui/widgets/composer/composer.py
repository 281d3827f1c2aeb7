"""Where one writes a command line, or several lines."""

from collections.abc import Callable

from textual import events
from textual.widgets import TextArea

from stigmer_tui.actions.keys import bindings_of
from stigmer_tui.actions.own_keys import run_own_action
from stigmer_tui.actions.registry import Scope
from stigmer_tui.widgets.composer.completing import Completing, Sources
from stigmer_tui.widgets.composer.folding import Folds
from stigmer_tui.widgets.composer.history import History, Recall
from stigmer_tui.widgets.composer.offers import OfferList


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
        sources: Sources | None = None,
        id: str | None = None,
    ) -> None:
        """`submit` does what was written, `ask` what the composer cannot do itself, by the name of the action's handler; before the next key is
        looked at, so that keys typed fast go where they are meant to. `sources`: what can be completed."""
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
        self._folds = Folds()
        self.offers = OfferList(self.action_complete)
        """What can be completed, for whoever puts the composer on a screen."""
        self._completing = Completing(self, self.offers, sources or Sources(), history)
        self._submit = submit
        self._ask = ask

    async def on_key(self, event: events.Key) -> None:
        """Keys of our actions are not text; each is done before the next key."""
        await run_own_action(self, event)

    def write(self, text: str) -> None:
        """Put a text in place of what is there, the cursor at its end; a long one is folded."""
        self._folds.clear()
        self.text = self._folds.fold(text)
        self.move_cursor(self.document.end)

    @property
    def whole_text(self) -> str:
        """What is written, with what stands folded."""
        return self._folds.unfold(self.text)

    def on_text_area_changed(self) -> None:
        """Something is written: offer what fits."""
        self._completing.look()

    def on_text_area_selection_changed(self) -> None:
        """The cursor moved."""
        if not self._completing.searching:
            self._completing.look()

    def on_blur(self) -> None:
        """Somebody goes elsewhere."""
        if self._completing.open or self._completing.searching:
            self._completing.close()

    def on_paste(self, event: events.Paste) -> None:
        """A long text is folded; it is sent whole."""
        folded = self._folds.fold(event.text)
        if folded != event.text:
            event.prevent_default()
            event.stop()
            self.insert(folded)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A colon begins a command where nothing is written, and is a colon elsewhere."""
        if action == "command":
            return not self.text and not self._completing.searching
        return super().check_action(action, parameters)

    async def action_command(self) -> None:
        """Write a command."""
        await self.run_action("app.command_line")

    def action_submit(self) -> None:
        """Send what is written, or go on in another row after a backslash."""
        if self._completing.open:
            self._completing.accept()
            return
        text = self.whole_text
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
        """Take away what is offered; else go to the list or the output."""
        if self._completing.open or self._completing.searching:
            self._completing.close()
        else:
            self._ask("leave_composer")

    def action_complete(self) -> None:
        """Take what is offered; where nothing is, go to what has the focus next."""
        if self._completing.open:
            self._completing.accept()
        else:
            self.screen.focus_next()

    def action_search_history(self) -> None:
        """Find a line that was written before."""
        self._completing.search()

    def action_editor(self) -> None:
        """Write in the person's own editor."""
        self._ask("editor")

    def action_take_back(self) -> None:
        """Write on at the message that was queued last."""
        self._ask("take_back")

    def action_queue(self) -> None:
        """Go to what waits."""
        self._ask("queue")

    def action_workspace(self) -> None:
        """Choose a directory."""
        self._ask("workspace")

    def action_agent(self) -> None:
        """Choose an agent."""
        self._ask("agent")

    def action_older(self) -> None:
        """The line before, from the first row; else a row up; where something is offered, the offer above."""
        if self._completing.open:
            self._completing.move(-1)
            return
        if not self.navigator.is_first_wrapped_line(self.cursor_location):
            self.action_cursor_up()
            return
        recalled = self._recall.older(self.whole_text)
        if recalled is not None:
            self.write(recalled)

    def action_newer(self) -> None:
        """The next line, from the last row; else a row down; where something is offered, the offer below."""
        if self._completing.open:
            self._completing.move(1)
            return
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
