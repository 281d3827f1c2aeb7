"""Logs: of the server and the runner, of a run, any file; any size."""

import asyncio
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path

from textual import getters, on
from textual.app import ComposeResult
from textual.dom import DOMNode

from stigmer_apis.client import TailBatch
from stigmer_apis.errors import StigmerError
from stigmer_tui.actions.registry import Scope
from stigmer_tui.logs.fields import unfolded
from stigmer_tui.logs.open_log import OpenLog
from stigmer_tui.logs.patterns import Filter, filter_of
from stigmer_tui.logs.sources import Source, open_pipe, open_sources
from stigmer_tui.logs.times import moment_of, offset_of_time, time_of
from stigmer_tui.screens.workstation import Workstation, WorkstationScreen
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.times import exact, size, thousands
from stigmer_tui.widgets.hints import Hints
from stigmer_tui.widgets.library.document import DocumentView
from stigmer_tui.widgets.line import Line, Part
from stigmer_tui.widgets.log_view import LogView
from stigmer_tui.widgets.logs.view import LogsView
from stigmer_tui.widgets.notice import Notice
from stigmer_tui.widgets.prompt_line import PromptLine
from stigmer_tui.widgets.rows_view import RowsView

CONTEXTS = (0, 2, 5)
LONGEST_COPIED = 1 << 20
RUN = "aex-"

_ASKED = {
    "filter": "only lines with: a text, /an expression/, !not, field=value, status>=500",
    "search": "search for: a text, /an expression/, field=value",
    "time": "go to: 10m (so long ago), 14:03, 2026-11-21 14:03:20",
    "columns": "fields to show side by side, such as time level msg; nothing: all of the line",
    "save": "save what is shown to the file",
}


