"""What the event log asks of a journal: files (`journal.py`), rows of PostgreSQL (`postgres/`), or nothing at all (`memory.py`)."""

from collections.abc import Callable, Iterable
from typing import Protocol

from stigmer_backend.store.frames import JournalRecord


class Journal(Protocol):
    """`JournalWriter` says what each member means."""

    @property
    def number(self) -> int: ...

    @property
    def size(self) -> int: ...

    @property
    def synced(self) -> int: ...

    def write(self, records: Iterable[JournalRecord]) -> None: ...

    def sync(self) -> None: ...

    def following(self) -> "Journal": ...

    def create(self, random_bytes: Callable[[int], bytes]) -> None: ...

    def remove(self) -> None: ...

    def close(self) -> None: ...
