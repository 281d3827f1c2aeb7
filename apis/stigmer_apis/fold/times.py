"""Times of events as RFC 3339, and back."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def rfc3339(micros: int) -> str:
    """Microseconds since 1970 as `2026-01-01T00:00:00.000000Z`; empty for 0 and for what no calendar holds."""
    if micros == 0:
        return ""
    seconds, rest = divmod(micros, 1_000_000)
    try:
        return f"{_second(seconds)}.{rest:06d}Z"
    except OverflowError:
        return ""


@lru_cache(maxsize=16)
def _second(seconds: int) -> str:
    """The same to the second: events come in bursts. Raises `OverflowError` for what no calendar holds."""
    return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")


def micros_of(text: str) -> int:
    """Microseconds since 1970 of an RFC 3339 time; 0 for what is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return 0
    if moment.tzinfo is None:
        return 0
    return (moment - _EPOCH) // timedelta(microseconds=1)
