"""The panes of a run: which are shown, how they stand to each other, and which one actions are about."""

from textual.screen import Screen

from stigmer_tui.terminal.output_log import OutputLog
from stigmer_tui.transcript.reading import Transcript
from stigmer_tui.transcript.run_state import RunState
from stigmer_tui.widgets.log_view import Ask, LogView
from stigmer_tui.widgets.output_view import OutputView
from stigmer_tui.widgets.transcript_view import TranscriptView

SHELL = "shell"
"""The agent whose run is what it prints."""
SIDE_BY_SIDE = 140
"""Columns from which both panes have room."""


class Panes:
    """The transcript and the output of a screen."""

    def __init__(self, screen: Screen[None], log: OutputLog, transcript: Transcript, ask: Ask) -> None:
        """`ask` does what a pane cannot do itself."""
        self._screen = screen
        self._log = log
        self._chosen = False
        self.output = OutputView(log, ask, id="output")
        self.transcript = TranscriptView(transcript, ask, id="transcript")

    @property
    def current(self) -> LogView:
        """The pane that has the focus, or that is shown."""
        focused = self._screen.focused
        if isinstance(focused, LogView):
            return focused
        return self.transcript if self._screen.has_class("-transcript") else self.output

    def grown(self) -> None:
        """More came in."""
        self.output.grown()
        self.transcript.grown()

    def choose(self, state: RunState) -> None:
        """A run that a model drives is its transcript, and so is one that printed nothing; nobody's choice is changed."""
        silent = not state.live and not len(self._log)
        if not self._chosen and state.agent and (state.agent != SHELL or silent):
            self._screen.set_class(True, "-transcript")
        self._screen.set_class(state.agent not in ("", SHELL) and not len(self._log), "-no-output")

    def change(self, view: LogView) -> None:
        """From this pane to the other one."""
        self._chosen = True
        other = self.transcript if view is self.output else self.output
        self._screen.set_class(other is self.transcript, "-transcript")
        self._screen.set_focus(other)
