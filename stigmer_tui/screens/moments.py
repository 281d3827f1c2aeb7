"""A run at any of its moments: what was known then, and its terminal as it stood; played again, or gone through by hand."""

import asyncio
import time
from collections.abc import Callable, Mapping

from textual import getters, on
from textual.app import App, ComposeResult
from textual.containers import Container
from textual.dom import DOMNode

from stigmer_apis.errors import StigmerError
from stigmer_tui.actions.registry import Scope
from stigmer_tui.moments.past import Past
from stigmer_tui.moments.playing import Player
from stigmer_tui.moments.timeline import MarkKind, Moment, Timeline
from stigmer_tui.screens.run_panes import SIDE_BY_SIDE
from stigmer_tui.screens.workstation import Workstation, WorkstationScreen
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.times import exact, span, thousands
from stigmer_tui.widgets.hints import Hints
from stigmer_tui.widgets.line import Line, Part
from stigmer_tui.widgets.log_view import LogView
from stigmer_tui.widgets.notice import Notice
from stigmer_tui.widgets.rows_view import RowsView
from stigmer_tui.widgets.terminal_view import TerminalView
from stigmer_tui.widgets.time_bar import TimeBar
from stigmer_tui.widgets.transcript_view import TranscriptView

FRAME_SECONDS = 0.04
"""Between two moments that are shown while it plays."""
_NO_MARK = {
    "error": "Nothing went wrong",
    "call": "No tool call",
    "approval": "Nothing waited for a decision",
    "message": "No message",
}


