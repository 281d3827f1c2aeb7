"""Cron expressions: five fields (minute hour day month weekday) by the local time of this machine. Pure, but for the time zone."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

_NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_PART = re.compile(r"(\*|[a-z0-9]+)(?:-([a-z0-9]+))?(?:/(\d+))?")
_YEARS = 8
"""How far a next time is looked for: the 29th of February comes at least every eight."""


SHORTEST_SECONDS = 1.0
"""Of a schedule that starts every so often, or so long after an end."""


class CronError(ValueError):
    """A text is no cron expression; the message says why."""


@dataclass(frozen=True, slots=True)
class Cron:
    """When something happens."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    """0 is Sunday."""
    either: bool
    """Both days of the month and weekdays are restricted: one of them is enough."""

    def after(self, unix_seconds: float) -> float | None:
        """The first time behind this one, in seconds since 1970; None where there is none."""
        begin = datetime.fromtimestamp(unix_seconds)  # noqa: DTZ006 (the person's own clock is meant)
        day = begin.replace(hour=0, minute=0, second=0, microsecond=0)
        for _ in range(366 * _YEARS):
            if self._is_day(day):
                for hour in self.hours:
                    for minute in self.minutes:
                        at = day.replace(hour=hour, minute=minute).timestamp()
                        if at > unix_seconds:
                            return at
            day += timedelta(days=1)
        return None

    def _is_day(self, day: datetime) -> bool:
        if day.month not in self.months:
            return False
        by_day, by_weekday = day.day in self.days, (day.isoweekday() % 7) in self.weekdays
        return by_day or by_weekday if self.either else by_day and by_weekday


def parse_cron(text: str) -> Cron:
    """The expression. Raises `CronError`."""
    words = _NICKNAMES.get(text.strip().lower(), text.strip().lower()).split()
    if len(words) != 5:
        raise CronError(f"a cron expression has five fields, this has {len(words)}: minute hour day month weekday")
    minute, hour, day, month, weekday = words
    return Cron(
        tuple(sorted(_field(minute, 0, 59, "minute"))),
        tuple(sorted(_field(hour, 0, 23, "hour"))),
        frozenset(_field(day, 1, 31, "day")),
        frozenset(_field(month, 1, 12, "month", _MONTHS, 1)),
        frozenset(one % 7 for one in _field(weekday, 0, 7, "weekday", _DAYS, 0)),
        not day.startswith("*") and not weekday.startswith("*"),
    )


def _field(text: str, low: int, high: int, what: str, names: tuple[str, ...] = (), first: int = 0) -> set[int]:
    found: set[int] = set()
    for part in text.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise CronError(f"{part[:20]!r} is no {what}")
        begin, end, step = match.groups()
        start = low if begin == "*" else _number(begin, what, names, first)
        stop = high if begin == "*" or (step and not end) else start
        if end:
            stop = _number(end, what, names, first)
        if not low <= start <= stop <= high or step == "0":
            raise CronError(f"{part[:20]!r} is no {what}: {low} to {high}")
        found.update(range(start, stop + 1, int(step or 1)))
    return found


def _number(text: str, what: str, names: tuple[str, ...], first: int) -> int:
    if text.isdecimal() and len(text) < 4:
        return int(text)
    if text[:3] in names:
        return names.index(text[:3]) + first
    raise CronError(f"{text[:20]!r} is no {what}")
