"""What stands in several lists at once: a row has the same key in each list that it stands in."""

from collections.abc import Iterable, Sequence
from itertools import islice

from stigmer_backend.store.model import Span
from stigmer_backend.store.persistent_classes import ListTree
from stigmer_backend.store.record_format import just_below


def count_common(
    lists: Sequence[ListTree], after: bytes | None, limit: int, newest_first: bool, span: Span
) -> tuple[int, bool]:
    """How many rows behind `after` stand in all of `lists`, and whether that is all of them.

    At most `limit` rows of the first list are looked at: give the shortest first. Of the oldest first, only a number that is whole is told.
    """
    first, others = lists[0], lists[1:]
    if newest_first:
        begin = span.first if after is None or after < span.first else after
        keys = first.keys(begin, span.end, excludemin=begin == after, excludemax=True)
    else:
        keys = first.keys(span.first, min(after or span.end, span.end), excludemax=True)
    looked = [*islice(keys, limit + 1)]
    whole = len(looked) <= limit
    if not whole and not newest_first:
        return 0, False
    common: Iterable[bytes] = looked[:limit]
    for rows in others:
        common = filter(rows.__contains__, common)
    return sum(1 for _ in common), whole


def next_common_place(lists: Sequence[ListTree], after: bytes, newest_first: bool) -> bytes | None:
    """A place to go on from behind `after`, without passing over a row that stands in all of `lists`; None where there is none.

    What stands between is left out at the cost of one look into each list, however much it is.
    """
    try:
        if newest_first:
            return max(after, *(just_below(rows.minKey(_just_above(after))) for rows in lists))
        return min(after, *(_just_above(rows.maxKey(just_below(after))) for rows in lists))
    except ValueError:
        return None


def _just_above(key: bytes) -> bytes:
    """The smallest bound above `key`."""
    return key + b"\0"
