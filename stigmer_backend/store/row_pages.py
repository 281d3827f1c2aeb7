"""Pages of a list: rows in their order, newest first or not, from a place on, of a time."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice

from stigmer_backend.store.model import Row, Span
from stigmer_backend.store.persistent_classes import ListTree, RankTree
from stigmer_backend.store.ranks import key_at, rank_of
from stigmer_backend.store.record_format import just_below

EVER = Span()
"""All times."""


def page_behind(rows: ListTree, after: bytes | None, limit: int, newest_first: bool, span: Span) -> list[Row]:
    """Up to `limit` rows of the time `span` behind the row whose key is `after`, which need not exist any more."""
    if not newest_first:
        return [*islice(_backwards(rows, span.first, after or span.end), limit)]
    if span is EVER:
        pairs = rows.items() if after is None else rows.items(after, excludemin=True)
        return [*map(_make_row, islice(pairs, limit))]
    first = span.first
    behind = after is not None and after >= first
    pairs = rows.items(after if behind else first, span.end, excludemin=behind, excludemax=True)
    return [*map(_make_row, islice(pairs, limit))]


def page_further(
    rows: ListTree,
    ranks: RankTree | None,
    after: bytes | None,
    skip: int,
    limit: int,
    newest_first: bool,
    span: Span,
) -> list[Row]:
    """The same, `skip` rows further on, which costs the same however many those are. `ranks` counts the rows of a long list."""
    if newest_first:
        begun = 0 if after is None else rank_of(ranks, rows, after) + (after in rows)
        first = key_at(ranks, rows, max(begun, rank_of(ranks, rows, span.first)) + skip)
        pairs = () if first is None else rows.items(first, span.end, excludemax=True)
        return [*map(_make_row, islice(pairs, limit))]
    begun = rank_of(ranks, rows, min(after or span.end, span.end)) - 1 - skip
    last = None if begun < 0 else key_at(ranks, rows, begun)
    if last is None or last < span.first:
        return []
    return [Row(last, rows[last]), *islice(_backwards(rows, span.first, last), limit - 1)]


_new_row: Callable[[type[Row], tuple[bytes, bytes]], Row] = tuple[bytes, bytes].__new__
_make_row = partial(_new_row, Row)
"""A row of a key and its summary: half the time that calling the class takes."""


def _backwards(rows: ListTree, first: bytes, before: bytes) -> Iterator[Row]:
    """Rows below `before`, down to `first`. A BTree has no cheap reverse, but finds the largest key below a bound at once."""
    bound = just_below(before)
    while True:
        try:
            key = rows.maxKey(bound)
        except ValueError:
            return
        if key < first:
            return
        yield Row(key, rows[key])
        bound = just_below(key)
