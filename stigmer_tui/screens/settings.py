"""Settings: what is set, where it comes from, and how to change it; and the keys of every action."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from textual import events, getters, on
from textual.app import ComposeResult
from textual.dom import DOMNode
from textual.suggester import SuggestFromList
from textual.widgets import Input

from stigmer_apis.config import load
from stigmer_apis.config.file import read_file
from stigmer_apis.errors import ConfigError, StigmerError
from stigmer_tui.actions.registry import Scope
from stigmer_tui.screens.run_layout import Arrangement, Layout
from stigmer_tui.screens.workstation import Workstation, WorkstationScreen
from stigmer_tui.settings.changing import Changes
from stigmer_tui.settings.elsewhere import kept_elsewhere
from stigmer_tui.settings.entries import Entry, Way
from stigmer_tui.settings.keys import key_entries
from stigmer_tui.settings.values import value_entries
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.widgets.board.view import View
from stigmer_tui.widgets.hints import Hints
from stigmer_tui.widgets.line import Line
from stigmer_tui.widgets.notice import Notice
from stigmer_tui.widgets.prompt_line import PromptLine
from stigmer_tui.widgets.rows_view import RowsView
from stigmer_tui.widgets.settings.list import SettingsList, SettingWords

LOOK_SECONDS = 1.0
"""Between two looks at the file."""
PANES_FILE = "layout.json"
_PAGES = ("Settings", "Keys")
_NOBODY = "Nobody set anything: everything is as it comes. c shows all of it."


Done = TypeVar("Done")


class SettingsScreen(WorkstationScreen):
    """Two pages of rows, and what is said of the selected one below them."""

    CSS_PATH = "settings.tcss"
    AUTO_FOCUS = "#settings-list"
    app = getters.app(Workstation)

    def __init__(self, workstation: Workstation, text: str = "", *, keys: bool = False) -> None:
        """`text`: only what contains it. `keys`: begin with the keys."""
        super().__init__()
        self.VERTICAL_BREAKPOINTS = [(0, "-low"), (16, "-high")]
        self._home = workstation.home
        self._shown_columns = workstation.shown_columns
        self._page = int(keys)
        self._only_changed = False
        self._pages: tuple[Sequence[Entry], Sequence[Entry]] = ((), ())
        self._wrong = ""
        """Why the file cannot be used."""
        self._draft: tuple[str, str] | None = None
        """The file as it was and as somebody wants it, where that was refused."""
        self._changes = Changes(self._home)
        self.head = Line(classes="head")
        self.trouble = Notice()
        self.filter_line = PromptLine("show only what contains these words", self._filter_left, id="settings-filter")
        self.filter_line.value = text
        self.list = SettingsList(self._ask)
        self.empty = Line(classes="empty")
        self.words = SettingWords()
        self.value_line = PromptLine("a value", self._value_left, id="settings-value")
        self.notice = Notice()
        self.status = Line(classes="status")
        self.hints = Hints(classes="hints")

    def compose(self) -> ComposeResult:
        """Rows, what is said of one, the line to write a value in."""
        yield self.head
        yield self.trouble
        yield self.filter_line
        yield self.empty
        yield self.list
        yield self.words
        yield self.value_line
        yield self.notice
        yield self.status
        yield self.hints

    def action_targets(self) -> Mapping[Scope, DOMNode]:
        """Who carries out which actions."""
        return {Scope.SETTINGS: self.list}

    def on_mount(self) -> None:
        """Read, and keep up with the file."""
        self.show_connection(self.app)
        self.filter_line.display = bool(self.filter_line.value)
        self._read()
        self.set_interval(LOOK_SECONDS, self._read)

    @on(events.ScreenResume)
    def look_again(self) -> None:
        """Columns may be others now."""
        if self.is_mounted:
            self._read()

    # Reading.

    def _read(self) -> None:
        self.run_worker(self._load, exclusive=True, group="settings")

    async def _load(self) -> None:
        try:
            pages = await asyncio.to_thread(self._rows)
        except StigmerError as error:
            self._wrong, pages = error.message, ((), ())
        else:
            self._wrong = ""
        if pages != self._pages or self._wrong or not pages[0]:
            self._pages = pages
            self._show()

    def _rows(self) -> tuple[list[Entry], list[Entry]]:
        configuration = load(self._home)
        others = kept_elsewhere(tuple(self._shown_columns()), View().columns, self._home.root / PANES_FILE)
        values = value_entries(configuration)
        first = next((place for place, row in enumerate(values) if not row.section.startswith("tui")), 0)
        return [*values[:first], *others, *values[first:]], key_entries(configuration)

    def _show(self) -> None:
        if not (self._pages[0] or self._wrong):
            return
        wanted = self.filter_line.value
        rows = [row for row in self._pages[self._page] if row.fits(wanted) and (row.changed or not self._only_changed)]
        self.list.show(rows)
        self.empty.display = not rows
        if self._wrong:
            self.empty.say([(f"The file cannot be used: {safe(Untrusted(self._wrong))}", "error")])
        else:
            self.empty.say([("Nothing contains these words. esc takes them away." if wanted else _NOBODY, "muted")])
        self._say(len(rows))

    def _say(self, shown: int) -> None:
        page, whole = _PAGES[self._page], len(self._pages[self._page])
        other = _PAGES[1 - self._page]
        count = f"{shown} of {whole}" if shown != whole else f"{whole}"
        changed = "  only what differs" if self._only_changed else ""
        self.head.say(
            [(page, "title"), (f"  {other}", "muted"), (changed, "warning")],
            [(count, "muted")],
        )
        self._say_selected()

    def _say_selected(self) -> None:
        entry = self.list.selected
        self.words.show(entry)
        if self.value_line.has_focus:
            return
        if self._wrong:
            self.status.say([("✗ ctrl+g opens the file in $EDITOR", "error")])
        elif entry is not None:
            self.status.say([(safe(Untrusted(entry.key)), "muted")], [(safe(Untrusted(entry.origin)), "muted")])
        else:
            self.status.say([])

    @on(RowsView.PlaceChanged)
    def place_changed(self) -> None:
        """Say something of another one."""
        self._say_selected()

    # Keys.

    def _ask(self, what: str) -> None:
        entry = self.list.selected
        match what:
            case "leave" if self.filter_line.value or self._only_changed:
                self._only_changed = False
                self._filter_left(accepted=False)
            case "leave":
                self.app.pop_screen()
            case "filter":
                self.filter_line.display = True
                self.set_focus(self.filter_line)
            case "changed":
                self._only_changed = not self._only_changed
                self._show()
            case "next_page":
                self._page = 1 - self._page
                self.list.cursor = 0
                self._show()
            case "undo":
                self._change(self._changes.undo, lambda what: f"{what} is as it was." if what else "Nothing to undo.")
            case "file":
                self.run_worker(self._edit_file, exclusive=True, group="file")
            case _ if entry is not None:
                self._ask_about(entry, what)
            case _:
                return

    def _ask_about(self, entry: Entry, what: str) -> None:
        match what:
            case "edit":
                self._edit(entry)
            case "next_value" | "previous_value":
                self._take_neighbour(entry, 1 if what == "next_value" else -1)
            case "unset" if entry.way in (Way.TEXT, Way.THEME):
                self._change(
                    lambda: self._changes.unset(entry.key),
                    lambda there: f"{entry.key} is out of the file." if there else "It does not stand in the file.",
                )
            case "unset":
                self.app.say("It does not stand in the file.")
            case "copy":
                secret = "" if entry.way is Way.COMMAND else f"config set {entry.key} '{entry.written}'"
                self.app.copy(f"stigmer {secret or ' '.join(entry.command)}\n", what="the command")
            case _:
                return

    # The filter.

    @on(Input.Changed, "#settings-filter")
    def filter_changed(self) -> None:
        """Narrow down while one writes."""
        self._show()

    def _filter_left(self, accepted: bool) -> None:
        if not accepted:
            self.filter_line.value = ""
        self.filter_line.display = bool(self.filter_line.value)
        self._show()
        self.set_focus(self.list)

    # Changing.

    def _edit(self, entry: Entry) -> None:
        match entry.way:
            case Way.THEME:
                self.app.choose_theme("")
            case Way.COLUMNS:
                self.app.show_board(None)
                self.app.call_later(self.app.run_written, "board.columns")
            case Way.COMMAND:
                self.run_worker(partial(self.app.run_command, *entry.command))
            case Way.PANES:
                self._take_neighbour(entry, 1)
            case Way.NOT_HERE:
                self.app.say(entry.about)
            case Way.TEXT:
                self.value_line.suggester = SuggestFromList(entry.choices) if entry.choices else None
                self.value_line.placeholder = entry.may_be
                self.value_line.value = entry.written
                self.value_line.cursor_position = len(entry.written)
                self.value_line.display = True
                self.set_focus(self.value_line)
                self._check()

    @on(Input.Changed, "#settings-value")
    def value_changed(self) -> None:
        """Check while one writes."""
        self._check()

    def _check(self) -> str:
        entry, text = self.list.selected, self.value_line.value
        wrong = entry.check(text) if entry is not None else ""
        if entry is None or not self.value_line.display:
            return wrong
        if wrong:
            self.status.say([(f"✗ {safe(Untrusted(wrong))}", "error")])
        else:
            over = f"; {entry.over_file} in the environment still counts before it" if entry.over_file else ""
            self.status.say([("✓ enter writes it into the file", "good"), (over, "warning")])
        return wrong

    def _value_left(self, accepted: bool) -> None:
        entry = self.list.selected
        if accepted and entry is not None:
            if wrong := self._check():
                self.app.say(f"Not written: {wrong}.", wrong=True)
                return
            if self.value_line.value.strip() != entry.written:
                self._set(entry, self.value_line.value)
        self.value_line.display = False
        self.set_focus(self.list)
        self._say_selected()

    def _take_neighbour(self, entry: Entry, step: int) -> None:
        value = entry.neighbour(step)
        if not value or entry.way not in (Way.TEXT, Way.PANES):
            self.app.say("enter changes it: it is not one of a few values.")
        elif entry.way is Way.PANES:
            Layout(self._home.root / PANES_FILE).choose(Arrangement(value))
            self._read()
        else:
            self._set(entry, value)

    def _set(self, entry: Entry, text: str) -> None:
        counts = f" {entry.counts}" if entry.counts else ""
        over = f" {entry.over_file} in the environment still counts before it." if entry.over_file else ""
        self._change(
            lambda: self._changes.set(entry.key, text),
            lambda _: f"{entry.key} is {text.strip()}.{counts}{over} u undoes.",
        )

    def _change(self, work: Callable[[], Done], said: Callable[[Done], str]) -> None:
        async def run() -> None:
            try:
                done = await asyncio.to_thread(work)
            except StigmerError as error:
                self.app.say_error(error)
            else:
                self.app.say(said(done))
            self._read()

        self.run_worker(run)

    async def _edit_file(self) -> None:
        """The whole file in the person's editor; what would not be understood is kept for the next time."""
        try:
            before, text = self._draft or (await asyncio.to_thread(read_file, self._home.config),) * 2
            edited = await self.app.edit(text)
            if edited is None or edited.rstrip() == before.rstrip():
                self._draft = None
                return
            edited = f"{edited}\n" if edited else ""
            self._draft = (before, edited)
            await asyncio.to_thread(self._changes.replace, before, edited)
        except ConfigError as error:
            self.app.say(f"Nothing was written, ctrl+g goes on with your text: {error.message}", wrong=True)
        except StigmerError as error:
            self.app.say_error(error)
        else:
            self._draft = None
            self.app.say(f"{self._home.config} is written. u undoes.")
            self._read()
