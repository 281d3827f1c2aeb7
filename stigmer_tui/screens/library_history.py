"""The history of a resource: its versions, what is different in each, and making one the newest again, which can be taken back."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Container
from textual.dom import DOMNode

from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis.errors import StigmerError
from stigmer_tui.actions.registry import Scope
from stigmer_tui.manifests.differences import difference
from stigmer_tui.manifests.kinds import Kind
from stigmer_tui.manifests.writing import lasting_data, to_yaml
from stigmer_tui.screens.workstation import Workstation, WorkstationScreen
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.times import thousands
from stigmer_tui.widgets.hints import Hints
from stigmer_tui.widgets.library.versions import ChangesView, Version, VersionList, row_of
from stigmer_tui.widgets.line import Line
from stigmer_tui.widgets.notice import Notice
from stigmer_tui.widgets.rows_view import RowsView

PAGE = 200
SIDE_BY_SIDE = 120
"""Columns from which the versions and what is different both have room beside each other."""


@dataclass(frozen=True, slots=True)
class Past:
    """Whose history."""

    kind: Kind
    resource_id: str
    slug: str

    @property
    def title(self) -> str:
        """For the head and the tab; safe to draw."""
        return safe(Untrusted(f"{self.kind.word}/{self.slug}"))


class HistoryScreen(WorkstationScreen):
    """Versions, newest first; of the selected one, what is different from the present, or what it changed."""

    CSS_PATH = "library.tcss"
    AUTO_FOCUS = "#versions"
    app = getters.app(Workstation)

    def __init__(self, past: Past, workstation: Workstation) -> None:
        super().__init__()
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (SIDE_BY_SIDE, "-wide")]
        self._past = past
        self._versions: list[Version] = []
        self._token = ""
        self._loaded = False
        self._error: StigmerError | None = None
        self._since = False
        """Whether it is shown what a version changed, and not what is different from the present."""
        self._taken_from = ""
        """The version that was the newest before one was made so again here; empty where there is nothing to take back."""
        self._restoring = False
        self._shown: tuple[str, str, bool] | None = None
        self.head = Line(classes="head")
        self.trouble = Notice()
        self.list = VersionList(workstation.clock, self._ask)
        self.changes = ChangesView()
        self.empty = Line(classes="empty")
        self.notice = Notice()
        self.status = Line(classes="status")
        self.hints = Hints(classes="hints")

    def compose(self) -> ComposeResult:
        """Versions, differences."""
        yield self.head
        yield self.trouble
        yield self.empty
        with Container(id="history"):
            yield self.list
            yield self.changes
        yield self.notice
        yield self.status
        yield self.hints

    def action_targets(self) -> Mapping[Scope, DOMNode]:
        """Who carries out which actions."""
        return {Scope.HISTORY: self.list}

    @property
    def coming(self) -> bool:
        """Whether no version is known yet, or another is just made the newest."""
        unknown = not self._loaded and self._error is None
        return (unknown or self._restoring) and not self.app.connection_lost

    def on_mount(self) -> None:
        """Fetch the newest, and keep up."""
        self.show_connection(self.app)
        self._say()
        self.run_worker(self._fetch, exclusive=True, group="history")
        self.run_worker(self._follow)

    # Fetching.

    @property
    def _number(self) -> ApiResourceKind.ValueType:
        return ApiResourceKind.ValueType(self._past.kind.number)

    async def _follow(self) -> None:
        client = await self.app.client()
        try:
            async for change in client.resources.watch([self._number]):
                field = self._past.kind.field
                ids = {
                    getattr(each, field).metadata.id for each in change.changed if each.WhichOneof("resource") == field
                }
                if change.reset or self._past.resource_id in ids:
                    self.run_worker(self._fetch, exclusive=True, group="history")
        except StigmerError as error:
            self.app.say_error(error)

    async def _fetch(self, *, more: bool = False) -> None:
        client = await self.app.client()
        selected = self._selected
        try:
            page = await client.resources.versions(
                self._number, self._past.resource_id, page_size=PAGE, page_token=self._token if more else ""
            )
        except StigmerError as error:
            self._error = error
        else:
            at_newest = selected is not None and not self.list.cursor
            self._versions = [*(self._versions if more else ()), *page.versions]
            self._token, self._error, self._loaded = page.next_page_token, None, True
            stay = "" if selected is None or (at_newest and not more) else selected.version_id
            self.list.show([row_of(each) for each in self._versions], stay=stay)
        self._say()
        self.app.list_came()

    @property
    def _selected(self) -> Version | None:
        return self._versions[self.list.cursor] if self.list.cursor < len(self._versions) else None

    # Drawing.

    def _say(self) -> None:
        count = f"{thousands(len(self._versions))}{'+' if self._token else ''}"
        self.head.say(
            [(self._past.title, "title"), ("  history", "muted")],
            [(f"{count} version{'' if count == '1' else 's'}" if self._loaded else "", "muted")],
        )
        self.empty.display = not self._versions
        if self._error is not None:
            self.empty.say([(safe(Untrusted(str(self._error))), "error")])
        elif self._loaded:
            self.empty.say([("It has no history: it was made by what ran.", "muted")])
        else:
            self.empty.say([("Loading …", "muted")])
        version = self._selected
        if version is None:
            self.status.say([])
            return
        compared = "what it changed" if self._compares_with_before else "what has changed since"
        self.status.say([(compared, "muted")], [(self.list.exact, "muted")])
        self._show_changes(version)

    @property
    def _compares_with_before(self) -> bool:
        return self._since or self.list.cursor == 0

    def _show_changes(self, version: Version) -> None:
        newest = self._versions[0]
        wanted = (version.version_id, newest.version_id, self._compares_with_before)
        if wanted == self._shown:
            return
        self._shown = wanted
        field, place = self._past.kind.field, self.list.cursor
        here = getattr(version.resource, field)
        if not self._compares_with_before:
            before, after, words = here, getattr(newest.resource, field), f"since version {version.version_id}"
        elif place + 1 < len(self._versions):
            before, after = getattr(self._versions[place + 1].resource, field), here
            words = f"in version {version.version_id}"
        else:
            before, after, words = None, here, f"in version {version.version_id}, the first"
        lines = list(difference(before, after, self._past.title))
        self.changes.show(self._past.title, words if lines else f"is the same {words}", lines)

    @on(RowsView.PlaceChanged, "#versions")
    def place_changed(self) -> None:
        """Another version is selected, or the end of what was fetched is near."""
        self._say()
        if self._token and self.list.top + 2 * self.list.page_rows > self.list.row_count():
            self.run_worker(partial(self._fetch, more=True), exclusive=True, group="history")

    # Keys.

    def _ask(self, what: str) -> None:
        version = self._selected
        match what:
            case "leave":
                self.app.pop_screen()
            case "compare":
                self._since = not self._since
                self._say()
            case "less":
                self.changes.scroll_rows(1 - self.changes.page_rows)
            case "more":
                self.changes.scroll_rows(self.changes.page_rows - 1)
            case "restore" if version is not None:
                self._restore(version)
            case "undo":
                self._undo()
            case "copy" if version is not None:
                self.app.copy(self._whole(version), what=f"version {safe(Untrusted(version.version_id))}")
            case "pager" if version is not None:
                text = self._whole(version)
                self.run_worker(partial(self.app.page, lambda: [text.encode()], 1))
            case _:
                return

    def _whole(self, version: Version) -> str:
        return to_yaml(lasting_data(getattr(version.resource, self._past.kind.field)))

    def _restore(self, version: Version) -> None:
        newest = self._versions[0].version_id
        if version.version_id == newest:
            self.app.say("This version is the present one.")
        else:
            self._begin(version.version_id, undo=newest)

    def _undo(self) -> None:
        if self._taken_from:
            self._begin(self._taken_from, undo="")
        else:
            self.app.say("Nothing was restored here.")

    def _begin(self, version_id: str, *, undo: str) -> None:
        """Keys wait until it is done: they are for what is the newest then."""
        self._restoring = True
        self.run_worker(partial(self._make_newest, version_id, undo=undo))
        self.app.await_list()

    async def _make_newest(self, version_id: str, *, undo: str) -> None:
        try:
            await self._restore_and_show(version_id, undo)
        except StigmerError as error:
            self.app.say_error(error)
        finally:
            self._restoring = False
            self.app.list_came()

    async def _restore_and_show(self, version_id: str, undo: str) -> None:
        client = await self.app.client()
        restored = await client.resources.restore(self._number, self._past.resource_id, version_id)
        self._taken_from = undo
        now = getattr(restored, self._past.kind.field).metadata.version.id
        more = " u takes it back." if undo else ""
        self.list.move_cursor(0)
        await self._fetch()
        self.app.say(f"It is as in version {version_id} again, as version {now}.{more}")
