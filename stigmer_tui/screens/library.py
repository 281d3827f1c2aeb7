"""The library: what there is to run and to run it with. Browse, read, edit, delete."""

from collections.abc import Mapping
from functools import partial

from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Container
from textual.dom import DOMNode
from textual.widgets import Input

from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis.errors import StigmerError
from stigmer_tui.actions.registry import Scope
from stigmer_tui.manifests.kinds import AGENT, ENVIRONMENT, MCP_SERVER, SESSION, SKILL, WORKFLOW, Kind
from stigmer_tui.screens.library_deleting import Deleting
from stigmer_tui.screens.library_feed import LibraryFeed
from stigmer_tui.screens.page import Page
from stigmer_tui.screens.workstation import Workstation, WorkstationScreen
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.times import thousands
from stigmer_tui.widgets.hints import Hints
from stigmer_tui.widgets.library.document import DocumentView
from stigmer_tui.widgets.library.rows import Entry
from stigmer_tui.widgets.library.table import LibraryTable
from stigmer_tui.widgets.line import Line, Part
from stigmer_tui.widgets.notice import Notice
from stigmer_tui.widgets.prompt_line import PromptLine
from stigmer_tui.widgets.rows_view import RowsView

SHOWN: tuple[tuple[Kind, str], ...] = (
    (AGENT, "Agents"),
    (WORKFLOW, "Workflows"),
    (SKILL, "Skills"),
    (MCP_SERVER, "MCP servers"),
    (ENVIRONMENT, "Environments"),
    (SESSION, "Sessions"),
)
"""In the order of the head line."""

_EMPTY: Mapping[str, str] = {
    "agent": "n writes one here, from a draft; `stigmer apply -f FILE` stores one from a file.",
    "workflow": "n writes one here, from a draft; `stigmer apply -f FILE` stores one from a file.",
    "skill": "A skill is a folder with a SKILL.md: n chooses one and pushes it.",
    "mcp_server": "n writes one here, from a draft; `stigmer apply -f FILE` stores one from a file.",
    "environment": "n writes one here; `stigmer secrets set NAME` stores a secret in the environment `default`, and makes it.",
    "session": "Every run has a session; start one on the board.",
}
FILTER_SECONDS = 0.15
SIDE_BY_SIDE = 120
"""Columns from which the list and what is selected both have room."""
_OF_AN_ENTRY = {"library.open", "library.run", "library.edit", "library.history", "library.delete"}
"""What does nothing where nothing is selected."""


