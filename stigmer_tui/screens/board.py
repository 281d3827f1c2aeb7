"""The board: every run, what waits for a person, and where one starts the next."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Container
from textual.dom import DOMNode
from textual.suggester import SuggestFromList
from textual.widgets import Input

from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionSummary
from stigmer_apis.errors import StigmerError
from stigmer_tui.actions.registry import Scope
from stigmer_tui.screens import board_lines
from stigmer_tui.screens.board_feed import BoardFeed
from stigmer_tui.screens.pace import Pace
from stigmer_tui.screens.stopping import CONFIRM_SECONDS, StopKey
from stigmer_tui.screens.workstation import Workstation, WorkstationScreen
from stigmer_tui.screens.writing import Writing, shell_line
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.theme.phases import LIVE
from stigmer_tui.widgets.board.query import filter_of
from stigmer_tui.widgets.board.table import BoardHeads, BoardTable
from stigmer_tui.widgets.board.window import BoardWindow
from stigmer_tui.widgets.composer.bar import ComposerBar
from stigmer_tui.widgets.composer.composer import Composer
from stigmer_tui.widgets.hints import Hints
from stigmer_tui.widgets.line import Line
from stigmer_tui.widgets.notice import Notice
from stigmer_tui.widgets.prompt_line import PromptLine
from stigmer_tui.widgets.rows_view import RowsView

DRAW_SECONDS = 0.05
"""Between two drawings of what changes."""
FILTER_SECONDS = 0.15
"""After the last key, before the server is asked."""
RETRY_SECONDS = 2.0
"""After something that does not mend itself: somebody may have mended it."""
DRAFT = "board"
COMMAND_LINE = "a command line; enter runs it in a sandbox and shows it live"
MESSAGE = "what the agent is to do; enter starts it and shows it live"
SHELL = "shell"
SHOWN_AGENTS = 12
KNOWN_AGENTS = 200
"""How many agents' names the line for choosing one completes."""


