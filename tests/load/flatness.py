"""What a daemon takes over time, in a file that can be read while it grows; `python -m tests.load.flatness LOG` makes it a figure of docs/reliability.md.

A line of the file is a JSON object. The first one tells the load, each other one a moment: keys as the fields of `Load` and `Moment`.
"""

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.chaos.figures import record

TELLS_OF_AN_HOUR = 600
"""Seconds from which on a slope says something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What the daemon had to do."""

    runs: int
    subscribers: int
    bytes: int
    """Of the text of an event."""
    warm: int
    """Seconds before the first moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What the daemon took."""

    seconds: float
    """Since the first moment."""
    memory: int
    """Bytes of its own."""
    files: int
    """Open ones."""
    events: int
    """Acknowledged since it began."""
    worked: float
    """Seconds of a core since it began."""


class FlatLog:
    """Takes notes; without a file, in memory alone."""

    def __init__(self, path: Path | None, load: Load) -> None:
        self.load = load
        self.moments: list[Moment] = []
        self._path = path
        self._write(json.dumps(asdict(load)), "w")

    def note(self, moment: Moment) -> None:
        """Take note of `moment`."""
        self.moments.append(moment)
        self._write(json.dumps(asdict(moment)), "a")

    def _write(self, line: str, mode: str) -> None:
        if self._path is not None:
            with self._path.open(mode, encoding="ascii") as file:
                file.write(line + "\n")


@dataclass(frozen=True, slots=True)
class Slope:
    """How much something grows in an hour, and the standard error of that."""

    an_hour: float
    error: float

    @classmethod
    def of(cls, points: Sequence[tuple[float, float]]) -> "Slope":
        """By least squares over the means of twenty stretches of (seconds, amount): caches that fill and are emptied move each point, and its
        neighbours with it. At least three points."""
        length = max(1, len(points) // 20)
        stretches = [points[start : start + length] for start in range(0, len(points) - length + 1, length)]
        means = [tuple(sum(part) / length for part in zip(*stretch, strict=True)) for stretch in stretches]
        count = len(means)
        mean_x, mean_y = (sum(part) / count for part in zip(*means, strict=True))
        spread = sum((x - mean_x) ** 2 for x, _ in means)
        found = sum((x - mean_x) * (y - mean_y) for x, y in means) / spread
        left = sum((y - mean_y - found * (x - mean_x)) ** 2 for x, y in means)
        return cls(3600 * found, 3600 * math.sqrt(left / (count - 2) / spread))


def memory_slope(moments: Sequence[Moment]) -> Slope:
    """In MiB."""
    return Slope.of([(moment.seconds, moment.memory / (1 << 20)) for moment in moments])


def file_slope(moments: Sequence[Moment]) -> Slope:
    """In files."""
    return Slope.of([(moment.seconds, float(moment.files)) for moment in moments])


def told(moments: Sequence[Moment]) -> str:
    """In words, of at least three moments."""
    first, last = moments[0], moments[-1]
    seconds, events = last.seconds - first.seconds, last.events - first.events
    memory = f"memory {first.memory / (1 << 20):.1f} to {last.memory / (1 << 20):.1f} MiB"
    files = f"open files {first.files} to {last.files}"
    if seconds >= TELLS_OF_AN_HOUR:
        memory += ", " + in_words(memory_slope(moments))
        files += ", " + in_words(file_slope(moments))
    worked = 100 * (last.worked - first.worked) / seconds
    return f"{memory}; {files}; {events:,} events, {events / seconds:,.0f} a second; {worked:.0f} % of a core"


def in_words(slope: Slope) -> str:
    """As it stands in a figure."""
    return f"{slope.an_hour:+.2f} an hour (standard error {slope.error:.2f})"


def keep(load: Load, moments: Sequence[Moment]) -> None:
    """Keep what was found, with its real length, as a figure (`tests.chaos.figures`)."""
    record(
        f"{load.runs} runs, events of {load.bytes} bytes, and {load.subscribers} subscribers over TLS that come and go",
        round(moments[-1].seconds - moments[0].seconds),
        f"s after the first {load.warm}",
        told(moments),
    )


def read(path: Path) -> tuple[Load, list[Moment]]:
    """What a log has so far; its last line may be one that is being written."""
    first, *others = path.read_text(encoding="ascii").rpartition("\n")[0].splitlines()
    return Load(**json.loads(first)), [Moment(**json.loads(line)) for line in others]


def main(arguments: Sequence[str]) -> int:
    """Print the figure, and keep it where STIGMER_FIGURES says."""
    if len(arguments) != 1:
        print("usage: python -m tests.load.flatness LOG", file=sys.stderr)
        return 2
    load, moments = read(Path(arguments[0]))
    if len(moments) < 3:
        print(f"{arguments[0]} has {len(moments)} moments yet; at least 3 tell a slope", file=sys.stderr)
        return 1
    keep(load, moments)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
