"""A workflow of which nothing has run here: its tasks, what is wrong in it, and the way to run it."""

import asyncio
from collections.abc import Mapping
from functools import partial

from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Container
from textual.dom import DOMNode
from textual.widgets import Input

from stigmer_apis.documents.problems import Problem
from stigmer_apis.errors import NotFound, StigmerError
from stigmer_apis.workflow.outline import heading
from stigmer_tui.actions.registry import Scope
from stigmer_tui.screens.error_line import in_a_line
from stigmer_tui.screens.workflow_documents import Document, read_stored, stored
from stigmer_tui.screens.workflow_sending import InputForm
from stigmer_tui.screens.workstation import Workstation, WorkstationScreen
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.times import thousands
from stigmer_tui.widgets.editing.problems import ProblemList
from stigmer_tui.widgets.hints import Hints
from stigmer_tui.widgets.line import Line
from stigmer_tui.widgets.notice import Notice
from stigmer_tui.widgets.prompt_line import PromptLine
from stigmer_tui.widgets.rows_view import RowsView
from stigmer_tui.widgets.workflow.task_view import TaskView
from stigmer_tui.widgets.workflow.tree_view import TreeView
from stigmer_tui.workflow.state import WorkflowState

SIDE_BY_SIDE = 120
_OF_A_RUN = {
    "workflow.retry", "workflow.go_on", "workflow.signal", "workflow.cancel", "workflow.pause", "workflow.output", "workflow.follow",
    "task.child",
}  # fmt: skip


class DefinitionScreen(WorkstationScreen):
    """A stored workflow."""

    CSS_PATH = "workflow.tcss"
    AUTO_FOCUS = "#tree"
    app = getters.app(Workstation)

    def __init__(self, workstation: Workstation, name: str, *, run: bool = False) -> None:
        """`name`: its slug or id. `run`: have its input written at once."""
        super().__init__()
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (SIDE_BY_SIDE, "-wide")]
        self.shown_name = name
        self._runs = run
        self.document: Document | None = None
        self._state = WorkflowState()
        self._problem = ""
        self.head = Line(classes="head")
        self.trouble = Notice()
        self.tree_view = TreeView(self._state, workstation.clock, self._ask)
        self.tree_view.following = False
        self.task_view = TaskView(workstation.clock, self._ask)
        self.problems = ProblemList(self._go_to)
        self.search_line = PromptLine("look for a task by its name or kind", self._search_left, id="tree-search")
        self.input = InputForm(workstation, lambda: self._read(self.has_class("-reading")))
        self.notice = Notice()
        self.status = Line(classes="status")
        self.hints = Hints(classes="hints")

    def compose(self) -> ComposeResult:
        """Tree and task, what is wrong, where one writes."""
        yield self.head
        yield self.trouble
        with Container(id="workflow"):
            yield self.tree_view
            yield self.task_view
        yield self.problems
        yield self.notice
        yield self.search_line
        yield self.input.form
        yield self.status
        yield self.hints

    @property
    def coming(self) -> bool:
        """Whether its document is still read."""
        return self.document is None and not self._problem and not self.app.connection_lost

    def action_targets(self) -> Mapping[Scope, DOMNode]:
        """Who carries out which actions."""
        return {Scope.WORKFLOW: self.tree_view, Scope.TASK: self.task_view}

    def on_mount(self) -> None:
        """Read it."""
        self.show_connection(self.app)
        self.problems.show(())
        self.hints.leave_out(_OF_A_RUN)
        self.tree_view.title = self.shown_name
        self._say()
        self.run_worker(self._fetch)

    async def _fetch(self) -> None:
        try:
            await self._read_document()
        finally:
            self.app.list_came()

    async def _read_document(self) -> None:
        client = await self.app.client()
        try:
            found = await stored(client, self.shown_name)
        except NotFound:
            self._there_is_none()
            return
        except StigmerError as error:
            self._problem = in_a_line(error)
            self._say()
            return
        document = self.document = await asyncio.to_thread(read_stored, found)
        if document.workflow is not None:
            self._state.lay_out(document.workflow)
            self.tree_view.title = heading(document.workflow)
        self.tree_view.show(self._state)
        self.task_view.show(self._state, self.tree_view.selected)
        self.problems.show(document.problems)
        self._say()
        if self._runs and not document.problems:
            self.input.ask(document)

    def _there_is_none(self) -> None:
        """Back to where one came from: an empty page would say less than a sentence."""
        self._problem = (
            f"There is no workflow {safe(Untrusted(self.shown_name))}. `:workflows` shows those that there are."
        )
        self._say()
        if self.app.screen is self:
            self.app.pop_screen()
            self.app.call_later(self.app.say, self._problem, wrong=True)

    def _say(self) -> None:
        document = self.document
        self.head.say([("Workflow  ", "title"), (safe(Untrusted(self.shown_name)), "text")], [("not running", "muted")])
        if self._problem:
            self.status.say([(self._problem, "error")])
        elif document is None:
            self.status.say([("reading …", "muted")])
        elif document.problems:
            count = len(document.problems)
            self.status.say(
                [(f"{thousands(count)} problem{'' if count == 1 else 's'}: e in the library edits it", "error")]
            )
        else:
            tasks = sum(1 for _ in self._state.nodes())
            said = f"{thousands(tasks)} task{'' if tasks == 1 else 's'}"
            self.status.say([("nothing has run here: press r to run it", "accent")], [(said, "muted")])

    @on(RowsView.PlaceChanged, "#tree")
    def place_changed(self) -> None:
        """Another task is selected."""
        if self.document is not None:
            self.task_view.show(self._state, self.tree_view.selected)

    def _go_to(self, problem: Problem) -> None:
        """A problem names its field: `do[1].last.set`; the task is on the way to it."""
        steps = [step.partition("[")[0] for step in problem.field.split(".")]
        for node in self._state.nodes():
            if node.name in steps:
                self.tree_view.select(node.path)

    def _ask(self, what: str) -> None:
        match what:
            case "open":
                self._read(True)
            case "close":
                self._read(False)
            case "run":
                self.ask_input()
            case "search":
                self.search_line.value = self.tree_view.needle
                self.search_line.display = True
                self.set_focus(self.search_line)
            case "copy":
                self.app.copy(self.task_view.text, what="what is said of it")
            case "copy_id" if self.document is not None:
                self.app.copy(self.document.workflow_id, what="the id of the workflow")
            case "pager":
                text = self.task_view.whole()
                self.run_worker(partial(self.app.page, lambda: [text.encode("utf-8", "replace")], 1))
            case "leave" if self.tree_view.needle:
                self.tree_view.search("")
            case "leave":
                self.app.pop_screen()
            case "no_match":
                self.app.say("No task is called like that.")
            case _:
                self.app.say("Nothing has run here: press r to run it.")

    def ask_input(self) -> None:
        """Have the input written; then it runs."""
        if self.document is None:
            self._runs = True
        elif self.document.problems:
            self.app.say("It cannot run before what is wrong in it is mended.", wrong=True)
        else:
            self.input.ask(self.document)

    def _read(self, reading: bool) -> None:
        self.set_class(reading, "-reading")
        self.set_focus(self.task_view if reading else self.tree_view)

    @on(Input.Changed, "#tree-search")
    def search_changed(self, message: Input.Changed) -> None:
        """Search while one writes."""
        if self.search_line.display:
            self.tree_view.search(message.value)

    def _search_left(self, accepted: bool) -> None:
        self.search_line.display = False
        self.tree_view.search(self.search_line.value if accepted else "")
        self.set_focus(self.tree_view)