class BoardScreen(WorkstationScreen):
    """Home."""

    CSS_PATH = "board.tcss"
    AUTO_FOCUS = "#composer"
    app = getters.app(Workstation)

    def __init__(self, workstation: Workstation) -> None:
        super().__init__()
        self._rows = BoardWindow()
        self._pace = Pace(self, self._show, DRAW_SECONDS)
        self.feed = BoardFeed(self._rows, self._pace.mark)
        self._stop_key = StopKey(workstation.clock)
        self._shown_filter = ""
        self.head = Line(classes="head")
        self.trouble = Notice()
        self.filter_line = PromptLine(
            "filter: words, phase:failed, agent:NAME, needs:me", self._filter_left, id="filter"
        )
        self.heads = BoardHeads(classes="heads")
        self.table = BoardTable(self._rows, workstation.clock, self._ask, id="table")
        self.empty = [Line(classes="empty"), Line(classes="empty")]
        self.status = Line(classes="status")
        self.workspace_line = PromptLine(
            "directory that new sessions work in; nothing: one of their own", self._workspace_left, id="workspace"
        )
        self.agent_line = PromptLine("agent that the next run is started with", self._agent_left, id="agent")
        self.writing = Writing(workstation, lambda: self.bar)
        self.bar = ComposerBar(
            workstation.history, COMMAND_LINE, self._submit, self._ask, sources=self.writing.sources()
        )
        self.notice = Notice()
        self.hints = Hints(classes="hints")

    def compose(self) -> ComposeResult:
        """Head, list, what is selected, composer."""
        yield self.head
        yield self.trouble
        yield self.filter_line
        with Container(id="list"):
            yield self.heads
            yield self.table
            yield from self.empty
        yield self.notice
        yield self.status
        yield self.workspace_line
        yield self.agent_line
        yield self.bar
        yield self.hints

    @property
    def composer(self) -> Composer:
        """Where one writes."""
        return self.bar.composer

    def action_targets(self) -> Mapping[Scope, DOMNode]:
        """Who carries out which actions."""
        return {Scope.TABLE: self.table, Scope.COMPOSER: self.composer}

    def on_mount(self) -> None:
        """Show what there is, as it comes."""
        self.composer.write(self.app.drafts.get(DRAFT))
        self.call_after_refresh(self.app.connect)
        self.run_worker(self._follow_list())
        self.set_interval(1.0, self.table.tick)
        self.show_connection(self.app)
        self.workspace_changed()
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

    # Drawing.

    def _show(self) -> None:
        self.table.window_changed()
        self.table.tick()
        nothing = self._rows.loaded and not self._rows.total
        for line, text in zip(self.empty, board_lines.empty_words(self._rows, self._shown_filter), strict=True):
            line.display = nothing
            line.say([text])
        self.heads.display = not nothing and self.size.height >= 8
        self.table.display = not nothing
        self._say()

    def _say(self) -> None:
        running = len(self.feed.live)
        waiting = sum(1 for row in self.feed.live.values() if row.attention_count)
        self.head.say(board_lines.head_left(running, waiting), board_lines.head_right(self._rows, self._shown_filter))
        selected = self.table.selected
        if self.feed.error is not None:
            self.status.say([(safe(Untrusted(str(self.feed.error)), lines=False), "error")])
        elif selected is not None and self._stop_key.waits_for(selected.execution_id):
            self.status.say([("press x again to stop this run and everything that it started", "warning")])
        elif selected is not None:
            session = f"session {safe(Untrusted(selected.session_id))}" if self.size.width >= 120 else ""
            self.status.say(board_lines.selected_words(selected), [(session, "muted")])
        else:
            self.status.say([])

    def workspace_changed(self) -> None:
        """Say where new sessions work."""
        where = safe(str(self.app.workspace)) if self.app.workspace else "each session's own directory"
        self.bar.say_place([(safe(Untrusted(self.app.agent)), "text"), ("  in ", "muted"), (where, "text")])
        self.composer.placeholder = COMMAND_LINE if self.app.agent == SHELL else MESSAGE

    @on(RowsView.PlaceChanged)
    def place_changed(self) -> None:
        """Other rows are on the screen, or another one is selected."""
        self.feed.look_at(self.table.top, self.table.top + self.table.page_rows - 1)
        self._say()

    # The list.

    def _ask(self, what: str) -> None:
        """What the list and the composer cannot do themselves."""
        selected = self.table.selected
        if self.writing.ask(what):
            return
        match what:
            case "compose":
                self.set_focus(self.composer)
            case "leave_composer":
                self.set_focus(self.table if self.table.display else None)
            case "filter":
                self._write_into(self.filter_line)
            case "clear_filter":
                self._clear_filter()
            case "workspace":
                self.workspace_line.value = str(self.app.workspace or "")
                self._write_into(self.workspace_line)
            case "agent":
                self.run_worker(self._offer_agents())
                self.agent_line.value = "" if self.app.agent == SHELL else self.app.agent
                self._write_into(self.agent_line)
            case "next_attention":
                self._next_attention()
            case "leave":
                self.app.call_later(self.app.action_quit)
            case "interrupt":
                self.app.action_how_to_leave()
            case "copy_selection":
                self.app.copy(self.composer.selected_text, what="the selection")
            case "open" if selected is not None:
                self.app.open_run(selected.execution_id)
            case "cancel" if selected is not None:
                self._cancel(selected)
            case "copy_id" if selected is not None:
                self.app.copy(selected.execution_id, what="the id")
            case _:
                return

    def _write_into(self, line: PromptLine) -> None:
        line.display = True
        self.set_focus(line)

    def _cancel(self, selected: ExecutionSummary) -> None:
        if selected.phase not in LIVE:
            self.app.say("This run has ended.")
        elif self._stop_key.press(selected.execution_id):
            self.run_worker(self._stop(selected.execution_id))
        else:
            self.set_timer(CONFIRM_SECONDS + 0.1, self._say)
        self._say()

    async def _stop(self, execution_id: str) -> None:
        client = await self.app.client()
        try:
            answer = await client.cancel(execution_id)
        except StigmerError as error:
            self.app.say_error(error)
        else:
            self.app.say("This run had ended." if answer.already_ended else "Stop requested.")

    def _next_attention(self) -> None:
        waiting = sorted(
            (row for row in self.feed.live.values() if row.attention_count), key=lambda row: -row.created_unix_micros
        )
        if not waiting:
            self.app.say("No run waits for you.")
            return
        ids = [row.execution_id for row in waiting]
        current = self.table.selected.execution_id if self.table.selected else ""
        self.table.select(ids[(ids.index(current) + 1) % len(ids)] if current in ids else ids[0])

    # The filter.

    @on(Input.Changed, "#filter")
    def filter_changed(self, message: Input.Changed) -> None:
        """Ask the server once the person stops for a moment."""
        text = message.value
        self.set_timer(FILTER_SECONDS, lambda: self._filter_by(text) if self.filter_line.value == text else None)

    def _filter_by(self, text: str) -> None:
        if text != self._shown_filter:
            self._shown_filter = text
            self.table.move_cursor(0)
            self.feed.filter_by(filter_of(text))

    def _clear_filter(self) -> None:
        self.filter_line.value = ""
        self.filter_line.display = False
        self._filter_by("")
        self.set_focus(self.table)

    def _filter_left(self, accepted: bool) -> None:
        if accepted and self.filter_line.value.strip():
            self._filter_by(self.filter_line.value)
            self.set_focus(self.table)
        else:
            self._clear_filter()

    # Writing.

    def _workspace_left(self, accepted: bool) -> None:
        written = self.workspace_line.value.strip()
        if accepted and written:
            path = Path(written).expanduser().absolute()
            if not path.is_dir():
                self.app.say(f"{path} is no directory. Write one that is there, or nothing.", wrong=True)
                return
            self.app.workspace = path
        elif accepted:
            self.app.workspace = None
        self.workspace_line.display = False
        self.workspace_changed()
        self.set_focus(self.composer)

    async def _offer_agents(self) -> None:
        """Complete what is written to the name of an agent that is there."""
        client = await self.app.client()
        try:
            page = await client.list_agents(page_size=KNOWN_AGENTS)
        except StigmerError as error:
            self.app.say_error(error)
            return
        slugs = [agent.metadata.slug for agent in page.agents]
        self.agent_line.suggester = SuggestFromList(slugs, case_sensitive=False)
        self.app.say(f"Agents: {', '.join(slugs[:SHOWN_AGENTS])}{' …' if len(slugs) > SHOWN_AGENTS else ''}")

    def _agent_left(self, accepted: bool) -> None:
        written = self.agent_line.value.strip()
        if accepted:
            self.app.agent = written or SHELL
        self.agent_line.display = False
        self.workspace_changed()
        self.set_focus(self.composer)

    def _submit(self, text: str) -> None:
        """Start a run and show it."""
        self.app.history.add(text)
        line = shell_line(text)
        self.app.start_run(self.app.agent if line is None else SHELL, text if line is None else line)

    def take_back(self, text: str) -> None:
        """What could not be started is written here again."""
        if not self.composer.text:
            self.composer.write(text)
