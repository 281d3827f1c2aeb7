"""A run: what it printed, what happened in it, and where one writes to it."""

from collections.abc import Mapping
from functools import partial

from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Container
from textual.dom import DOMNode
from textual.widgets import Input, TextArea

from stigmer_apis._generated.stigmer.execution.v1.options_pb2 import ClientEnvironment
from stigmer_apis.client import client_environment
from stigmer_apis.errors import StigmerError
from stigmer_tui.actions.keys import bindings_of
from stigmer_tui.actions.registry import Scope
from stigmer_tui.screens import run_lines
from stigmer_tui.screens.attached import AttachedScreen
from stigmer_tui.screens.deciding import Deciding
from stigmer_tui.screens.error_line import in_a_line
from stigmer_tui.screens.missing_values import provide_missing
from stigmer_tui.screens.moments import MomentsScreen
from stigmer_tui.screens.pace import Pace
from stigmer_tui.screens.run_blocks import BlockActions
from stigmer_tui.screens.run_copying import Copying
from stigmer_tui.screens.run_exporting import Exporting
from stigmer_tui.screens.run_feed import RunFeed
from stigmer_tui.screens.run_finding import Finding
from stigmer_tui.screens.run_keys import PaneKeys
from stigmer_tui.screens.run_layout import Layout
from stigmer_tui.screens.run_panes import SIDE_BY_SIDE, Panes
from stigmer_tui.screens.run_stopping import RunStopping
from stigmer_tui.screens.run_windows import LOADING, Earlier
from stigmer_tui.screens.sending import LineSender, Start
from stigmer_tui.screens.session_shell import SessionShell
from stigmer_tui.screens.steering import Steering
from stigmer_tui.screens.workstation import Workstation, WorkstationScreen
from stigmer_tui.screens.writing import Writing
from stigmer_tui.terminal.output_log import OutputLog
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.transcript.reading import Transcript
from stigmer_tui.widgets.composer.bar import ComposerBar
from stigmer_tui.widgets.composer.composer import Composer
from stigmer_tui.widgets.hints import Hints
from stigmer_tui.widgets.line import Line
from stigmer_tui.widgets.log_view import LogView
from stigmer_tui.widgets.notice import Notice
from stigmer_tui.widgets.output_view import OutputView
from stigmer_tui.widgets.rows_view import RowsView
from stigmer_tui.widgets.transcript_view import TranscriptView

DRAW_SECONDS, LONGEST_SECONDS = 0.016, 0.04
"""Between two drawings of what comes in: as often as the terminal is drawn at all, less often where that takes long."""