class LogsScreen(WorkstationScreen):
    """One log at a time, and the whole of a line below it."""

    CSS_PATH = "logs.tcss"
    AUTO_FOCUS = "#logs"
    app = getters.app(Workstation)

    def __init__(
        self,
        workstation: Workstation,
        names: Sequence[str] = (),
        *,
        since: float = 0.0,
        opened: Callable[[], Source] | None = None,
        filters: Sequence[Filter] = (),
        columns: Sequence[str] = (),
    ) -> None:
        """`names`: as `:logs` has them. `since`: seconds since 1970. `opened` opens something else in their place. `filters`, `columns`: to begin with."""
        super().__init__()
        self._workstation = workstation
        self._names = tuple(names)
        self._since = since
        self._open = opened or self._open_named
        self._asked = ""
        self._filters: list[Filter] = list(filters)
        self._around = 0
        self._searched: Filter | None = None
        self._problem = ""
        self.open_log: OpenLog | None = None
        self.head = Line(classes="head")
        self.trouble = Notice()
        self.line = PromptLine("", self._written, id="logs-line")
        self.view = LogsView(self._ask)
        self.view.show_columns(columns)
        self.document = DocumentView(self._ask_document)
        self.notice = Notice()
        self.status = Line(classes="status")
        self.hints = Hints(classes="hints")

    def compose(self) -> ComposeResult:
        """The log, and one line of it."""
        yield self.head
        yield self.trouble
        yield self.line
        yield self.view
        yield self.document
        yield self.notice
        yield self.status
        yield self.hints

    def action_targets(self) -> Mapping[Scope, DOMNode]:
        """Who carries out which actions."""
        return {Scope.LOGS: self.view, Scope.DOCUMENT: self.document}

    async def on_mount(self) -> None:
        """Open it: the first screen is there at once, the rest is counted meanwhile."""
        self.document.display = False
        self.hints.leave_out({"document.edit", "document.history"})
        self.view.say_empty("Opening …")
        try:
            source = await asyncio.to_thread(self._open)
        except StigmerError as error:
            self._problem = str(error)
            self.view.say_empty("")
            self._say()
            return
        self.open_log = OpenLog(source, self.view.told)
        self.view.show(self.open_log)
        self.open_log.start()
        if self._filters:
            self._filter(self._filters)
        self._say()

    async def on_unmount(self) -> None:
        """Give it back."""
        if self.open_log is not None:
            await asyncio.to_thread(self.open_log.close)

    def _open_named(self) -> Source:
        if len(self._names) == 1 and self._names[0].startswith(RUN):
            reading, writing = os.pipe()
            self.app.call_from_thread(self.run_worker, self._copy_run(self._names[0], writing))
            return open_pipe(reading, self._names[0])
        return open_sources(self._names, self._workstation.home, since=self._since)

    async def _copy_run(self, execution_id: str, pipe: int) -> None:
        """What a run prints, as a log."""
        try:
            client = await self.app.client()
            async with aclosing(client.tail(execution_id)) as items:
                async for item in items:
                    for event in item.events if isinstance(item, TailBatch) else ():
                        if event.WhichOneof("body") == "terminal_output":
                            data = event.terminal_output.data.replace(b"\r\n", b"\n")
                            await asyncio.to_thread(_write_all, pipe, data)
        except StigmerError as error:
            self._problem = str(error)
            self._say()
        finally:
            os.close(pipe)

    # Drawing.

    def _say(self) -> None:
        log = self.open_log
        name = safe(Untrusted(log.source.name if log is not None else " + ".join(self._names) or "server + runner"))
        left: list[Part] = [("Logs  ", "title"), (name, "text")]
        if log is not None and log.scan is not None:
            for each, count in zip(self._filters, log.scan.counts, strict=False):
                left += [
                    ("  ", "muted"),
                    (f" {safe(Untrusted(each.text))} ", "badge"),
                    (f" {thousands(count)}", "muted"),
                ]
        if self.view.columns:
            left.append((f"  {safe(Untrusted(' · '.join(self.view.columns)))}", "accent"))
        if self._around:
            left.append((f"  ±{self._around}", "muted"))
        self.head.say(left, self._progress())
        problem = self._problem or (log.problem or log.source.problem if log is not None else "")
        if log is not None and not problem:
            problem = next((scan.problem for scan in (log.scan, log.search) if scan is not None and scan.problem), "")
        if problem:
            self.status.say([(safe(Untrusted(problem)), "error")])
        elif log is not None and self.view.row_count():
            self.status.say(self._where(log), self._found(log))
        else:
            self.status.say([])
        self.view.say_empty(self._nothing(log))

    def _nothing(self, log: OpenLog | None) -> str:
        if log is None:
            return "Nothing to show. q goes back; :logs FILE opens another one." if self._problem else "Opening …"
        if log.scan is not None:
            return "No line fits. backspace takes the last filter away." if log.scan.through else "Looking …"
        return "Nothing was written yet. What comes is shown as it comes."

    def _progress(self) -> list[Part]:
        log = self.open_log
        if log is None:
            return []
        whole = log.source.store.size
        follows = [("following", "good")] if self.view.following else [("reading", "muted")]
        if not self.view.following and self.view.fresh:
            follows = [(f"+{thousands(self.view.fresh)} new", "accent")]
        done = log.scan.position if log.scan is not None else log.index.counted
        if whole and done < whole:
            follows.insert(0, (f"{100 * done // whole} % ", "accent"))
        return [*follows, (f"  {size(whole)}", "muted")]

    def _where(self, log: OpenLog) -> list[Part]:
        rows = log.row_count
        about = "" if log.scan is not None or log.index.complete else "~"
        place = self.view.place()
        line = log.line(self.view.cursor, 400)
        seconds = time_of(line) if line is not None else None
        when = f"  {exact(int(seconds * 1e6))}" if seconds else ""
        done = 100 if self.view.cursor + 1 >= rows else 100 * (place or 0) // max(1, log.source.store.size)
        share = f"  {done} %"
        return [
            (f"{about}{thousands(self.view.cursor + 1)} of {about}{thousands(rows)}", "text"),
            (share + when, "muted"),
        ]

    def _found(self, log: OpenLog) -> list[Part]:
        if log.search is None or self._searched is None:
            return [(f"{len(self.view.marks)} marked", "muted")] if self.view.marks else []
        more = "" if log.search.through else "…"
        count = len(log.search.rows)
        return [
            (f"‘{safe(Untrusted(self._searched.text))}’ {thousands(count)}{more}", "accent" if count else "warning")
        ]

    @on(RowsView.PlaceChanged, "#logs")
    @on(LogView.FollowChanged)
    def place_changed(self) -> None:
        """Another line is under the cursor."""
        self._say()
        if self.document.display:
            self._show_line()

    # Keys.

    def _ask(self, what: str) -> None:
        log = self.open_log
        match what:
            case "changed":
                self._say()
            case "leave":
                self._leave()
            case _ if log is None:
                return
            case "filter" | "search" | "time" | "save" | "columns":
                self._ask_for(what)
            case "unfilter" if self._filters:
                self._filter(self._filters[:-1])
            case "context":
                self._around = CONTEXTS[(CONTEXTS.index(self._around) + 1) % len(CONTEXTS)]
                self._filter(self._filters)
            case "next_error" | "previous_error":
                if not self.view.next_error(1 if what == "next_error" else -1):
                    self.app.say("No error further on." if what == "next_error" else "No error before.")
            case "no_match":
                self.app.say("Nothing matches." if self._searched else "/ searches.")
            case "mark":
                self.view.toggle_mark()
                self._say()
            case "mark_all":
                self.app.say(self.view.mark_all())
                self._say()
            case "next_mark":
                if not self.view.next_mark():
                    self.app.say("No line is marked. m marks one.")
            case "read" | "menu":
                self.document.display = True
                self._show_line()
                self.set_focus(self.document)
            case "copy_line":
                self._copy()
            case "pager":
                self.run_worker(partial(self.app.page, lambda: log.lines(self.view.cursor), 1))
            case _:
                return

    def _ask_document(self, what: str) -> None:
        match what:
            case "close":
                self.document.display = False
                self.set_focus(self.view)
            case "copy_all":
                self.app.copy(self.document.text[:LONGEST_COPIED], what="the line")
            case "pager":
                text = self.document.text
                self.run_worker(partial(self.app.page, lambda: [text.encode()], 1))
            case _:
                return

    def _show_line(self) -> None:
        line = self.open_log.line(self.view.cursor) if self.open_log is not None else None
        text = unfolded(line or b"")
        if text != self.document.text:
            self.document.show(text)

    def _copy(self) -> None:
        lines, cut = self.view.selected_lines(LONGEST_COPIED)
        if not lines:
            self.app.copy(self.view.text_of_row(self.view.cursor), what="the line")
            return
        self.view.unselect()
        self.app.copy("\n".join(lines), what=f"{len(lines)} lines" if len(lines) > 1 else "what was selected", cut=cut)

    def _leave(self) -> None:
        if self.view.unselect():
            return
        if self._searched is not None:
            self._search(None)
        elif self._filters:
            self._filter([])
        else:
            self.leave_place()

    def leave_place(self) -> None:
        """Go back."""
        self.app.pop_screen()

    # Writing.

    def _ask_for(self, what: str) -> None:
        self._asked = what
        self.line.placeholder = _ASKED[what]
        begun = {"search": self._searched.text if self._searched else "", "columns": self.view.columns_words()}
        self.line.value = begun.get(what, "")
        self.line.display = True
        self.set_focus(self.line)

    def _written(self, accepted: bool) -> None:
        text = self.line.value.strip()
        self.line.display = False
        self.set_focus(self.view)
        if not accepted or not (text or self._asked == "columns"):
            return
        try:
            match self._asked:
                case "filter":
                    self._filter([*self._filters, filter_of(text)])
                case "search":
                    self._search(filter_of(text))
                case "columns":
                    self.view.show_columns(text.replace(",", " ").split())
                    self._say()
                case "time":
                    self.run_worker(partial(self._go_to_time, text))
                case _:
                    self.run_worker(partial(self._save, text))
        except StigmerError as error:
            self.app.say_error(error)

    def _filter(self, filters: Sequence[Filter]) -> None:
        """Show other lines, and stay near where one reads."""
        log = self.open_log
        if log is None:
            return
        filters = sorted(filters, key=lambda each: (each.inverse, bool(each.compare)))
        place = None if self.view.following else self.view.place()
        self._filters = filters
        log.show_only(filters, self._around)
        self.view.follow(True)
        self.view.relaid()
        if place is not None and not filters:
            self.view.go_to(place)
        self._say()

    def _search(self, wanted: Filter | None) -> None:
        self._searched = wanted
        self.view.look_for(wanted)
        self._say()

    async def _go_to_time(self, text: str) -> None:
        log = self.open_log
        moment = moment_of(text, time.time())
        if log is None or moment is None:
            self.app.say(f"{text} is no time: write 10m, 14:03 or 2026-11-21 14:03:20.", wrong=True)
            return
        place = await asyncio.to_thread(offset_of_time, log.source.store, moment)
        self.view.go_to(min(place, max(0, log.source.store.size - 1)))
        if place >= log.source.store.size:
            self.app.say("Nothing is as late as that: this is the end.")

    async def _save(self, text: str) -> None:
        log, path = self.open_log, _path(text)
        if log is None:
            return
        try:
            written = await asyncio.to_thread(log.save, path)
        except OSError as error:
            self.app.say(f"{path} cannot be written: {error.strerror or error}. Write another name.", wrong=True)
            return
        self.app.say(f"Saved {size(written)} to {path}.")


def _write_all(pipe: int, data: bytes) -> None:
    while data:
        data = data[os.write(pipe, data) :]


def _path(text: str) -> Path:
    return Path(text).expanduser()
