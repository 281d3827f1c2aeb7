"""The board: every run, what waits for a person, and where one starts the next."""

import asyncio
from collections.abc import Mapping
from functools import partial

from textual import events, getters, on
from textual.app import ComposeResult
from textual.containers import Container
from textual.dom import DOMNode
from textual.widgets import Input, TextArea

from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import GroupBy, WatchResponse
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionSummary
from stigmer_apis.errors import StigmerError
from stigmer_tui.actions.keys import bindings_of
from stigmer_tui.actions.registry import Scope
from stigmer_tui.screens import board_lines
from stigmer_tui.screens.board_deciding import BoardDeciding
from stigmer_tui.screens.board_feed import BoardFeed
from stigmer_tui.screens.board_many import BoardMany
from stigmer_tui.screens.board_queue import QueueFeed
from stigmer_tui.screens.board_starting import SHELL, Starting
from stigmer_tui.screens.board_viewing import Viewing
from stigmer_tui.screens.pace import Pace
from stigmer_tui.screens.stopping import CONFIRM_SECONDS
from stigmer_tui.screens.workstation import Workstation, WorkstationScreen
from stigmer_tui.screens.writing import Writing, shell_line
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.widgets.board.empty import EmptyWords
from stigmer_tui.widgets.board.marks import Marks
from stigmer_tui.widgets.board.queue import Item, Queue
from stigmer_tui.widgets.board.queue_view import QueueView
from stigmer_tui.widgets.board.table import BoardHeads, BoardTable
from stigmer_tui.widgets.board.view import View
from stigmer_tui.widgets.board.window import BoardWindow
from stigmer_tui.widgets.composer.bar import ComposerBar
from stigmer_tui.widgets.composer.composer import Composer
from stigmer_tui.widgets.hints import Hints
from stigmer_tui.widgets.line import Line
from stigmer_tui.widgets.notice import Notice
from stigmer_tui.widgets.prompt_line import PromptLine
from stigmer_tui.widgets.rows_view import RowsView

DRAW_SECONDS, FILTER_SECONDS = 0.05, 0.15
"""Between two drawings of what changes; after the last key, before the server is asked."""
RETRY_SECONDS = 2.0
"""After something that does not mend itself: somebody may have mended it."""
DRAFT = "board"
COMMAND_LINE = "a command line; enter runs it in a sandbox and shows it live"
MESSAGE = "what the agent is to do; enter starts it and shows it live"


