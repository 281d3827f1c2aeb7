"""Which records changed lately: written by the state's thread, read by whoever follows, who is a cursor and nothing more."""

import threading
from collections import deque
from collections.abc import Iterable

from stigmer_backend.store.model import Changed, Changes


class ChangeLog:
    """The last changes since the opening, by revision. From any thread."""

    def __init__(self, revision: int, history: int) -> None:
        """`revision` is the one at the opening; `history` is how many changes are remembered, at least those of one revision."""
        self._told: deque[tuple[int, tuple[Changed, ...]]] = deque()
        self._floor = self._revision = revision
        self._history = history
        self._held = 0
        self._lock = threading.Lock()

    @property
    def revision(self) -> int:
        """The newest revision."""
        return self._revision

    def add(self, revision: int, records: Iterable[Changed]) -> None:
        """The state moved to `revision`."""
        changed = tuple(records)
        with self._lock:
            self._revision = revision
            if changed:
                self._told.append((revision, changed))
                self._held += len(changed)
            while self._held > self._history and len(self._told) > 1:
                self._floor, oldest = self._told.popleft()
                self._held -= len(oldest)

    def since(self, revision: int) -> Changes | None:
        """What changed after `revision`; None where that is not known any more, or is not of this store's past."""
        found: dict[Changed, None] = {}
        with self._lock:
            if not self._floor <= revision <= self._revision:
                return None
            for told, records in reversed(self._told):
                if told <= revision:
                    break
                for record in reversed(records):
                    found.setdefault(record)
            return Changes(self._revision, tuple(reversed(found)))
