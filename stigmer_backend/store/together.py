"""Two kinds of records read as one: their lists merged in the order of creation."""

import heapq
from collections.abc import Callable, Sequence
from itertools import islice

from stigmer_backend.store.model import Record, Row, Span
from stigmer_backend.store.row_pages import EVER
from stigmer_backend.store.state import StateRead


class Together(StateRead):
    """The state, in which the kind `name` is all records of two other kinds. Their ids are not the same; their slugs are not asked for."""

    def __init__(self, state: StateRead, name: str, kinds: tuple[str, str]) -> None:
        super().__init__(state._session)
        self._name_of_both = name
        self._kinds = kinds

    def get(self, kind: str, record_id: str) -> Record | None:
        """The record, or None."""
        return next((found for one in self._of(kind) if (found := super(Together, self).get(one, record_id))), None)

    def data(self, kind: str, record_id: str) -> bytes | None:
        """The record's data, or None."""
        parts = (super(Together, self).data(one, record_id) for one in self._of(kind))
        return next((found for found in parts if found is not None), None)

    def summary(self, kind: str, record_id: str) -> bytes | None:
        """What lists show of a record, or None where there is none."""
        parts = (super(Together, self).summary(one, record_id) for one in self._of(kind))
        return next((found for found in parts if found is not None), None)

    def page(
        self,
        kind: str,
        parent: str = "",
        after: bytes | None = None,
        limit: int = 50,
        newest_first: bool = True,
        *,
        skip: int = 0,
        span: Span = EVER,
    ) -> list[Row]:
        """As `StateRead.page`."""

        def some(one: str, rows: int, passed: int) -> list[Row]:
            return super(Together, self).page(one, parent, after, rows, newest_first, skip=passed, span=span)

        kinds = self._of(kind)
        if len(kinds) == 1:
            return some(kinds[0], limit, skip)
        first, second = kinds
        passed = _split(
            skip,
            lambda place: _key(some(first, 1, place)),
            lambda place: _key(some(second, 1, place)),
            newest_first,
        )
        merged = heapq.merge(
            some(first, limit, passed),
            some(second, limit, skip - passed),
            key=lambda row: row.key,
            reverse=not newest_first,
        )
        return [*islice(merged, limit)]

    def count(self, kind: str, parent: str = "", span: Span = EVER) -> int:
        """As `StateRead.count`."""
        return sum(super(Together, self).count(one, parent, span) for one in self._of(kind))

    def has_row(self, kind: str, parent: str, key: bytes) -> bool:
        """As `StateRead.has_row`."""
        return any(super(Together, self).has_row(one, parent, key) for one in self._of(kind))

    def held_by(self, kind: str, parent: str) -> Callable[[bytes], bool]:
        """As `StateRead.held_by`."""
        held = [super(Together, self).held_by(one, parent) for one in self._of(kind)]
        if len(held) == 1:
            return held[0]
        first, second = held
        return lambda key: first(key) or second(key)

    def count_common(
        self, kind: str, parents: Sequence[str], after: bytes | None, limit: int, newest_first: bool, span: Span = EVER
    ) -> tuple[int, bool]:
        """As `StateRead.count_common`, with the limit for each kind."""
        found = [
            super(Together, self).count_common(one, parents, after, limit, newest_first, span) for one in self._of(kind)
        ]
        return sum(count for count, _ in found), all(whole for _, whole in found)

    def next_common_place(self, kind: str, parents: Sequence[str], after: bytes, newest_first: bool) -> bytes | None:
        """As `StateRead.next_common_place`."""
        parts = [super(Together, self).next_common_place(one, parents, after, newest_first) for one in self._of(kind)]
        places = [place for place in parts if place is not None]
        return None if not places else min(places) if newest_first else max(places)

    def lists(self, kind: str, prefix: str, limit: int) -> list[str]:
        """As `StateRead.lists`."""
        found = {name for one in self._of(kind) for name in super(Together, self).lists(one, prefix, limit)}
        return sorted(found)[:limit]

    def _of(self, kind: str) -> tuple[str, ...]:
        return self._kinds if kind == self._name_of_both else (kind,)


def _key(rows: list[Row]) -> bytes | None:
    return rows[0].key if rows else None


def _split(
    skip: int, first: Callable[[int], bytes | None], second: Callable[[int], bytes | None], newest_first: bool
) -> int:
    """How many of the first `skip` rows of two merged lists are the first list's: by halving, however many those are.

    `first` and `second` give the key at a place, None behind the end.
    """

    def precedes(one: bytes | None, other: bytes | None) -> bool:
        if one is None or other is None:
            return one is not None
        return one < other if newest_first else one > other

    low, high = 0, skip
    while low < high:
        middle = (low + high) // 2
        if precedes(first(middle), second(skip - middle - 1)):
            low = middle + 1
        else:
            high = middle
    return low