class RunScreen(WorkstationScreen):
    """One run, and the next ones of its session as they are started here."""

    BINDINGS = bindings_of(Scope.RUN)
    CSS_PATH = "run.tcss"
    AUTO_FOCUS = "#composer"
    app = getters.app(Workstation)

    def __init__(self, workstation: Workstation, start: Start | str) -> None:
        """`start`: the id of a run to show, or what to run and then show."""
        super().__init__()
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (SIDE_BY_SIDE, "-wide")]
        self._log = OutputLog(workstation.home.data)
        self._transcript = Transcript()
        self._pace = Pace(self, self._draw, DRAW_SECONDS, LONGEST_SECONDS)
        self.feed = RunFeed(self._log, self._transcript, self._pace.mark)
        self._sender = LineSender(
            start,
            lambda: self.feed.state,
            self._environment,
            self._go_on_with,
            self._not_sent,
            lambda client, agent: provide_missing(workstation, client, agent),
        )
        self._stopping = RunStopping(workstation, lambda: self.feed.state, self._say)
        self._shell = SessionShell(workstation, self, lambda: self.feed.state)
        self._steering = Steering(workstation, lambda: self.feed.state, self._sender.give_policy)
        self.deciding = Deciding(workstation, self._steering, self._back_from_card)
        self._resets = 0
        self.head = Line(classes="head")
        self.trouble = Notice()
        self.status = Line(classes="status")
        self.plan = Line(classes="plan")
        layout = Layout(workstation.home.root / "layout.json")
        self.panes = Panes(self, self._log, self._transcript, layout, self._ask_pane)
        self.output.screen_now = lambda: self.feed.timeline.full_screen()
        self.earlier = Earlier(lambda: self.feed, self.panes, self._read)
        self.finding = Finding(workstation, self.panes.output, lambda: self.feed.runs, self.place_changed)
        self.exporting = Exporting(workstation, lambda: self.feed.state)
        self.copying = Copying(workstation, self._log)
        self.blocks = BlockActions(workstation, self.panes.transcript, lambda: self.feed.state, self.write_on)
        self._pane_keys = PaneKeys(self)
        self.writing = Writing(workstation, lambda: self.bar, lambda: self.feed.state)
        self.bar = ComposerBar(
            workstation.history,
            "what this session is to do next",
            self._submit,
            self._ask,
            sources=self.writing.sources(),
        )
        self.notice = Notice()
        self.hints = Hints(classes="hints")

    def compose(self) -> ComposeResult:
        """Head, panes, status, composer."""
        yield self.head
        yield self.trouble
        with Container(id="panes"):
            yield self.transcript
            yield self.output
        yield self.notice
        yield self.deciding.card
        yield self.deciding.line
        yield self.finding.line
        yield self.exporting.line
        yield self.blocks.line
        yield self.plan
        yield self.status
        yield self.bar
        yield self.hints

    @property
    def composer(self) -> Composer:
        """Where one writes."""
        return self.bar.composer

    @property
    def output(self) -> OutputView:
        """What the run printed."""
        return self.panes.output

    @property
    def transcript(self) -> TranscriptView:
        """What happened in it."""
        return self.panes.transcript

    @property
    def pane(self) -> LogView:
        """The pane that has the focus, or that is shown."""
        return self.panes.current

    def action_targets(self) -> Mapping[Scope, DOMNode]:
        """Who carries out which actions."""
        return {
            Scope.RUN: self,
            Scope.LINES: self.pane,
            Scope.OUTPUT: self.output,
            Scope.TRANSCRIPT: self.transcript,
            Scope.COMPOSER: self.composer,
            **({Scope.APPROVAL: self.deciding.card.text} if self.deciding.card.display else {}),
        }

    def on_mount(self) -> None:
        """Read the run."""
        self.composer.write(self.app.drafts.get(self._sender.target))
        if self._sender.target:
            self.feed.go_on_with(self._sender.target)
        self.app.keep_sending(self._sender)
        self._read()
        self.set_interval(1.0, self._tick)
        self.show_connection(self.app)
        self._draw()

    def on_unmount(self) -> None:
        """Keep what was not sent; give the file back."""
        self._sender.close()
        self.app.drafts.put(self._sender.target, self.composer.whole_text)
        self._log.close()
        self.feed.timeline.close()

    def _read(self) -> None:
        self.run_worker(self._live, group="feed", exclusive=True)

    async def _live(self) -> None:
        client = await self.app.client()
        try:
            await self.feed.run(client)
        except StigmerError as error:
            self.feed.problem = in_a_line(error)
            self._draw()

    # Drawing what comes in.

    def _draw(self) -> None:
        if self.feed.loading:
            self.status.say([(LOADING, "muted")], [])
            return
        if self._resets != self.feed.resets:
            self._resets = self.feed.resets
            self.output.cleared()
        self.panes.grown()
        self.panes.choose(self.feed.state)
        self.deciding.card.show(self.feed.state.decisions.approvals)
        self.writing.show()
        self._say()
        self.hints.leave_out(self._idle_actions())
        self.earlier.drawn()

    def _idle_actions(self) -> set[str]:
        """Actions that do nothing as things are: the last line of the screen leaves them out."""
        idle: set[str] = set()
        if not self.finding.line.display:
            idle |= {"run.search_regex", "run.search_case"}
        if not self.feed.state.live:
            idle.add("run.cancel")
        if not self.feed.state.terminals:
            idle.add("run.attach")
        if self.pane.needle is None:
            idle.add("run.next_match")
        if self.pane.following:
            idle.add("run.follow")
        if not self.feed.held_back:
            idle.add("run.earlier")
        return idle

    def _tick(self) -> None:
        if self.feed.state.live:
            self.head.say(run_lines.head_left(self.feed.state), run_lines.head_right(self.feed.state, self.app.clock()))

    def _say(self) -> None:
        state = self.feed.state
        self.head.say(run_lines.head_left(state), run_lines.head_right(state, self.app.clock()))
        stop = run_lines.stop_words(
            state,
            confirming=self._stopping.confirming,
            shown_key="ctrl+c" if self.focused is self.composer else "x",
        )
        left = [stop] if stop else self.finding.problem(self.pane) or run_lines.waiting_words(state)
        if self.feed.problem:
            left = [(self.feed.problem, "error")]
        plan = run_lines.plan_words(self._transcript.todos, state)
        self.plan.display = bool(plan)
        self.plan.say(plan)
        self.status.say(left, run_lines.place_words(self.pane, self.finding.words(self.pane)))
        place = safe(Untrusted(state.workspace)) if state.workspace else "the session's own directory"
        busy = " · a line sent now queues" if state.terminals or state.queued else ""
        agent = safe(Untrusted(state.agent)) or "…"
        self.bar.say_place([(agent, "text"), ("  in ", "muted"), (place, "text"), (busy, "muted")])

    # Writing.

    def _environment(self) -> ClientEnvironment:
        """Of a terminal as large as the output: computed, as a screen that was just opened has no sizes yet."""
        size = self.app.size
        width = size.width if size.width < SIDE_BY_SIDE else size.width * 3 // 5
        return client_environment(columns=max(20, width - 2), rows=max(5, size.height - 5))

    @on(TextArea.Changed, "#composer")
    def composer_changed(self) -> None:
        """Somebody types: no key counts as a decision for a moment."""
        self.deciding.card.typed()

    def _submit(self, text: str) -> None:
        self.app.history.add(text)
        if self.writing.to_shell(text) or self._steering.command(text) or self._steering.answer(text):
            return
        self.send_line(text)
        self.output.follow(True)

    def send_line(self, text: str) -> None:
        """Send a line to the session."""
        self._sender.send(text)

    def _go_on_with(self, execution_id: str) -> None:
        self.feed.go_on_with(execution_id)
        self.app.run_started(execution_id)

    def _not_sent(self, line: str, error: StigmerError) -> None:
        if not self._sender.target or not self.is_mounted:
            self.app.not_started(line, error)
            return
        if not self.composer.text:
            self.composer.write(line)
        self.app.say_error(error)

    def _ask(self, what: str) -> None:
        """What the composer cannot do itself."""
        if self.writing.ask(what):
            return
        match what:
            case "leave_composer":
                self.set_focus(self.pane)
            case "interrupt":
                self.action_interrupt()
            case "submit_nothing":
                if self.feed.state.terminal_id:
                    self.take_keyboard()
            case "copy_selection":
                self.app.copy(self.composer.selected_text, what="the selection")
            case "agent":
                self.app.say("A session keeps its agent. The next run from the board can have another.")
            case _:
                self.app.say(f"This session works in {self.feed.state.workspace or 'its own directory'}.")

    # Moving about.

    @on(RowsView.PlaceChanged)
    @on(LogView.FollowChanged)
    @on(LogView.SearchChanged)
    def place_changed(self) -> None:
        """The lines about the place."""
        self._say()
        self.hints.leave_out(self._idle_actions())

    def _ask_pane(self, view: LogView, what: str) -> None:
        """What a pane cannot do itself."""
        self._pane_keys.ask(view, what)

    def write_on(self, text: str) -> None:
        """Write on with a text."""
        self._pane_keys.ask(self.pane, "compose")
        self.composer.insert(text)

    # Deciding.

    def action_decide(self) -> None:
        """Go to the card on which something waits for a decision."""
        if self.deciding.card.display:
            self.set_focus(self.deciding.card.text)
        else:
            self.app.say("Nothing waits for your decision.")

    def _back_from_card(self) -> None:
        self.set_focus(self.pane if self.composer.text == "" else self.composer)

    # Searching.

    @on(Input.Changed, "#search")
    def search_changed(self, message: Input.Changed) -> None:
        """Search while one writes."""
        self.finding.written(message.value)

    def action_search_regex(self) -> None:
        """An expression, or a text."""
        self.finding.toggle_regex()

    def action_search_case(self) -> None:
        """Capitals count, or not."""
        self.finding.toggle_case()

    # Stopping.

    def action_interrupt(self) -> None:
        """Ask, and at the second press stop the run."""
        self._stopping.press()

    # Attaching.

    def take_keyboard(self) -> None:
        """Attach within the app, to the session's shell where nothing else has a keyboard."""
        state = self.feed.state
        if not state.terminal_id:
            self._shell.press()
            return
        call = self._transcript.call(state.terminals[state.terminal_id])
        title = call.command if call else ""
        self.app.push_screen(
            AttachedScreen(state.execution_id, state.terminal_id, title, self.feed.timeline, self._log)
        )

    def action_time(self) -> None:
        """Go back in it: all of it has to be there."""
        if self.earlier.any:
            self.earlier.read(everything=True, then=self.action_time)
        else:
            self.app.push_screen(MomentsScreen(self.feed.timeline, self.feed.state.subject))

    def action_attach_whole(self) -> None:
        """Attach with the whole terminal, in place of the app."""
        state = self.feed.state
        if state.terminal_id:
            self.run_worker(partial(self.app.attach, state.execution_id, state.terminal_id))
        else:
            self.take_keyboard()
