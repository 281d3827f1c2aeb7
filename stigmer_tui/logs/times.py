"""When a line was written, as far as it says so. Pure, but for the binary search, which reads."""

import re
from datetime import UTC, datetime, timedelta

from stigmer_tui.logs.store import LogStore

LOOKED_AT = 400
"""Bytes at the beginning of a line in which its time is looked for."""
_ISO = re.compile(
    rb"(\d{4})[-/](\d\d)[-/](\d\d)[T _](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?\s?(Z|[+-]\d\d:?\d\d)?",
)
_EPOCH = re.compile(rb"(?:^|[\"\s\[:=])(1\d{9})(?:\.(\d{1,9})|(\d{3}))?(?=[\s,}\]\"]|$)")
_SYSLOG = re.compile(rb"^([A-Z][a-z]{2}) ([ \d]\d) (\d\d):(\d\d):(\d\d)")
_MONTHS = (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec")
_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_CLOCK = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d))?")
_TRIED = 64 * 1024
"""Bytes behind a place in which a line with a time is looked for."""


def time_of(line: bytes) -> float | None:
    """Seconds since 1970; None where the line does not say. A time without a zone is in the local one."""
    head = line[:LOOKED_AT]
    try:
        found = _ISO.search(head)
        if found is not None:
            return _iso(found)
        found = _SYSLOG.match(head)
        if found is not None and found[1] in _MONTHS:
            return _syslog(found)
    except ValueError:
        return None
    found = _EPOCH.search(head)
    if found is None:
        return None
    return int(found[1]) + (float(b"0." + found[2]) if found[2] else int(found[3] or 0) / 1000)


def _iso(found: re.Match[bytes]) -> float:
    year, month, day, hour, minute, second = (int(found[number]) for number in range(1, 7))
    micros = int((found[7] or b"0").ljust(6, b"0")[:6])
    moment = datetime(year, month, day, hour, minute, min(second, 59), micros)  # noqa: DTZ001
    zone = found[8]
    if zone is None:
        return moment.timestamp()
    seconds = moment.replace(tzinfo=UTC).timestamp()
    if zone == b"Z":
        return seconds
    offset = int(zone[1:3]) * 3600 + int(zone[-2:]) * 60
    return seconds - (offset if zone[:1] == b"+" else -offset)


def _syslog(found: re.Match[bytes]) -> float:
    """The year is not written: the newest that does not lie ahead."""
    now = datetime.now().astimezone()
    moment = datetime(now.year, _MONTHS.index(found[1]) + 1, int(found[2]), int(found[3]), int(found[4]), int(found[5]))  # noqa: DTZ001
    if moment.astimezone() > now + timedelta(days=1):
        moment = moment.replace(year=now.year - 1)
    return moment.timestamp()


def moment_of(text: str, now: float) -> float | None:
    """What a person writes: `10m` (so long ago), `14:03`, `14:03:20`, `2026-11-21`, `2026-11-21 14:03:20`. None where it is none of that."""
    text = text.strip()
    age = _AGE.fullmatch(text)
    if age is not None:
        return now - float(age[1]) * _UNITS[age[2]]
    clock = _CLOCK.fullmatch(text)
    try:
        if clock is not None:
            today = datetime.fromtimestamp(now).astimezone()
            moment = today.replace(hour=int(clock[1]), minute=int(clock[2]), second=int(clock[3] or 0), microsecond=0)
            return moment.timestamp()
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None


def offset_of_time(store: LogStore, moment: float) -> int:
    """Where the first line of that moment or later begins, in a log whose lines stand in the order of their times; a few dozen reads in any size."""
    low, high = 0, store.size
    while low < high:
        middle = (low + high) // 2
        place, seconds = _timed_line(store, middle, high)
        if seconds is None or seconds >= moment:
            high = middle
        else:
            low = max(place + 1, middle + 1)
    if low == 0:
        return 0
    place, seconds = _timed_line(store, low, store.size)
    return store.size if seconds is None else place


def _timed_line(store: LogStore, offset: int, limit: int) -> tuple[int, float | None]:
    """The first line that begins at or behind `offset` and says its time: where, and when."""
    place = _line_start(store, offset)
    data = store.read_at(place, _TRIED)
    position = 0
    while position < len(data) and place + position <= limit:
        end = data.find(b"\n", position)
        line = data[position : end if end >= 0 else len(data)]
        seconds = time_of(line)
        if seconds is not None:
            return place + position, seconds
        if end < 0:
            break
        position = end + 1
    return offset, None


def _line_start(store: LogStore, offset: int) -> int:
    """The first beginning of a line at or behind `offset`."""
    if offset == 0 or store.read_at(offset - 1, 1) == b"\n":
        return offset
    while data := store.read_at(offset, _TRIED):
        found = data.find(b"\n")
        if found >= 0:
            return offset + found + 1
        offset += len(data)
    return offset
