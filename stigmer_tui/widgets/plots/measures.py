"""What can be plotted of runs, over how long, and how its numbers are written. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import TallyExecutionsResponse
from stigmer_tui.text.times import span, thousands

Tally = TallyExecutionsResponse.Tally


@dataclass(frozen=True, slots=True)
class Measure:
    """A number of some runs."""

    name: str
    """As one writes it behind `:plots`."""
    title: str
    unit: str
    """What the numbers are, for the head of the chart."""
    value: Callable[[Tally], float]
    words: Callable[[float], str]
    """The number for people; exact."""


@dataclass(frozen=True, slots=True)
class Period:
    """How far back one looks."""

    name: str
    title: str
    seconds: int
    """0: everything there is."""
    buckets: int


def failure_rate(tally: Tally) -> float:
    """Failed ones of a hundred that ended by themselves; 0 where none did."""
    ended = tally.failed + tally.completed
    return 100 * tally.failed / ended if ended else 0.0


def dollars(micros: float) -> str:
    """Millionths of a dollar: `$1.20`, `$0.0042`."""
    value = micros / 1e6
    return f"${value:,.2f}" if value >= 0.995 or not value else f"${value:.4f}"


def _count(value: float) -> str:
    return thousands(round(value))


MEASURES: tuple[Measure, ...] = (
    Measure("runs", "Runs", "runs", lambda tally: tally.executions, _count),
    Measure("tokens", "Tokens", "tokens, in and out", lambda tally: tally.tokens, _count),
    Measure("cost", "Cost", "cost as far as prices are known", lambda tally: tally.cost_micro_usd, dollars),
    Measure(
        "duration", "Duration", "duration, half of the runs are shorter", lambda tally: tally.median_micros,
        lambda value: span(round(value)) if value else "–",
    ),
    Measure("failures", "Failures", "failed of those that ended", failure_rate, lambda value: f"{value:.0f} %"),
)  # fmt: skip
"""In the order of the head line. Behind them come the tools, which have no time."""

TOOLS = "tools"
NAMES: tuple[str, ...] = (*(measure.name for measure in MEASURES), TOOLS)
TITLES: tuple[str, ...] = (*(measure.title for measure in MEASURES), "Tools")

PERIODS: tuple[Period, ...] = (
    Period("hour", "last hour", 3600, 60),
    Period("day", "last 24 hours", 86_400, 48),
    Period("week", "last 7 days", 7 * 86_400, 56),
    Period("month", "last 30 days", 30 * 86_400, 60),
    Period("all", "ever", 0, 60),
)


def bounds(period: Period, now: float) -> tuple[int, int]:
    """From when on, and before when, in microseconds since 1970, at whole pieces of time; (0, 0) for everything."""
    if not period.seconds:
        return 0, 0
    piece = period.seconds // period.buckets
    end = (int(now) // piece + 1) * piece
    return (end - period.seconds) * 1_000_000, end * 1_000_000


def ceiling(value: float) -> float:
    """The next number that is round, and half of it too. 1 for nothing."""
    step = 1.0
    while step * 10 <= value:
        step *= 10
    while step > value > 0:
        step /= 10
    return (
        next((step * factor for factor in (1, 2, 3, 4, 5, 6, 8, 10) if step * factor >= value), 1.0)
        if value > 0
        else 1.0
    )
