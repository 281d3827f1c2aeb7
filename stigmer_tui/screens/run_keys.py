"""What the panes of a run ask for: keys that are about more than their own rows."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from stigmer_tui.screens.run_layout import WORDS
from stigmer_tui.screens.taking import row_of_call
from stigmer_tui.widgets.log_view import LogView

if TYPE_CHECKING:
    from stigmer_tui.screens.run import RunScreen

_NO_MORE = {
    "no_error": "Nothing went wrong further on.",
    "no_message": "No message further on.",
    "no_approval": "Nothing was decided further on, and nothing waits.",
    "no_call": "No command further on.",
    "nothing_folded": "Nothing is folded here.",
    "as_written": "What the agent writes is shown as it came. r reads it as Markdown again.",
    "as_markdown": "What the agent writes is read as Markdown again.",
}


class PaneKeys:
    """Between the panes and the screen."""

    def __init__(self, screen: "RunScreen") -> None:
        self._screen = screen
        self._does: dict[str, Callable[[LogView], None]] = {
            "compose": self._compose,
            "decide_or_jump": self._decide_or_jump,
            "leave": self._leave,
            "other_pane": self._other_pane,
            "zoom": self._zoom,
            "arrange": self._arrange,
            "search": screen.finding.ask,
            "cancel": lambda view: screen.action_interrupt(),
            "attach": lambda view: screen.take_keyboard(),
            "copy_line": screen.copying.copy_line,
            "copy_block": screen.copying.copy_block,
            "pager": screen.copying.page,
            "menu": self._menu,
            "export": screen.exporting.ask,
            "earlier": self._earlier,
        }

    def ask(self, view: LogView, what: str) -> None:
        """Do it, or say why not."""
        does = self._does.get(what)
        if does is not None:
            does(view)
        else:
            self._screen.app.say(_NO_MORE.get(what, "Nothing of that kind further on."))

    def _compose(self, view: LogView) -> None:
        if self._screen.panes.zoomed:
            self._screen.panes.zoom(False)
        self._screen.set_focus(self._screen.composer)

    def _decide_or_jump(self, view: LogView) -> None:
        if self._screen.deciding.card.display:
            self._screen.action_decide()
        else:
            view.action_landmark("approval", 1)

    def _leave(self, view: LogView) -> None:
        """One thing after the other: what is selected, what is searched for, the zoom, the run."""
        if view.unselect():
            return
        if view.needle is not None:
            view.search(None)
            self._screen.finding.forget()
        elif self._screen.panes.zoomed:
            self._screen.panes.zoom(False)
        else:
            self._screen.app.pop_screen()

    def _other_pane(self, view: LogView) -> None:
        """From a call of a command to what it printed; else wherever the other pane stands."""
        row = self._row_of_call() if view is self._screen.transcript else None
        self._screen.panes.change(view)
        if row is not None:
            self._screen.output.go_to_row(row)
        self._screen.place_changed()

    def _row_of_call(self) -> int | None:
        """Where the output of the call under the cursor begins: the same command may have run before."""
        transcript, output = self._screen.transcript, self._screen.output
        return None if transcript.following else row_of_call(transcript, output.log_rows)

    def _zoom(self, view: LogView) -> None:
        self._screen.panes.zoom(not self._screen.panes.zoomed)

    def _arrange(self, view: LogView) -> None:
        self._screen.app.say(WORDS[self._screen.panes.arrange()])

    def _earlier(self, view: LogView) -> None:
        if self._screen.earlier.any:
            self._screen.earlier.read()
        else:
            self._screen.app.say("All of it is here, from the beginning.")

    def _menu(self, view: LogView) -> None:
        if view is self._screen.transcript:
            self._screen.blocks.menu()
        else:
            self._screen.copying.copy_line(view)
