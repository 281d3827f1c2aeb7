"""A workflow: its tasks with what happens to each, one of them whole, and what one sends to it."""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial

from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Container
from textual.dom import DOMNode
from textual.widgets import Input

from stigmer_apis.errors import StigmerError
from stigmer_apis.workflow.document_json import workflow_of_run
from stigmer_tui.actions.registry import Scope
from stigmer_tui.screens import run_lines, workflow_lines
from stigmer_tui.screens.deciding import Deciding
from stigmer_tui.screens.error_line import in_a_line
from stigmer_tui.screens.pace import Pace
from stigmer_tui.screens.page import Page
from stigmer_tui.screens.run_stopping import RunStopping
from stigmer_tui.screens.steering import Steering
from stigmer_tui.screens.workflow_documents import Document, of_run, read_stored, read_text
from stigmer_tui.screens.workflow_feed import WorkflowFeed
from stigmer_tui.screens.workflow_sending import WorkflowSending
from stigmer_tui.screens.workstation import Workstation, WorkstationScreen
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.transcript.run_state import RunState
from stigmer_tui.widgets.hints import Hints
from stigmer_tui.widgets.line import Line, Part
from stigmer_tui.widgets.notice import Notice
from stigmer_tui.widgets.prompt_line import PromptLine
from stigmer_tui.widgets.rows_view import RowsView
from stigmer_tui.widgets.workflow.task_view import TaskView
from stigmer_tui.widgets.workflow.tree_view import TreeView
from stigmer_tui.workflow.values import dumped

DRAW_SECONDS, LONGEST_SECONDS = 0.033, 0.1
SIDE_BY_SIDE = 120
"""Columns from which the tree and a task both have room."""
_NOTHING = {
    "no_error": "No task failed.",
    "no_live": "No task goes on.",
    "no_match": "No task is called like that.",
}