class LibraryScreen(WorkstationScreen):
    """One kind at a time; what is selected stands beside the list where there is room."""

    CSS_PATH = "library.tcss"
    AUTO_FOCUS = "#library-table"
    app = getters.app(Workstation)

    def __init__(self, workstation: Workstation, kind: str = "agent", text: str = "") -> None:
        """`kind`: the one to begin with. `text`: only what contains it."""
        super().__init__()
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (SIDE_BY_SIDE, "-wide")]
        self._place = next(place for place, (each, _) in enumerate(SHOWN) if each.field == kind)
        self._filter = text
        self._changed: tuple[Entry, str] | None = None
        """What was changed here last, and the version that it was changed from."""
        self._deleting = Deleting(workstation, self, self._say)
        self.feed = LibraryFeed(self._show)
        self.head = Line(classes="head")
        self.trouble = Notice()
        self.filter_line = PromptLine(
            "a text that it contains, or letters of its name", self._filter_left, id="library-filter"
        )
        self.table = LibraryTable(workstation.clock, self._ask)
        self.document = DocumentView(self._ask)
        self.empty = Line(classes="empty")
        self.notice = Notice()
        self.status = Line(classes="status")
        self.hints = Hints(classes="hints")

    def compose(self) -> ComposeResult:
        """Kinds, list, document."""
        yield self.head
        yield self.trouble
        yield self.filter_line
        yield self.empty
        with Container(id="library"):
            yield self.table
            yield self.document
        yield self.notice
        yield self.status
        yield self.hints

    def action_targets(self) -> Mapping[Scope, DOMNode]:
        """Who carries out which actions."""
        return {Scope.LIBRARY: self.table, Scope.DOCUMENT: self.document}

    @property
    def kind(self) -> Kind:
        """The kind that is listed."""
        return SHOWN[self._place][0]

    @property
    def coming(self) -> bool:
        """Whether the list of another kind, or of another filter, is still shown."""
        return self.feed.shows != (self.kind, self._filter) and not self.app.connection_lost

    def on_mount(self) -> None:
        """Fetch the first list, and keep up with it."""
        self.show_connection(self.app)
        self._say()
        self._turn(0)
        self.run_worker(self._follow)

    async def _follow(self) -> None:
        client = await self.app.client()
        try:
            await self.feed.follow(client)
        except StigmerError as error:
            self.app.say_error(error)

    async def _fetch(self) -> None:
        await self.feed.turn_to(await self.app.client(), self.kind, self._filter)

    async def _fetch_more(self) -> None:
        await self.feed.fetch_more(await self.app.client())

    # Drawing.

    def _show(self, from_the_start: bool) -> None:
        if self.is_mounted:
            self.table.show(self.feed.entries, from_the_start=from_the_start)
            self._say()
            self.app.list_came()

    def _say(self) -> None:
        left: list[Part] = [("Library  ", "title")]
        for place, (_, words) in enumerate(SHOWN):
            left.append((f" {words} ", "badge" if place == self._place else "muted"))
        total = (
            f"{thousands(self.feed.total)}{'+' if self.feed.more and self._filter else ''}" if self.feed.loaded else ""
        )
        self.head.say(
            left, [(f"‘{safe(Untrusted(self._filter))}’ " if self._filter else "", "accent"), (total, "muted")]
        )
        nothing = self.feed.loaded and not self.feed.entries and self.feed.error is None
        self.empty.display = nothing
        self.empty.say(
            [("Nothing fits. esc shows all." if self._filter else f"None yet. {_EMPTY[self.kind.field]}", "muted")]
        )
        entry = self.table.selected
        self.hints.leave_out(_OF_AN_ENTRY if entry is None else set())
        if self.feed.error is not None:
            self.status.say([(safe(Untrusted(str(self.feed.error))), "error")])
        elif words := self._deleting.words(entry):
            self.status.say([(words, "warning")])
        elif entry is not None:
            self.status.say([(entry.resource_id, "muted")], [(entry.words, "muted")])
        else:
            self.status.say([])
        self._show_document(entry)

    def _show_document(self, entry: Entry | None) -> None:
        from stigmer_tui.manifests.writing import resource_data, to_yaml

        resource = self.feed.resource(entry) if entry is not None else None
        text = "" if resource is None or entry is None else to_yaml(resource_data(getattr(resource, entry.kind)))
        if text != self.document.text:
            self.document.show(text)

    @on(RowsView.PlaceChanged, "#library-table")
    def place_changed(self) -> None:
        """Another entry is selected, or the end of what was fetched is near."""
        self._say()
        if self.feed.more and self.table.top + 2 * self.table.page_rows > self.table.row_count():
            self.run_worker(self._fetch_more)

    # Keys.

    def _ask(self, what: str) -> None:
        entry = self.table.selected
        match what:
            case "next_kind":
                self._turn(1)
            case "previous_kind":
                self._turn(-1)
            case "filter":
                self.filter_line.display = True
                self.set_focus(self.filter_line)
            case "leave":
                self._leave()
            case "close":
                self._read(False)
            case "open" if entry is not None:
                self._read(True)
            case "run" if entry is not None and entry.kind == AGENT.field:
                self.app.choose_agent(entry.slug)
            case "run" if entry is not None and entry.kind == WORKFLOW.field:
                self.app.open_workflow(entry.slug, run=True)
            case "graph" if entry is not None and entry.kind == WORKFLOW.field:
                self.app.open_workflow(entry.slug)
            case "graph":
                self.app.say("A workflow has tasks to look at. This is none.")
            case "run":
                self.app.say("Agents and workflows can be run. This is something to run it with.")
            case "edit" if entry is not None:
                self._edit(entry)
            case "history" if entry is not None:
                self._history(entry)
            case "new":
                self._write("new")
            case "duplicate" if entry is not None:
                self._write("copy", entry)
            case "delete" if entry is not None:
                self._deleting.press(entry)
            case "undo":
                self._undo()
            case "copy" if entry is not None:
                self.app.copy(entry.resource_id, what="the id")
            case "copy_all":
                self.app.copy(self.document.text, what="the whole")
            case "pager":
                text = self.document.text
                self.run_worker(partial(self.app.page, lambda: [text.encode()], 1))
            case _:
                return

    def _undo(self) -> None:
        """What waits to be deleted stays; else what was changed last is again as it was."""
        if self._changed is not None and not self._deleting.waits:
            (entry, version), self._changed = self._changed, None
            self.run_worker(partial(self._take_back, entry, version))
        else:
            self._deleting.undo()

    async def _take_back(self, entry: Entry, version: str) -> None:
        client = await self.app.client()
        try:
            await client.resources.restore(ApiResourceKind.Value(entry.kind), entry.resource_id, version)
        except StigmerError as error:
            self.app.say_error(error)
        else:
            self.app.say(f"{entry.name} is as in version {version} again.")

    def _history(self, entry: Entry) -> None:
        from stigmer_tui.screens.library_history import HistoryScreen, Past

        past = Past(self.kind, entry.resource_id, entry.slug or entry.resource_id)
        self.app.open_page(
            Page(f"history:{entry.resource_id}", f"{past.title} history", lambda: HistoryScreen(past, self.app))
        )

    def _edit(self, entry: Entry) -> None:
        from stigmer_tui.manifests.kinds import DESCRIBED
        from stigmer_tui.manifests.writing import editable_data, to_yaml
        from stigmer_tui.screens.editing import EditingScreen, Subject

        resource = self.feed.resource(entry)
        if self.kind not in DESCRIBED or resource is None:
            self.app.say(
                "A skill is edited in its folder; n pushes it again."
                if self.kind is SKILL
                else f"{self.kind.word.capitalize()}s are not edited: what runs makes them."
            )
            return
        text = to_yaml(editable_data(getattr(resource, entry.kind)))
        subject = Subject(self.kind, text, entry.resource_id, entry.slug)

        def stored(version: str) -> None:
            self._changed = (entry, version)

        page = Page(f"edit:{entry.resource_id}", subject.title, lambda: EditingScreen(subject, self.app, stored))
        self.app.open_page(page)

    def _write(self, name: str, like: Entry | None = None) -> None:
        from stigmer_tui.manifests.drafts import draft
        from stigmer_tui.manifests.kinds import DESCRIBED
        from stigmer_tui.manifests.writing import lasting_data, to_yaml
        from stigmer_tui.screens.editing import EditingScreen, Subject

        if self.kind is SKILL:
            from stigmer_tui.screens.library_pushing import PushScreen

            self.app.open_page(Page("push", "push a skill", lambda: PushScreen(self.app)))
            return
        if self.kind not in DESCRIBED:
            self.app.say(f"{self.kind.word.capitalize()}s are not written: what runs makes them.")
            return
        resource = self.feed.resource(like) if like is not None else None
        if like is None or resource is None:
            text = draft(self.kind, f"{name}-{self.kind.word}")
        else:
            data = lasting_data(getattr(resource, like.kind))
            data["metadata"] |= {"name": f"{like.slug}-{name}", "slug": f"{like.slug}-{name}"}
            text = to_yaml(data)
        subject = Subject(self.kind, text)
        page = Page(
            f"new:{self.kind.word}:{like.slug if like else ''}", subject.title, lambda: EditingScreen(subject, self.app)
        )
        self.app.open_page(page)

    def show_kind(self, field: str, text: str) -> None:
        """Turn to a kind, such as `agent`; only what contains a text."""
        place = next(place for place, (kind, _) in enumerate(SHOWN) if kind.field == field)
        self._filter = self.filter_line.value = text
        self._turn(place - self._place)

    def _turn(self, step: int) -> None:
        self._place = (self._place + step) % len(SHOWN)
        self._read(False)
        self.feed.loaded = False
        self.run_worker(self._fetch, exclusive=True, group="library")
        self.app.await_list()

    def _read(self, reading: bool) -> None:
        self.set_class(reading, "-reading")
        self.set_focus(self.document if reading else self.table)

    def _leave(self) -> None:
        if self._filter:
            self._filter_by("")
            self.filter_line.value = ""
            self.app.await_list()
        else:
            self.app.pop_screen()

    # The filter.

    @on(Input.Changed, "#library-filter")
    def filter_changed(self, message: Input.Changed) -> None:
        """Ask the server once the person stops for a moment."""
        text = message.value
        self.set_timer(FILTER_SECONDS, lambda: self._filter_by(text) if self.filter_line.value == text else None)

    def _filter_by(self, text: str) -> None:
        if text != self._filter:
            self._filter = text
            self.run_worker(self._fetch, exclusive=True, group="library")

    def _filter_left(self, accepted: bool) -> None:
        if not accepted:
            self.filter_line.value = ""
        self._filter_by(self.filter_line.value)
        self.filter_line.display = False
        self.set_focus(self.table)
        self.app.await_list()

    # Deleting.
