"""Times as a person reads them: relative in a list, exact on demand."""

from collections.abc import Callable
from datetime import datetime

Clock = Callable[[], float]
"""Seconds since 1970, as `time.time`; injected, so that a screen can be drawn at any moment."""

_UNITS = ((86400 * 7, "w"), (86400, "d"), (3600, "h"), (60, "m"))


def ago(seconds: float) -> str:
    """A distance in time in at most four characters: `now`, `42s`, `7m`, `3h`, `5d`, `12w`. What lies ahead (clocks differ) is `now`."""
    whole = int(seconds)
    if whole < 1:
        return "now"
    for size, letter in _UNITS:
        if whole >= size:
            return f"{whole // size}{letter}" if whole // size < 1000 else "old"
    return f"{whole}s"


def span(micros: int) -> str:
    """How long something took: `35 ms`, `1.2 s`, `42 s`, `3m 07s`, `2h 05m`."""
    seconds = max(0, micros) / 1e6
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds < 10 and micros % 1_000_000:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{int(seconds)} s"
    minutes = int(seconds) // 60
    if minutes < 60:
        return f"{minutes}m {int(seconds) % 60:02}s"
    return f"{minutes // 60}h {minutes % 60:02}m"


def running_for(micros: int) -> str:
    """How long something takes so far, in whole seconds: it is looked at once a second."""
    return span(micros - micros % 1_000_000) if micros >= 1_000_000 else "0 s"


def exact(unix_micros: int) -> str:
    """A moment to the second in the person's time zone: `2026-11-20 14:03:11`; a dash for 0, which says that it has not happened."""
    if unix_micros <= 0:
        return "–"
    return datetime.fromtimestamp(unix_micros / 1e6).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def size(count: int) -> str:
    """A number of bytes in three digits: `912 B`, `1.2 kB`, `10 MB`."""
    if count < 1000:
        return f"{count} B"
    value = float(count)
    for unit in ("kB", "MB", "GB", "TB"):
        value /= 1000
        if value < 999.5:
            return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"
    return f"{value:.0f} PB"


def thousands(count: int) -> str:
    """A number with its thousands apart: `1,204`."""
    return f"{count:,}"
