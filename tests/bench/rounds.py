"""Rounds in turn: a machine that others use gets slower and faster, and contenders in the same round meet the same weather."""

import statistics
import time
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rounds:
    """What each contender reached in each round."""

    results: Mapping[str, Sequence[float]]
    """By contender, in the order of the rounds."""

    def median(self, name: str) -> float:
        """The median of a contender."""
        return statistics.median(self.results[name])

    def ratio(self, name: str, baseline: str) -> float:
        """The median of the rounds' ratios of one contender to another."""
        pairs = zip(self.results[name], self.results[baseline], strict=True)
        return statistics.median(value / base for value, base in pairs)


async def in_turn(rounds: int, contenders: Mapping[str, Callable[[], Awaitable[float]]]) -> Rounds:
    """Run all contenders `rounds` times, each round beginning with another one."""
    names = list(contenders)
    results: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            results[name].append(await contenders[name]())
    return Rounds(results)


@dataclass(slots=True)
class Stopwatch:
    """Seconds that passed inside a `timed` block."""

    seconds: float = 0.0


@contextmanager
def timed() -> Generator[Stopwatch]:
    """Measure a block."""
    watch = Stopwatch()
    begin = time.perf_counter()
    yield watch
    watch.seconds = time.perf_counter() - begin


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of `values` lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
