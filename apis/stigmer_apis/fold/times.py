"""Times of events as RFC 3339, and back."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def rfc3339(micros: int) -> str:
    """Microseconds since 1970 as `2026-01-01T00:00:00.000000Z`; empty for 0 and for what no calendar holds."""
    if micros == 0:
        return ""
    try:
        return (_EPOCH + timedelta(microseconds=micros)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    except OverflowError:
        return ""


def micros_of(text: str) -> int:
    """Microseconds since 1970 of an RFC 3339 time; 0 for what is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return 0
    if moment.tzinfo is None:
        return 0
    return (moment - _EPOCH) // timedelta(microseconds=1)
