"""How fast runs write: bytes in each of the last seconds, drawn as a line of bars."""

from collections.abc import Iterable

from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionSummary
from stigmer_tui.theme.phases import LIVE

SECONDS = 8
"""Bars of a line, a second each."""
KEPT = 2000
"""Runs whose pace is kept."""
_BARS = " ▁▂▃▄▅▆▇█"
_FULL_BYTES = 16_384
"""Bytes a second that fill a bar; each bar below is half as much."""


class Rates:
    """Learns from the rows that changed."""

    def __init__(self) -> None:
        self._runs: dict[str, tuple[int, int, list[int]]] = {}
        """Bytes that were known, the second, and bytes of the last seconds, the newest last."""

    def take(self, rows: Iterable[ExecutionSummary], now: float) -> None:
        """Rows changed. The first look at a run is where its line begins."""
        for row in rows:
            if row.phase not in LIVE:
                self._runs.pop(row.execution_id, None)
                continue
            known, second, bars = self._runs.pop(row.execution_id, (row.output_bytes, int(now), [0] * SECONDS))
            bars = _moved(bars, int(now) - second)
            bars[-1] += max(0, row.output_bytes - known)
            self._runs[row.execution_id] = (row.output_bytes, int(now), bars)
        while len(self._runs) > KEPT:
            del self._runs[next(iter(self._runs))]

    def line(self, execution_id: str, now: float) -> str:
        """Eight bars, the newest on the right; empty for a run that writes nothing."""
        known = self._runs.get(execution_id)
        if known is None:
            return ""
        bars = _moved(known[2], int(now) - known[1])
        return "".join(_BARS[_height(count)] for count in bars) if any(bars) else ""


def _moved(bars: list[int], seconds: int) -> list[int]:
    return bars if seconds <= 0 else [*bars[min(seconds, SECONDS) :], *([0] * min(seconds, SECONDS))]


def _height(count: int) -> int:
    """From 0 for nothing to 8, in powers of two: a trickle and a flood both show."""
    if not count:
        return 0
    return max(1, min(8, 8 - (_FULL_BYTES // max(1, count)).bit_length()))
