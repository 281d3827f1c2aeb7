"""Plots: what runs used and how they ended, over time, by agent and by tool; the exact numbers on demand."""

from collections.abc import Mapping
from datetime import datetime

from textual import events, getters, on
from textual.app import ComposeResult
from textual.containers import Container
from textual.dom import DOMNode

from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import ExecutionFilter, TallyExecutionsResponse
from stigmer_apis.errors import StigmerError
from stigmer_tui.actions.registry import Scope
from stigmer_tui.screens.workstation import Workstation, WorkstationScreen
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.times import exact, thousands
from stigmer_tui.widgets.hints import Hints
from stigmer_tui.widgets.line import Line, Part
from stigmer_tui.widgets.notice import Notice
from stigmer_tui.widgets.plots.chart import Chart
from stigmer_tui.widgets.plots.list import PlotList
from stigmer_tui.widgets.plots.measures import MEASURES, NAMES, PERIODS, TITLES, TOOLS, Tally, bounds
from stigmer_tui.widgets.plots.rows import Bar, agent_bars, table_cells, table_head, tool_bars

AGAIN_SECONDS = 30.0
"""Between two questions to the server while one looks."""
_DAY = 86_400_000_000
_MARKS = 4


class PlotsScreen(WorkstationScreen):
    """One number at a time; below it by agent."""

    CSS_PATH = "plots.tcss"
    AUTO_FOCUS = "#plot-list"
    app = getters.app(Workstation)

    def __init__(self, *, measure: str = NAMES[0], period: str = "day", agent: str = "") -> None:
        """`measure`: of `NAMES`. `period`: a name of `PERIODS`. `agent`: id or name of the only one; empty for all."""
        super().__init__()
        self._measure = NAMES.index(measure)
        self._period = next(place for place, each in enumerate(PERIODS) if each.name == period)
        self._agent = agent
        self._numbers = False
        self._answer: TallyExecutionsResponse | None = None
        self._error: StigmerError | None = None
        self._bars: list[Bar] = []
        self.head = Line(classes="head")
        self.trouble = Notice()
        self.over = Line(id="plot-heads", classes="heads status")
        self.chart = Chart()
        self.list = PlotList(self._ask)
        self.empty = Line(classes="empty")
        self.notice = Notice()
        self.status = Line(classes="status")
        self.hints = Hints(classes="hints")

    def compose(self) -> ComposeResult:
        """Numbers to choose from, the chart, the list."""
        yield self.head
        yield self.trouble
        yield self.over
        yield self.empty
        with Container(id="plots"):
            yield self.chart
            yield self.list
        yield self.notice
        yield self.status
        yield self.hints

    def action_targets(self) -> Mapping[Scope, DOMNode]:
        """Who carries out which actions."""
        return {Scope.PLOTS: self.list}

    def on_mount(self) -> None:
        """Ask, and again while somebody looks."""
        self.show_connection(self.app)
        self._show()
        self._fetch_soon()
        self.set_interval(AGAIN_SECONDS, lambda: self._fetch_soon() if self.is_current else None)

    @on(events.ScreenResume)
    def ask_again(self) -> None:
        """Runs went on meanwhile."""
        if self._answer is not None:
            self._fetch_soon()

    def _fetch_soon(self) -> None:
        self.run_worker(self._fetch, exclusive=True, group="plots")

    async def _fetch(self) -> None:
        client = await self.app.client()
        period = PERIODS[self._period]
        first, before = bounds(period, self.app.clock())
        wanted = ExecutionFilter(agent=self._agent, created_from_unix_micros=first, created_before_unix_micros=before)
        try:
            self._answer, self._error = await client.boards.tally(wanted, buckets=period.buckets), None
        except StigmerError as error:
            self._error = error
        self._show()

    # Drawing.

    def _show(self) -> None:
        answer, tools = self._answer, NAMES[self._measure] == TOOLS
        self._say(answer)
        nothing = answer is None or not answer.whole.executions
        self.set_class(nothing, "-nothing")
        self.set_class(tools, "-tools")
        self.set_class(self._numbers and not tools, "-numbers")
        self.empty.display = nothing
        if answer is None or nothing:
            self._bars = []
            self.empty.say([(self._nothing(answer), "muted")])
            return
        self.hints.leave_out({"plots.narrow"} if tools or self._numbers or self._agent else set())
        selected = self.list.cursor
        if tools:
            self._bars = tool_bars(answer.tools)
            self.over.say([("calls", "muted")], [(f"of the newest {thousands(answer.tools_of)} runs", "muted")])
            self.list.show_bars(self._bars, at=selected)
            return
        measure = MEASURES[self._measure]
        if self._numbers:
            self._bars = []
            self._show_numbers(answer)
            return
        values = [measure.value(bucket) for bucket in answer.buckets]
        top = max(values)
        self.over.say([(measure.unit, "muted")], [(f"a bar is {_length(answer.bucket_micros)}", "muted")])
        self.chart.show(values, lambda value: measure.words(value) if value or top else "0", _times(answer))
        self._bars = agent_bars(answer.agents, measure)
        self.list.show_bars(self._bars, at=selected)

    def _show_numbers(self, answer: TallyExecutionsResponse) -> None:
        buckets = answer.buckets
        newest_first = list(enumerate(buckets))[::-1]

        def draw(row: int, width: int) -> list[tuple[str, str]]:
            place, bucket = newest_first[row]
            return table_cells(bucket, answer.from_unix_micros + place * answer.bucket_micros, width)

        self.over.say([(table_head(self.size.width - 4), "muted")])
        self.list.show(len(buckets), draw, at=self.list.cursor)

    def _say(self, answer: TallyExecutionsResponse | None) -> None:
        left: list[Part] = [("Plots  ", "title")]
        for place, title in enumerate(TITLES):
            left.append((f" {title} ", "badge" if place == self._measure else "muted"))
        agent = self._agent_name()
        right: list[Part] = [(f"{agent}  " if agent else "", "accent"), (PERIODS[self._period].title, "muted")]
        self.head.say(left, right)
        if self._error is not None:
            self.status.say([(safe(Untrusted(str(self._error))), "error")])
        elif answer is not None:
            self.status.say([(_sums(answer), "muted")], [(_bounded(answer), "warning")])

    def _agent_name(self) -> str:
        if not self._agent:
            return ""
        agents = () if self._answer is None else tuple(self._answer.agents)
        return safe(Untrusted(next((each.title for each in agents if each.key == self._agent), self._agent)))

    def _nothing(self, answer: TallyExecutionsResponse | None) -> str:
        if answer is None:
            return "" if self._error else "Asking the server …"
        period = PERIODS[self._period]
        who = f" of {self._agent_name()}" if self._agent else ""
        if period.seconds:
            return f"No run{who} in the {period.title}. p looks further back."
        return f"No run{who} yet. Start one on the board: alt+b."

    @on(events.Resize)
    def fit_heads(self) -> None:
        """Other columns of numbers have room."""
        if self._numbers:
            self._show()

    # Keys.

    def _ask(self, what: str) -> None:
        match what:
            case "next" | "previous":
                self._measure = (self._measure + (1 if what == "next" else -1)) % len(NAMES)
                self.list.cursor = 0
                self._show()
            case "longer" | "shorter":
                self._look_back(1 if what == "longer" else -1)
            case "numbers":
                self._turn_numbers()
            case "narrow":
                self._narrow()
            case "copy":
                self._copy()
            case "refresh":
                self._fetch_soon()
            case _:
                self._leave()

    def _look_back(self, step: int) -> None:
        wanted = self._period + step
        if not 0 <= wanted < len(PERIODS):
            self.app.say("That is all there is." if step > 0 else "An hour is the least.")
            return
        self._period = wanted
        self._answer = None
        self._show()
        self._fetch_soon()

    def _turn_numbers(self) -> None:
        if NAMES[self._measure] == TOOLS:
            self.app.say("These are the exact numbers already.")
            return
        self._numbers = not self._numbers
        self.list.cursor = self.list.top = 0
        self._show()

    def _narrow(self) -> None:
        if self._agent or not 0 <= self.list.cursor < len(self._bars) or not self._bars[self.list.cursor].key:
            return
        self._agent = self._bars[self.list.cursor].key
        self.list.cursor = 0
        self._fetch_soon()

    def _leave(self) -> None:
        if self._numbers:
            self._turn_numbers()
        elif self._agent:
            self._agent = ""
            self._fetch_soon()
        else:
            self.app.pop_screen()

    def _copy(self) -> None:
        answer = self._answer
        if answer is None or not answer.whole.executions:
            self.app.say("There is nothing to copy.")
            return
        lines = ["\t".join(("from", *(measure.name for measure in MEASURES)))]
        for place, bucket in enumerate(answer.buckets):
            begun = exact(answer.from_unix_micros + place * answer.bucket_micros)
            lines.append("\t".join((begun, *(f"{measure.value(bucket):g}" for measure in MEASURES))))
        self.app.copy("\n".join(lines) + "\n", what="the numbers")


def _sums(answer: TallyExecutionsResponse) -> str:
    whole: Tally = answer.whole
    return "   ".join(f"{measure.title.lower()} {measure.words(measure.value(whole))}" for measure in MEASURES)


def _bounded(answer: TallyExecutionsResponse) -> str:
    return f"the newest {thousands(answer.whole.executions)} alone" if answer.is_lower_bound else ""


def _length(micros: int) -> str:
    """How long a piece of time is, in the largest unit that says it."""
    seconds = round(micros / 1e6)
    for unit, name in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= unit:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds} s"


def _times(answer: TallyExecutionsResponse) -> list[tuple[int, str]]:
    """Some places of the axis, with the time of day, or the day where it is about more than one."""
    count = len(answer.buckets)
    long = answer.bucket_micros * count > 2 * _DAY
    marks: list[tuple[int, str]] = []
    for mark in range(_MARKS):
        place = mark * count // _MARKS
        begun = datetime.fromtimestamp((answer.from_unix_micros + place * answer.bucket_micros) / 1e6).astimezone()
        marks.append((place, begun.strftime("%d %b" if long else "%H:%M")))
    return marks