class WorkflowScreen(WorkstationScreen):
    """One run of a workflow."""

    CSS_PATH = "workflow.tcss"
    AUTO_FOCUS = "#tree"
    app = getters.app(Workstation)

    def __init__(self, workstation: Workstation, execution_id: str) -> None:
        super().__init__()
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (SIDE_BY_SIDE, "-wide")]
        self._pace = Pace(self, self._draw, DRAW_SECONDS, LONGEST_SECONDS)
        self.feed = WorkflowFeed(execution_id, workstation.home.data, self._pace.mark)
        self._problem = ""
        self._stopping = RunStopping(workstation, self._state, self._say)
        self._steering = Steering(workstation, self._state)
        self.deciding = Deciding(workstation, self._steering, self._back)
        self.sending = WorkflowSending(workstation, self.feed, self._back)
        self.document: Document | None = None
        """What it runs, once that is known."""
        self._learned = False
        """Whether it was asked what it runs."""
        self.head = Line(classes="head")
        self.trouble = Notice()
        self.tree_view = TreeView(self.feed.state, workstation.clock, self._ask)
        self.task_view = TaskView(workstation.clock, self._ask)
        self.search_line = PromptLine("look for a task by its name or kind", self._search_left, id="tree-search")
        self.answer_line = PromptLine("your answer: words, or the number of an option", self._answered, id="answer")
        self.notice = Notice()
        self.status = Line(classes="status")
        self.hints = Hints(classes="hints")

    def compose(self) -> ComposeResult:
        """Head, tree and task, what is written, what can be done."""
        yield self.head
        yield self.trouble
        with Container(id="workflow"):
            yield self.tree_view
            yield self.task_view
        yield self.notice
        yield self.deciding.card
        yield self.deciding.line
        yield from (self.search_line, self.answer_line)
        yield from self.sending.forms
        yield self.status
        yield self.hints

    def action_targets(self) -> Mapping[Scope, DOMNode]:
        """Who carries out which actions."""
        return {
            Scope.WORKFLOW: self.tree_view,
            Scope.TASK: self.task_view,
            **({Scope.APPROVAL: self.deciding.card.text} if self.deciding.card.display else {}),
        }

    @property
    def coming(self) -> bool:
        """Whether its first events, or what it runs, are still read."""
        known = self.feed.begun and self._learned
        return not known and not self._problem and not self.app.connection_lost

    def _state(self) -> RunState:
        return self.feed.run_state

    def on_mount(self) -> None:
        """Read the run, and what it runs."""
        self.run_worker(self._live)
        self.run_worker(self._learn)
        self.set_interval(1.0, self._tick)
        self.show_connection(self.app)
        self._draw()

    def on_unmount(self) -> None:
        """Give the files back."""
        self.feed.timeline.close()

    async def _live(self) -> None:
        client = await self.app.client()
        try:
            await self.feed.run(client)
        except StigmerError as error:
            self._problem = in_a_line(error)
            self._draw()
            self.app.list_came()

    async def _learn(self) -> None:
        """The tasks ahead are in the document as it runs; where that is not known, a run is drawn as it goes."""
        try:
            await self._read_document()
        finally:
            self._learned = True
            self.app.list_came()

    async def _read_document(self) -> None:
        client = await self.app.client()
        try:
            ran = await of_run(client, self.feed.run_state.execution_id)
        except StigmerError:
            return  # the feed says what is wrong with the run itself
        if ran.text:
            self.document = await asyncio.to_thread(read_text, ran.text, "")
        elif ran.stored is not None:
            self.document = await asyncio.to_thread(read_stored, ran.stored)
        drawn = await asyncio.to_thread(workflow_of_run, ran.document_json)
        if drawn is None and self.document is not None:
            drawn = self.document.workflow
        if drawn is not None:
            self.feed.know(drawn)
        self.sending.document = self.document

    # Drawing.

    def _draw(self) -> None:
        self.app.list_came()
        state = self.feed.state
        self.tree_view.title = state.name or self._state().agent
        if self.tree_view.state is not state:
            self.tree_view.show(state)
        else:
            self.tree_view.grown()
        self.task_view.show(state, self.tree_view.selected)
        self.deciding.card.show(self._state().decisions.approvals)
        self._say()
        self.hints.leave_out(self._idle_actions())

    def _idle_actions(self) -> set[str]:
        """Actions that do nothing as things are: the last line of the screen leaves them out."""
        idle: set[str] = set()
        if not self._state().live:
            idle |= {"workflow.cancel", "workflow.signal", "workflow.pause"}
        if self.tree_view.following:
            idle.add("workflow.follow")
        return idle

    def _tick(self) -> None:
        if self._state().live:
            self.tree_view.refresh()
            self.task_view.show(self.feed.state, self.tree_view.selected)
            self._say()

    def _say(self) -> None:
        state, workflow = self._state(), self.feed.state
        self.head.say(workflow_lines.head_left(state, workflow), run_lines.head_right(state, self.app.clock()))
        stop = run_lines.stop_words(state, confirming=self._stopping.confirming, shown_key="x")
        left: list[Part] = [stop] if stop else workflow_lines.waiting_words(state, workflow)
        left = left or workflow_lines.reason_words(state)
        if self._problem:
            left = [(self._problem, "error")]
        self.status.say(left, workflow_lines.place_words(self.tree_view))

    @on(RowsView.PlaceChanged, "#tree")
    def place_changed(self) -> None:
        """Another task is selected."""
        self.task_view.show(self.feed.state, self.tree_view.selected)

    @on(TreeView.FollowChanged)
    def follow_changed(self) -> None:
        """It follows, or no longer."""
        self._say()
        self.hints.leave_out(self._idle_actions())

    # What is asked of it.

    def _ask(self, what: str) -> None:
        does: dict[str, Callable[[], None]] = {
            "open": self._open,
            "close": lambda: self._read(False),
            "child": self._go_into_child,
            "parent": self._go_to_parent,
            "output": self._go_to_output,
            "time": self._go_back_in_time,
            "signal": self.sending.ask_signal,
            "run": self.sending.ask_input,
            "retry": self.sending.retry,
            "go_on": lambda: self.sending.go_on(self.tree_view.selected),
            "pause": self.sending.pause,
            "cancel": self._stopping.press,
            "decide": self._decide,
            "search": self._search,
            "copy": self._copy,
            "copy_id": lambda: self.app.copy(self._state().execution_id, what="the id"),
            "pager": self._page,
            "leave": self._leave,
        }
        if what in does:
            does[what]()
        else:
            self.app.say(_NOTHING.get(what, "Nothing of that kind."))

    def _open(self) -> None:
        node = self.tree_view.selected
        visit = node.newest if node is not None else None
        if visit is not None and visit.child:
            self.app.open_run(visit.child)
        else:
            self._read(True)

    def _go_into_child(self) -> None:
        node = self.tree_view.selected
        visit = node.newest if node is not None else None
        if visit is not None and visit.child:
            self.app.open_run(visit.child)
        else:
            self.app.say("This task started no run.")

    def _go_to_parent(self) -> None:
        if self.feed.state.parent:
            self.app.open_run(self.feed.state.parent)
        else:
            self.app.say("No other run started this one.")

    def _go_to_output(self) -> None:
        from stigmer_tui.screens.workflow_output import WorkflowOutputScreen

        execution_id = self._state().execution_id
        title = safe(Untrusted(f"output of {self.tree_view.title}"))
        page = Page(f"output:{execution_id}", title, lambda: WorkflowOutputScreen(self.app, execution_id))
        self.app.open_page(page)

    def _go_back_in_time(self) -> None:
        from stigmer_tui.screens.workflow_moments import WorkflowMomentsScreen

        self.app.push_screen(WorkflowMomentsScreen(self.feed.timeline, self.tree_view.title, self.feed.workflow))

    def _decide(self) -> None:
        question = next(iter(self._state().decisions.questions.values()), None)
        if self.deciding.card.display:
            self.set_focus(self.deciding.card.text)
        elif question is not None:
            options = "   ".join(
                f"{place} {safe(Untrusted(option))}" for place, option in enumerate(question.options, 1)
            )
            self.answer_line.placeholder = options or "your answer"
            self._write_into(self.answer_line)
        else:
            self.app.say("Nothing waits for your decision.")

    def _answered(self, accepted: bool) -> None:
        text = self.answer_line.value.strip()
        if accepted and text and not self._steering.answer(text):
            self.app.say("It was answered meanwhile.")
        self.answer_line.value = ""
        self.answer_line.display = False
        self._back()

    def _copy(self) -> None:
        node = self.tree_view.selected
        visit = node.newest if node is not None else None
        state = self.feed.state
        if node is None and state.has_output:
            self.app.copy(dumped(state.output), what="what the run gave")
        elif visit is not None and visit.has_output and not visit.dropped:
            self.app.copy(dumped(visit.output), what=f"what {safe(Untrusted(visit.task_id))} gave")
        else:
            self.app.copy(self.task_view.text, what="what is said of it")

    def _page(self) -> None:
        text = self.task_view.whole()
        self.run_worker(partial(self.app.page, lambda: [text.encode("utf-8", "replace")], 1))

    def _read(self, reading: bool) -> None:
        self.set_class(reading, "-reading")
        self.set_focus(self.task_view if reading else self.tree_view)

    def _back(self) -> None:
        self.set_focus(self.task_view if self.has_class("-reading") else self.tree_view)

    def _leave(self) -> None:
        if self.tree_view.needle:
            self.tree_view.search("")
        else:
            self.app.pop_screen()

    # Looking for a task.

    def _write_into(self, line: PromptLine) -> None:
        line.display = True
        self.set_focus(line)

    def _search(self) -> None:
        self.search_line.value = self.tree_view.needle
        self._write_into(self.search_line)

    @on(Input.Changed, "#tree-search")
    def search_changed(self, message: Input.Changed) -> None:
        """Search while one writes."""
        if self.search_line.display:
            self.tree_view.search(message.value)

    def _search_left(self, accepted: bool) -> None:
        self.search_line.display = False
        self.tree_view.search(self.search_line.value if accepted else "")
        self.set_focus(self.tree_view)