class MomentsScreen(WorkstationScreen):
    """Over a run, whose events go on being read meanwhile."""

    CSS_PATH = "moments.tcss"
    AUTO_FOCUS = "#time"
    app = getters.app(Workstation)

    def __init__(self, timeline: Timeline, subject: str) -> None:
        """`subject`: what the run was asked, as somebody wrote it."""
        super().__init__()
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (SIDE_BY_SIDE, "-wide")]
        self._timeline = timeline
        self._subject = safe(Untrusted(subject))
        self._past = self.past_of(timeline)
        self._player = Player(timeline, time.monotonic)
        self._wanted = timeline.last
        self._wanting = asyncio.Event()
        self._shown: Moment | None = None
        self._follows = True
        self._problem = ""
        self._stop_listening: Callable[[], None] | None = None
        self.head = Line(classes="head")
        self.trouble = Notice()
        self.notice = Notice()
        self.transcript = TranscriptView(self._past.transcript, self._ask, id="transcript")
        self.terminal = TerminalView(id="terminal")
        self.bar = TimeBar(timeline, id="time")
        self.status = Line(classes="status")
        self.hints = Hints(classes="hints")

    def compose(self) -> ComposeResult:
        """Head, panes, the bar, what it says."""
        yield self.head
        yield self.trouble
        with Container(id="moment"):
            yield self.scene
            yield self.terminal
        yield self.notice
        yield self.bar
        yield self.status
        yield self.hints

    def past_of(self, timeline: Timeline) -> Past:
        """What goes back in it."""
        return Past(timeline)

    @property
    def scene(self) -> RowsView:
        """Where what was known then is shown."""
        return self.transcript

    def scene_changed(self) -> None:
        """It is another moment."""
        self.transcript.grown()

    def action_targets(self) -> Mapping[Scope, DOMNode]:
        """The bar carries out its actions."""
        return {Scope.TIME: self.bar}

    def on_mount(self) -> None:
        """At the end, where one came from."""
        self.set_class(bool(self._timeline.terminal_ids), "-terminal")
        self._stop_listening = self._timeline.listen(self._grown)
        self.run_worker(self._keep_going)
        self.set_interval(FRAME_SECONDS, self._play)
        self._go(self._timeline.last)

    def on_unmount(self) -> None:
        """The run goes on without this."""
        if self._stop_listening is not None:
            self._stop_listening()

    # Going to moments.

    def _go(self, moment: Moment) -> None:
        """Be at a moment as soon as may be; of several wanted meanwhile, at the last one."""
        self._wanted = moment
        self._follows = moment == self._timeline.last and not self._player.playing
        self._wanting.set()
        self.bar.show(moment)
        self._say()

    def _go_by_hand(self, moment: Moment) -> None:
        self._player.playing = False
        self._go(moment)

    async def _keep_going(self) -> None:
        client = await self.app.client()
        while True:
            await self._wanting.wait()
            self._wanting.clear()
            moment = self._wanted
            try:
                await self._past.go(client, moment)
            except StigmerError as error:
                self._problem = safe(Untrusted(error.message))
            else:
                self._problem, self._shown = "", moment
            self.scene_changed()
            self.terminal.show(self._past.terminal)
            self.terminal.changed()
            self._say()

    def _grown(self) -> None:
        """The run went on; who is at its end stays there."""
        if self._follows:
            self._go(self._timeline.last)
        else:
            self.bar.show(self._wanted)

    def _play(self) -> None:
        if self._player.playing:
            moment = self._player.advance()
            if moment != self._wanted or not self._player.playing:
                self._go(moment)

    # What is asked of it.

    @on(TimeBar.Pointed)
    def pointed(self, message: TimeBar.Pointed) -> None:
        """By the mouse."""
        self._go_by_hand(message.moment)

    @on(TimeBar.Asked)
    def asked(self, message: TimeBar.Asked) -> None:
        """By a key."""
        timeline, here = self._timeline, self._wanted
        match message.what:
            case "play":
                self._toggle()
            case "skip":
                self._player.skip_idle = not self._player.skip_idle
            case "speed":
                self._player.change_speed(message.direction)
            case "first":
                self._go_by_hand(timeline.first)
            case "last":
                self._go_by_hand(timeline.last)
            case "step":
                self._step(message.direction)
            case "event":
                self._go_by_hand((timeline.following(here) if message.direction > 0 else timeline.before(here)) or here)
            case "mark":
                self._jump(MarkKind(message.argument), message.direction)
            case "scroll":
                self.scene.scroll_rows(message.direction)
            case "pane":
                self.toggle_class("-transcript")
            case _ if self.is_current:  # pressed twice, it is left once
                App[int].pop_screen(self.app)  # no page of its own: nothing goes back
            case _:
                return
        self._say()

    def _toggle(self) -> None:
        if self._player.playing:
            self._player.playing = False
        else:
            at_end = self._timeline.following(self._wanted) is None
            start = self._timeline.first if at_end else self._wanted
            self._player.start(start)
            self._go(start)

    def _step(self, direction: int) -> None:
        """A cell of the bar, and to another moment at least."""
        timeline, here = self._timeline, self._wanted
        moment = timeline.at(here.micros + direction * self.bar.step_micros)
        if moment == here:
            moment = (timeline.following(here) if direction > 0 else timeline.before(here)) or here
        self._go_by_hand(moment)

    def _jump(self, kind: MarkKind, direction: int) -> None:
        mark = self._timeline.mark_from(self._wanted, direction, frozenset({kind}))
        if mark is None:
            self.app.say(f"{_NO_MARK[kind.value]} {'after' if direction > 0 else 'before'} this moment.")
        else:
            self._go_by_hand(mark.moment)

    def _ask(self, view: LogView, what: str) -> None:
        """The transcript of a moment is to be looked at; its keys are the bar's."""
        self.set_focus(self.bar)

    # What it says.

    def _say(self) -> None:
        timeline, moment, player = self._timeline, self._wanted, self._player
        self.head.say(
            [(" REPLAY ", "badge"), (f"  {self._subject}", "title")],
            [(exact(moment.micros) if moment.micros else "", "muted")],
        )
        state: list[Part] = [(f"▶ {player.speed}x" if player.playing else f"■ {player.speed}x", "accent")]
        if player.skip_idle:
            state.append(("  idle skipped", "muted"))
        if self._follows:
            state.append(("  at the end", "muted"))
        if not timeline.complete:
            state.append(("  a part could not be kept: the disk is full", "warning"))
        if self._problem:
            state = [(self._problem, "error")]
        passed, whole = moment.micros - timeline.first.micros, timeline.last.micros - timeline.first.micros
        self.status.say(
            state,
            [
                (f"{span(passed)} of {span(whole)}", "text"),
                (f"   event {thousands(moment.seq)} of {thousands(timeline.last.seq)}", "muted"),
            ],
        )
