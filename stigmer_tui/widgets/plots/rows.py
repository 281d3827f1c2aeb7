"""What stands below a chart: bars by name, or the exact numbers of each piece of time. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import TallyExecutionsResponse
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.times import exact, thousands
from stigmer_tui.text.width import fit, fit_right
from stigmer_tui.widgets.plots.measures import MEASURES, Measure, Tally

_NAME, _VALUE = 20, 12
_WHEN, _COLUMN = 19, 11


@dataclass(frozen=True, slots=True)
class Bar:
    """A name with its number."""

    key: str
    """The agent's id; empty for a tool."""
    name: str
    """Safe to draw."""
    share: float
    """Of the largest one: 0 to 1."""
    value: str
    more: str = ""
    """What else is to be said."""


Pieces = list[tuple[str, str]]
"""Texts with the names of their styles: `name`, `bar`, `value`, `muted`, `wrong`."""


def agent_bars(agents: Sequence[Tally], measure: Measure) -> list[Bar]:
    """Agents by a measure, the most first."""
    ordered = sorted(agents, key=lambda tally: -measure.value(tally))
    most = max((measure.value(tally) for tally in ordered), default=0)
    return [
        Bar(
            tally.key,
            safe(Untrusted(tally.title or tally.key)),
            measure.value(tally) / most if most else 0,
            measure.words(measure.value(tally)),
            f"{thousands(tally.executions)} runs" if measure.name != "runs" else "",
        )
        for tally in ordered
    ]


def tool_bars(tools: Sequence[TallyExecutionsResponse.ToolTally]) -> list[Bar]:
    """Tools by how often they were called."""
    most = max((tool.calls for tool in tools), default=0)
    return [
        Bar(
            "",
            safe(Untrusted(tool.name)),
            tool.calls / most if most else 0,
            thousands(tool.calls),
            f"{thousands(tool.failed)} failed" if tool.failed else "",
        )
        for tool in tools
    ]


def bar_cells(bar: Bar, width: int) -> Pieces:
    """Name, number, bar, and what else there is room for."""
    name = min(_NAME, max(8, width // 3))
    pieces: Pieces = [(fit(bar.name, name), "name"), ("  ", "muted"), (fit_right(bar.value, _VALUE), "value")]
    room = width - name - _VALUE - 4
    more = len(bar.more) + 2 if bar.more and room > len(bar.more) + 8 else 0
    length = round(max(0, room - more) * bar.share)
    pieces += [("  ", "muted"), ("█" * length, "bar"), (" " * max(0, room - more - length), "muted")]
    if more:
        pieces.append((f"  {bar.more}", "wrong" if bar.more.endswith("failed") else "muted"))
    return pieces


def table_head(width: int) -> str:
    """The names of the columns of the exact numbers."""
    return fit("from", _WHEN) + "".join(fit_right(each.title.lower(), _COLUMN) for each in _fitting(width))


def table_cells(tally: Tally, from_unix_micros: int, width: int) -> Pieces:
    """A piece of time with its numbers; one without a run is quiet."""
    style = "value" if tally.executions else "muted"
    return [
        (fit(exact(from_unix_micros), _WHEN), "name" if tally.executions else "muted"),
        *((fit_right(each.words(each.value(tally)), _COLUMN), style) for each in _fitting(width)),
    ]


def _fitting(width: int) -> Sequence[Measure]:
    return MEASURES[: max(1, (width - _WHEN) // _COLUMN)]
