"""Which records changed lately: written by the state's thread, read by whoever follows, who is a cursor and nothing more."""

import threading
from collections import OrderedDict
from collections.abc import Iterable

from stigmer_backend.store.model import Changed, Changes


class ChangeLog:
    """Which records changed since the opening, each with its last revision. From any thread."""

    def __init__(self, revision: int, history: int) -> None:
        """`revision` is the one at the opening; `history` is how many records are remembered, at least those of one revision."""
        self._last: OrderedDict[Changed, int] = OrderedDict()
        """The longest ago first: a record that changes again moves to the end, so that one which often changes takes no more."""
        self._floor = self._revision = revision
        self._history = history
        self._lock = threading.Lock()

    @property
    def revision(self) -> int:
        """The newest revision."""
        return self._revision

    def add(self, revision: int, records: Iterable[Changed]) -> None:
        """The state moved to `revision`."""
        with self._lock:
            self._revision = revision
            for record in records:
                self._last[record] = revision
                self._last.move_to_end(record)
            while len(self._last) > self._history:
                oldest, told = next(iter(self._last.items()))
                if told == revision:
                    break
                del self._last[oldest]
                self._floor = told

    def since(self, revision: int) -> Changes | None:
        """What changed after `revision`; None where that is not known any more, or is not of this store's past."""
        found: list[Changed] = []
        with self._lock:
            if not self._floor <= revision <= self._revision:
                return None
            for record, told in reversed(self._last.items()):
                if told <= revision:
                    break
                found.append(record)
            return Changes(self._revision, tuple(reversed(found)))