class BoardScreen(WorkstationScreen):
    """Home."""

    CSS_PATH = "board.tcss"
    AUTO_FOCUS = "#composer"
    BINDINGS = bindings_of(Scope.BOARD)
    app = getters.app(Workstation)

    def __init__(self, workstation: Workstation) -> None:
        super().__init__()
        self._rows = BoardWindow()
        self._pace = Pace(self, self._show, DRAW_SECONDS)
        self.queue = Queue()
        """What waits for the person."""
        self._queue_feed = QueueFeed(self.queue, self._queue_changed)
        self._marks = Marks()
        self._aside: ExecutionSummary | None = None
        """A run that waits and does not stand among the rows that are known: one is at it, until the cursor moves from `_aside_from`."""
        self._aside_from = 0
        self.feed = BoardFeed(self._rows, self._pace.mark, workstation.clock, self._changed)
        self.head = Line(classes="head")
        self.trouble = Notice()
        self.queue_view = QueueView(self.queue, workstation.clock, self._go_to)
        self.heads = BoardHeads(lambda sort: self._viewing.sort_by(sort), classes="heads")
        self.table = BoardTable(self.feed.rows, self._marks, self.feed.rates, workstation.clock, self._ask, id="table")
        self._many = BoardMany(workstation, self.feed, self._marks, lambda: self.selected, self._marks_changed)
        self._viewing = Viewing(workstation, self._show_view, self._back)
        self._deciding = BoardDeciding(workstation, self.queue, self._back, self.action_next_attention)
        self._starting = Starting(workstation, self._agent_chosen, self._show)
        self.empty = EmptyWords()
        self.status = Line(classes="status")
        self.label_line = PromptLine("labels: team=red puts one on, -team takes it off", self._label_left, id="labels")
        self.writing = Writing(workstation, lambda: self.bar)
        self.bar = ComposerBar(
            workstation.history, COMMAND_LINE, self._submit, self._ask, sources=self.writing.sources()
        )
        self.notice = Notice()
        self.hints = Hints(classes="hints")

    def compose(self) -> ComposeResult:
        """Head, what waits, list, what is selected, composer."""
        yield self.head
        yield self.trouble
        yield self.queue_view
        yield self.filter_line
        with Container(id="list"):
            yield self.heads
            yield self.empty
            yield self.table
        yield self.notice
        yield self._deciding.deciding.card
        yield self._deciding.deciding.line
        yield self._deciding.question
        yield self.status
        yield from (self.label_line, self._viewing.label_line, self._viewing.name_line)
        yield from (self._starting.workspace_line, self._starting.agent_line)
        yield self.bar
        yield self.hints

    @property
    def selected(self) -> ExecutionSummary | None:
        """The run that one is at."""
        return self._aside or self.table.selected

    @property
    def filter_line(self) -> PromptLine:
        """Where one writes what is to be shown."""
        return self._viewing.filter_line

    @property
    def composer(self) -> Composer:
        """Where one writes."""
        return self.bar.composer

    def action_targets(self) -> Mapping[Scope, DOMNode]:
        """Who carries out which actions."""
        card = self._deciding.deciding.card
        return {
            Scope.TABLE: self.table,
            Scope.BOARD: self,
            Scope.COMPOSER: self.composer,
            **({Scope.APPROVAL: card.text} if card.display else {}),
        }

    def on_mount(self) -> None:
        """Show what there is, as it comes."""
        self.composer.write(self.app.drafts.get(DRAFT))
        self.call_after_refresh(self.app.connect)
        self.run_worker(self._follow_list)
        self.run_worker(partial(self._queue_feed.follow, self.app.client))
        self.set_interval(1.0, self._tick)
        self.show_connection(self.app)
        self.workspace_changed()

    def on_resize(self, event: events.Resize) -> None:
        """More or fewer lines of what waits."""
        self.queue_view.changed()
        self._show()

    def keep_draft(self) -> None:
        """Keep what was not sent."""
        self.app.drafts.put(DRAFT, self.composer.text)

    async def _follow_list(self) -> None:
        client = await self.app.client()
        while True:
            try:
                await self.feed.run(client)
            except* StigmerError as errors:
                self.feed.error = next(error for error in errors.exceptions if isinstance(error, StigmerError))
                self._show()
            await asyncio.sleep(RETRY_SECONDS)

    def _changed(self, change: WatchResponse) -> None:
        self._queue_feed.take(change)
        self._marks.forget(change.removed)
        self.app.runs_changed()

    # Drawing.

    def _tick(self) -> None:
        self._many.tick()
        self.table.tick()
        self.queue_view.tick()

    def _show(self) -> None:
        self.table.window_changed()
        self.table.tick()
        rows = self.feed.rows
        nothing = rows.loaded and not rows.total and not (rows.sections is None and self._rows.is_other)
        absent = nothing or not rows.loaded
        self.empty.say(board_lines.instead_of_rows(self.feed, self._starting.welcome) if absent else ())
        self.heads.display = not nothing and rows.loaded and self.size.height >= 8 and rows.sections is None
        narrowed = bool(self.feed.view.filter or self.feed.view.group)
        self.table.display = rows.loaded and (narrowed or not nothing)
        self._say()

    def _say(self) -> None:
        self.head.say(
            board_lines.head_left(len(self.feed.live), self.queue.waiting, self.feed.unseen),
            board_lines.head_right(self.feed),
        )
        urgent = board_lines.urgent_words(self.feed.error, self._many.question(), self._many.countdown())
        selected, group = self.selected, self.table.selected_group
        if urgent:
            self.status.say(urgent)
        elif self._marks:
            self.status.say(board_lines.marked_words(self._many.meant()))
        elif selected is not None:
            session = safe(Untrusted(selected.session_id)) if self.size.width >= 120 else ""
            where = (
                f"{safe(Untrusted(selected.subject))}, further down"
                if self._aside is not None
                else session and f"session {session}"
            )
            self.status.say(board_lines.selected_words(selected), [(where, "muted")])
        else:
            self.status.say(board_lines.group_words(group))

    def _marks_changed(self) -> None:
        self.table.refresh()
        self._say()
        if self._many.question():
            self.set_timer(CONFIRM_SECONDS + 0.1, self._say)

    def workspace_changed(self) -> None:
        """Say where new sessions work, and how to begin."""
        self.bar.say_place(self._starting.words())
        self.composer.placeholder = COMMAND_LINE if self.app.agent == SHELL else MESSAGE
        self._show()

    @on(RowsView.PlaceChanged, "#table")
    def place_changed(self) -> None:
        """Other rows are on the screen, or another one is selected."""
        if self._aside is not None and self.table.cursor != self._aside_from:
            self._aside = None
        self.feed.look_at(self.table.top, self.table.top + self.table.page_rows - 1)
        self._say()

    # What the list and the composer ask for.

    def _ask(self, what: str) -> None:
        """What the list and the composer cannot do themselves."""
        if self.writing.ask(what):
            return
        selected = self.selected
        match what:
            case "compose":
                self.set_focus(self.composer)
            case "leave_composer":
                self.set_focus(self.table if self.table.display else None)
            case "filter":
                self._write_into(self.filter_line)
            case "clear":
                self._clear()
            case "workspace":
                self._write_into(self._starting.ask_workspace())
            case "agent":
                self._write_into(self._starting.ask_agent())
            case "next_attention":
                self.action_next_attention()
            case "leave":
                self.app.call_later(self.app.action_quit)
            case "interrupt":
                self.app.action_how_to_leave()
            case "copy_selection":
                self.app.copy(self.composer.selected_text, what="the selection")
            case "cancel" | "retry" | "delete":
                self._many.press(what)
            case "seen" | "all_seen":
                self._many.seen(every=what == "all_seen")
            case "label" if self._many.count():
                self._write_into(self.label_line)
            case "undo":
                self._many.undo()
            case "mark" | "mark_range" | "mark_all":
                self._mark(what)
            case "unfold" | "fold" | "fold_all":
                self._fold(what)
            case "sort":
                self._viewing.choose_sort()
            case "group":
                self._viewing.choose_group()
            case "columns":
                self._viewing.choose_columns()
            case "views":
                self._viewing.choose_view()
            case "open" if selected is not None:
                self._open(selected)
            case "copy_id" if selected is not None:
                self.app.copy(selected.execution_id, what="the id")
            case _:
                return

    def _write_into(self, line: PromptLine) -> None:
        line.display = True
        self.set_focus(line)

    def _back(self) -> None:
        self.set_focus(self.table if self.table.display else self.composer)
        self.queue_view.changed()

    def _open(self, row: ExecutionSummary) -> None:
        self.app.open_run(row.execution_id)
        if row.unseen:
            self._many.seen()

    def _clear(self) -> None:
        """What was begun last is given up first."""
        if self.feed.stop_looking() or self._marks.clear():
            self._marks_changed()
        else:
            self._viewing.clear_filter()

    def _mark(self, what: str) -> None:
        if self._many.mark(what, self.table.cursor):
            self.table.action_move(1)

    def _fold(self, what: str) -> None:
        self.table.fold(what)
        self._show()
        self.place_changed()

    # What waits.

    def action_next_attention(self) -> None:
        """Go to what waits next."""
        item = self.queue.go_on()
        if item is None:
            self.app.say("Nothing waits for you.")
            self._deciding.close()
        else:
            self._show_item(item)

    def _go_to(self, place: int) -> None:
        self._show_item(self.queue.go_to(place))

    def _show_item(self, item: Item) -> None:
        self._aside = None
        if self.feed.rows.place_of(item.run.execution_id) is not None:
            self.table.select(item.run.execution_id)
        else:
            self._aside, self._aside_from = item.run, self.table.cursor
        if not self._deciding.show(item):
            self.set_focus(self.table)
        self.queue_view.changed()
        self._say()

    def _queue_changed(self) -> None:
        self._deciding.queue_changed()
        self.queue_view.changed()
        self._say()

    @on(TextArea.Changed, "#composer")
    def composer_changed(self) -> None:
        """Somebody types: no key counts as a decision for a moment."""
        self._deciding.deciding.card.typed()

    # How it is looked at.

    def show_view(self, name: str) -> bool:
        """Look at the runs as a saved view does: `:view NAME`. False where there is none of this name; that is said."""
        return self._viewing.show_view(name)

    def view_names(self) -> list[str]:
        """Names of the views that there are."""
        return self._viewing.names()

    def _show_view(self, view: View) -> None:
        self.table.chosen, self.table.by_phase = view.columns, view.group_by == GroupBy.GROUP_BY_PHASE
        self.heads.show(view.columns, view.sort)
        self._marks.clear()
        self.table.move_cursor(0)
        self.feed.show(view)
        self._show()

    @on(Input.Changed, "#filter")
    def filter_changed(self, message: Input.Changed) -> None:
        """Ask the server once the person stops for a moment."""
        text, line = message.value, self.filter_line
        self.set_timer(FILTER_SECONDS, lambda: self._viewing.filter_by(text) if line.value == text else None)

    def show_only(self, text: str) -> None:
        """Filter by a text, as if it was written into the filter line."""
        if text:
            self._viewing.filter_by(text)
            self.set_focus(self.table)
        else:
            self._viewing.clear_filter()

    def _label_left(self, accepted: bool) -> None:
        if accepted and self.label_line.value.strip() and not self._many.label(self.label_line.value):
            return
        self.label_line.value = ""
        self.label_line.display = False
        self.set_focus(self.table)

    # Writing.

    def _agent_chosen(self) -> None:
        self.workspace_changed()
        self.set_focus(self.composer)

    def _submit(self, text: str) -> None:
        """Start a run and show it."""
        self.app.history.add(text)
        if self.writing.to_workflow(text):
            return
        line = shell_line(text)
        self.app.start_run(self.app.agent if line is None else SHELL, text if line is None else line)

    def take_back(self, text: str) -> None:
        """What could not be started is written here again."""
        if not self.composer.text:
            self.composer.write(text)
