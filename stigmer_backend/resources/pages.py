"""Pages of stored resources: read by index, cut where published clients could not take more."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic

from stigmer_apis.protocol import MAX_STATUS_BYTES
from stigmer_backend.resources.kinds import Kind, R
from stigmer_backend.resources.listing import Selection, Source, Turn, by_time
from stigmer_backend.resources.lost import resource_of
from stigmer_backend.store import EVER, StateRead

_COUNT_BYTES = 8
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
    """Rows to look at, where no single list has all that is asked."""
    marked: tuple[str, ...] = ()
    """Lists that each has to be in, beside the one of `parent`."""
    any_of: tuple[Source, ...] | None = None
    """Lists of which it has to be in one, None for whichever."""
    trim: Callable[[R], None] | None = None
    """Takes out what the page does not show, before sizes are counted."""

    def ask(self, state: StateRead) -> Page[R]:
        """The page. Nothing is read beyond it, but for a total that no index knows."""
        passed = int.from_bytes(self.place[:_COUNT_BYTES]) if self.place else 0
        after = self.place[_COUNT_BYTES:] if self.place else None
        lists = ((self.parent,) if self.parent else ()) + self.marked
        chosen = Selection(self.kind.table, lists, self.any_of, EVER, None, self.budget)
        found = by_time(state, chosen, Turn(after, passed, self.size), newest_first=True)
        entries: list[R] = []
        keys: list[bytes] = []
        used = 0
        for row in found.rows:
            resource = resource_of(state, self.kind, row)
            if resource is None:
                continue
            if self.trim is not None:
                self.trim(resource)
            used += resource.ByteSize() + _ENVELOPE
            if entries and used > MAX_STATUS_BYTES:
                place = _place(passed + len(entries), keys[-1])
                return Page(entries, keys, passed, found.total, found.is_lower_bound, place)
            entries.append(resource)
            keys.append(row.key)
        place = None if found.next_place is None else _place(found.behind, found.next_place)
        return Page(entries, keys, passed, found.total, found.is_lower_bound, place)


def _place(passed: int, key: bytes) -> bytes:
    return passed.to_bytes(_COUNT_BYTES) + key
