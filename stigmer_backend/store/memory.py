"""The store without files, for tests: the same log and state over ZODB's in-memory storage."""

from collections.abc import Callable, Iterable

from ZODB.MappingStorage import MappingStorage

from stigmer_backend.store.frames import JournalRecord


class MemoryStorage(MappingStorage):
    """ZODB's in-memory storage, with nothing to settle."""

    def settle(self) -> None:
        """Nothing to do: there is no disk."""


class MemoryJournal:
    """A journal that keeps nothing: what it would give back after a stop is gone with the process anyway."""

    def __init__(self, number: int = 1) -> None:
        self.number = number
        self.size = 0
        self.synced = 0

    def following(self) -> "MemoryJournal":
        """The next one."""
        return MemoryJournal(self.number + 1)

    def create(self, random_bytes: Callable[[int], bytes]) -> None:
        """Nothing to do."""

    def remove(self) -> None:
        """Nothing to do."""

    def write(self, records: Iterable[JournalRecord]) -> None:
        """Count `records`, so that files rotate as on a disk."""
        self.size += sum(len(record.body) for record in records)

    def sync(self) -> None:
        """All is as safe as it gets."""
        self.synced = self.size

    def close(self) -> None:
        """Nothing to do."""
