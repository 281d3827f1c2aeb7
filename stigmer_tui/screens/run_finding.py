"""Finding a text in a run: the line into which one writes it, and the pane that is searched."""

from textual.screen import Screen

from stigmer_tui.terminal.search import Needle
from stigmer_tui.widgets.log_view import LogView
from stigmer_tui.widgets.prompt_line import PromptLine


class Finding:
    """Between the line and the pane."""

    def __init__(self, screen: Screen[None], view: LogView) -> None:
        """`view`: the pane that is searched first."""
        self._screen = screen
        self._view = view
        self.line = PromptLine("search the whole run for a text", self._left, id="search")

    def ask(self, view: LogView) -> None:
        """Have a text written for this pane."""
        self._view = view
        self.line.value = view.needle.text if view.needle else ""
        self.line.display = True
        self._screen.set_focus(self.line)
        self.line.select_all()

    def written(self, text: str) -> None:
        """Search while one writes."""
        if self.line.display:
            self._view.search(Needle.of(text) if text else None)

    def _left(self, accepted: bool) -> None:
        """Go to the pane; escape takes the search away."""
        view, text = self._view, self.line.value
        self.line.display = False
        self._screen.set_focus(view)
        if not accepted or not text:
            view.search(None)
            return
        if view.needle is None or view.needle.text != text:
            view.search(Needle.of(text))
        view.go_to_match(-1 if view.following else 1)
