"""Doctor: what works on this machine, and how to mend what does not."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events, getters, on
from textual.app import ComposeResult
from textual.dom import DOMNode

from stigmer_apis.home import Home
from stigmer_tui.actions.keys import bindings_of
from stigmer_tui.actions.registry import Scope
from stigmer_tui.checks.examining import examine
from stigmer_tui.checks.finding import Finding, Health, bad
from stigmer_tui.screens.workstation import Workstation, WorkstationScreen
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.width import fit, wrap
from stigmer_tui.widgets.hints import Hints
from stigmer_tui.widgets.line import Line
from stigmer_tui.widgets.notice import Notice
from stigmer_tui.widgets.rows_view import EDGES, RowsView

CONNECT_SECONDS = 2.0
"""How long the daemon is waited for before it is said not to answer."""
_MARKS = {Health.GOOD: ("✓", "good"), Health.ABSENT: ("–", "absent"), Health.BAD: ("✗", "bad")}
_SUBJECT = 12
_INDENT = 2 + _SUBJECT

Pieces = list[tuple[str, str]]


def rows_of(finding: Finding, width: int) -> list[Pieces]:
    """A finding in rows of `width` cells: what was seen, and below it how to mend it. Pure."""
    mark, style = _MARKS[finding.health]
    room = max(8, width - _INDENT)
    seen = wrap(safe(Untrusted(finding.detail)), room)
    rows: list[Pieces] = [
        [(f"{mark} ", style), (fit(finding.subject, _SUBJECT), "subject"), (seen[0], "text")],
        *([(" " * _INDENT, "text"), (row, "text")] for row in seen[1:]),
    ]
    if finding.remedy:
        rows += [
            [(" " * _INDENT, "text"), (row, "remedy")] for row in wrap(f"→ {safe(Untrusted(finding.remedy))}", room)
        ]
    return rows


class FindingList(RowsView):
    """Findings, each in as many rows as it needs."""

    BINDINGS = bindings_of(Scope.DOCTOR)
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"doctor--{name}" for name in ("good", "absent", "bad", "subject", "text", "remedy")
    }

    def __init__(self, ask: Callable[[str], None]) -> None:
        super().__init__(id="findings")
        self._ask = ask
        self._findings: Sequence[Finding] = ()
        self._rows: list[tuple[int, Pieces]] = []

    def show(self, findings: Sequence[Finding], *, anew: bool = False) -> None:
        """Show other findings; the cursor goes to the first that wants mending where it was on none, or `anew`."""
        before = None if anew else self.selected
        self._findings = findings
        self._lay_out()
        wanted = next((each for each in findings if before is not None and each.subject == before.subject), None)
        wanted = wanted or next((each for each in findings if each.health is Health.BAD), None)
        self.move_cursor(next((row for row, (place, _) in enumerate(self._rows) if findings[place] is wanted), 0))

    @property
    def selected(self) -> Finding | None:
        """The finding under the cursor."""
        return self._findings[self._rows[self.cursor][0]] if 0 <= self.cursor < len(self._rows) else None

    def row_count(self) -> int:
        """Rows of all findings."""
        return len(self._rows)

    def draw_row(self, row: int, width: int) -> list[Segment]:
        """A row of a finding."""
        return [
            Segment(text, self.get_component_rich_style(f"doctor--{style}", partial=True))
            for text, style in self._rows[row][1]
        ]

    def on_resize(self, event: events.Resize) -> None:
        """Another width: other rows."""
        self._lay_out()
        super().on_resize(event)

    def _lay_out(self) -> None:
        width = max(1, self.size.width - EDGES)
        self._rows = [(place, row) for place, each in enumerate(self._findings) for row in rows_of(each, width)]
        self.forget_drawn()
        self.refresh()

    def action_edge(self, direction: int) -> None:
        """Go to the first or the last row."""
        self.move_cursor(0 if direction < 0 else self.row_count() - 1)

    def action_do(self, what: str) -> None:
        """Have the screen do something."""
        self._ask(what)


class DoctorScreen(WorkstationScreen):
    """Every check, run at once, and again on demand."""

    CSS_PATH = "doctor.tcss"
    AUTO_FOCUS = "#findings"
    app = getters.app(Workstation)

    def __init__(self, home: Home) -> None:
        super().__init__()
        self._home = home
        self._findings: Sequence[Finding] | None = None
        self._looking = False
        self.head = Line(classes="head")
        self.trouble = Notice()
        self.list = FindingList(self._ask)
        self.notice = Notice()
        self.status = Line(classes="status")
        self.hints = Hints(classes="hints")

    def compose(self) -> ComposeResult:
        """Findings."""
        yield self.head
        yield self.trouble
        yield self.list
        yield self.notice
        yield self.status
        yield self.hints

    def action_targets(self) -> Mapping[Scope, DOMNode]:
        """Who carries out which actions."""
        return {Scope.DOCTOR: self.list}

    def on_mount(self) -> None:
        """Look."""
        self.show_connection(self.app)
        self._look_soon()

    @on(events.ScreenResume)
    def look_again(self) -> None:
        """Something may have been mended meanwhile."""
        if self._findings is not None:
            self._look_soon()

    def _look_soon(self) -> None:
        self._looking = True
        self._say()
        self.run_worker(self._look, exclusive=True, group="doctor")

    async def _look(self) -> None:
        client, unreachable = None, None
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                client = await self.app.client()
        except TimeoutError:
            unreachable = bad("daemon", "it does not answer", "Start it: stigmer server start")
        findings = await examine(self._home, client, told=self._found)
        first = self._findings is None
        self._findings = [*findings, unreachable] if unreachable is not None else findings
        self._looking = False
        self.list.show(self._findings, anew=first)
        self._say()

    def _found(self, findings: Sequence[Finding]) -> None:
        """The first time each is shown as it comes; later what was found before stands until all is known again."""
        if self._findings is None:
            self.list.show(findings, anew=True)

    def _say(self) -> None:
        found = self._findings or ()
        wrong = sum(each.health is Health.BAD for each in found)
        counted = f"{wrong} to mend" if wrong else ("all well" if found else "")
        self.head.say(
            [("Doctor", "title"), ("  what works on this machine", "muted")],
            [("looking …  " if self._looking else "", "muted"), (counted, "error" if wrong else "good")],
        )
        self.status.say(
            [("✓ works   – not there, and nothing needs it now   ✗ wants mending", "muted")],
        )

    def _ask(self, what: str) -> None:
        selected = self.list.selected
        match what:
            case "again":
                self._look_soon()
            case "copy" if selected is not None:
                self.app.copy(selected.remedy or selected.detail, what=f"what is said of {selected.subject}")
            case "copy_all":
                lines = (f"{_MARKS[each.health][0]} {each.subject}  {each.words}" for each in self._findings or ())
                self.app.copy("\n".join(lines) + "\n", what="everything")
            case "leave":
                self.app.pop_screen()
            case _:
                return
