"""A measured figure, what it is held against, and whether it is within its budget."""

from dataclasses import dataclass
from enum import Enum


class Side(Enum):
    """On which side of its limit a value should be."""

    AT_LEAST = ">="
    AT_MOST = "<="


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit, on the value itself or on its ratio to the baseline."""

    side: Side
    """Whether more or less is better."""
    limit: float
    """In the figure's unit, or a ratio."""
    of_ratio: bool = False
    """Whether the ratio is held against it."""

    def met_by(self, value: float) -> bool:
        """Whether `value`, the figure or its ratio as `of_ratio` says, is within."""
        return value >= self.limit if self.side is Side.AT_LEAST else value <= self.limit


def at_least(limit: float) -> Budget:
    """The value has to be so large."""
    return Budget(Side.AT_LEAST, limit)


def at_most(limit: float) -> Budget:
    """The value may be so large."""
    return Budget(Side.AT_MOST, limit)


def ratio_at_least(limit: float) -> Budget:
    """The value has to be so many times the baseline."""
    return Budget(Side.AT_LEAST, limit, of_ratio=True)


def ratio_at_most(limit: float) -> Budget:
    """The value may be so many times the baseline."""
    return Budget(Side.AT_MOST, limit, of_ratio=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the report."""

    name: str
    """Short and unique: the key of its row in the table."""
    value: float
    """Median over the rounds."""
    unit: str
    """Of the value and of the baseline."""
    baseline: float | None = None
    """The same work by something else, in the same run."""
    baseline_name: str = ""
    """What that is."""
    ratio: float | None = None
    """Value to baseline: the median of the rounds' ratios."""
    budget: Budget | None = None
    """What it should be; None where the figure is for information."""
    method: str = ""
    """What exactly was done, in one line."""

    @property
    def met(self) -> bool | None:
        """Whether it is within its budget; None where there is none."""
        if self.budget is None:
            return None
        held = self.ratio if self.budget.of_ratio else self.value
        return held is not None and self.budget.met_by(held)

    def value_text(self) -> str:
        """The value with its unit."""
        return f"{number(self.value)} {self.unit}".strip()

    def baseline_text(self) -> str:
        """The baseline with its unit and its name; empty where there is none."""
        if self.baseline is None:
            return ""
        return f"{number(self.baseline)} {self.unit} ({self.baseline_name})"

    def ratio_text(self) -> str:
        """Such as `0.72x`; empty where there is no baseline."""
        return "" if self.ratio is None else f"{number(self.ratio)}x"

    def budget_text(self) -> str:
        """Such as `>= 0.4x`; empty where there is none."""
        if self.budget is None:
            return ""
        unit = "x" if self.budget.of_ratio else f" {self.unit}"
        return f"{self.budget.side.value} {number(self.budget.limit)}{unit}"

    def verdict(self) -> str:
        """`met`, `missed`, or nothing."""
        match self.met:
            case None:
                return ""
            case True:
                return "met"
            case False:
                return "missed"


def number(value: float) -> str:
    """Three significant digits, thousands set apart."""
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if abs(value) >= 100:
        return f"{value:.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    if abs(value) >= 1:
        return f"{value:.2f}"
    return f"{value:.3g}"
