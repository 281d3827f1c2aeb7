"""Pages of stored resources: read row by row, cut where published clients could not take more."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic

from stigmer_apis.protocol import MAX_STATUS_BYTES
from stigmer_backend.resources.kinds import Kind, R
from stigmer_backend.store import StateRead

_COUNT_BYTES = 8
_CHUNK = 200
_ENVELOPE = 16


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """A page of resources."""

    entries: list[R]
    keys: list[bytes]
    """Where each of them stands."""
    passed: int
    """How many matched before the first of them."""
    total: int
    """How many there are, or were found so far."""
    is_lower_bound: bool
    next_place: bytes | None
    """What the next page's token holds; None where this was the last."""

    def place_behind(self, count: int) -> bytes:
        """What the next page's token holds if only the first `count` entries (at least one) are given."""
        return _place(self.passed + count, self.keys[count - 1])


@dataclass(frozen=True, slots=True)
class Question(Generic[R]):
    """Which resources, from where, how many. `ask` reads them, newest first."""

    kind: Kind[R]
    parent: str
    place: bytes | None
    size: int
    budget: int
    """With `matches`: rows to look at."""
    matches: Callable[[R], bool] | None = None
    trim: Callable[[R], None] | None = None
    """Takes out what the page does not show, before sizes are counted."""

    def ask(self, state: StateRead) -> Page[R]:
        """The page. Without `matches` nothing is read beyond it; with it, at most `budget` rows are, and their number is what was found."""
        passed = int.from_bytes(self.place[:_COUNT_BYTES]) if self.place else 0
        after = last = self.place[_COUNT_BYTES:] if self.place else None
        entries: list[R] = []
        keys: list[bytes] = []
        matched, looked, used, full = passed, 0, 0, False
        while rows := state.page(self.kind.table, self.parent, after, _CHUNK):
            for row in rows:
                if self.matches is not None and looked == self.budget:
                    place = None if last is None else _place(passed + len(entries), last)
                    return Page(entries, keys, passed, matched, True, place)
                looked += 1
                resource = self._read(state, row.id)
                if resource is not None:
                    used += resource.ByteSize() + _ENVELOPE
                    full = full or len(entries) == self.size or (bool(entries) and used > MAX_STATUS_BYTES)
                    if full and self.matches is None:
                        return self._whole_list(state, entries, keys, passed, last)
                    matched += 1
                    if not full:
                        entries.append(resource)
                        keys.append(row.key)
                if not full:
                    last = row.key
            after = rows[-1].key
        if self.matches is None:
            return self._whole_list(state, entries, keys, passed, None)
        place = _place(passed + len(entries), last) if full and last is not None else None
        return Page(entries, keys, passed, matched, False, place)

    def _whole_list(
        self, state: StateRead, entries: list[R], keys: list[bytes], passed: int, last: bytes | None
    ) -> Page[R]:
        total = state.count(self.kind.table, self.parent)
        place = None if last is None else _place(passed + len(entries), last)
        return Page(entries, keys, passed, total, False, place)

    def _read(self, state: StateRead, resource_id: str) -> R | None:
        """The resource, trimmed, if it matches."""
        record = state.get(self.kind.table, resource_id)
        if record is None:
            return None
        resource = self.kind.decode(record.data)
        if self.matches is not None and not self.matches(resource):
            return None
        if self.trim is not None:
            self.trim(resource)
        return resource


def _place(passed: int, key: bytes) -> bytes:
    return passed.to_bytes(_COUNT_BYTES) + key
