"""The panes of a run: which are shown, how they stand to each other, and which one actions are about."""

from textual.screen import Screen

from stigmer_tui.screens.run_layout import Arrangement, Layout
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

    def __init__(self, screen: Screen[None], log: OutputLog, transcript: Transcript, layout: Layout, ask: Ask) -> None:
        """`ask` does what a pane cannot do itself."""
        self._screen = screen
        self._log = log
        self._layout = layout
        self._chosen = False
        self.zoomed = False
        """Whether the pane with the focus has the screen for itself."""
        self.output = OutputView(log, ask, id="output")
        self.transcript = TranscriptView(transcript, ask, id="transcript")
        self._arrange()

    @property
    def current(self) -> LogView:
        """The pane that has the focus, or that is shown."""
        focused = self._screen.focused
        if isinstance(focused, LogView):
            return focused
        return self.transcript if self._screen.has_class("-transcript") else self.output

    @property
    def other(self) -> LogView:
        """The one that is not `current`."""
        return self.transcript if self.current is self.output else self.output

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
        self._screen.set_class(state.agent not in ("", SHELL), "-agent")
        reading = "Reading the run …" if not state.agent and not state.reason else ""
        live = "Nothing yet." if state.live else "Nothing happened in this run."
        self.transcript.say_empty(reading or live)
        printed = "Nothing was printed yet." if state.live else "Nothing was printed."
        self.output.say_empty(reading or printed)

    def change(self, view: LogView) -> None:
        """From this pane to the other one."""
        self._chosen = True
        other = self.transcript if view is self.output else self.output
        self._screen.set_class(other is self.transcript, "-transcript")
        self._screen.set_focus(other)

    def zoom(self, zoomed: bool) -> None:
        """The pane with the focus alone, or everything again."""
        self.zoomed = zoomed
        self._screen.set_class(self.current is self.transcript, "-transcript")
        self._screen.set_class(zoomed, "-zoom")

    def arrange(self) -> Arrangement:
        """The next arrangement, which is remembered."""
        self._layout.choose(self._layout.arrangement.following)
        self._screen.set_class(self.current is self.transcript, "-transcript")
        self._arrange()
        return self._layout.arrangement

    def _arrange(self) -> None:
        for arrangement in Arrangement:
            self._screen.set_class(arrangement is self._layout.arrangement, f"-{arrangement.value}")
