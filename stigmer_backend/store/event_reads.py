"""Reading events: first in memory, then where they are at rest, and again while they move from the one to the other."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

from stigmer_backend.store.errors import StoreDamaged, UnknownExecution
from stigmer_backend.store.event_log import EventLog
from stigmer_backend.store.events_port import EventsLook
from stigmer_backend.store.model import Batch, Lane, Mark
from stigmer_backend.store.readers import EventsQuery, Readers

T = TypeVar("T")


class EventReads:
    """What `Store` reads of events; on its event loop."""

    def __init__(self, log: EventLog, path: Path, readers: Readers) -> None:
        """`path` names where events are at rest, in errors."""
        self._log = log
        self._path = path
        self._readers = readers
        self.being_born: set[str] = set()
        """Executions that are being created: they are known, and empty."""

    async def exists(self, execution: str) -> bool:
        """Whether the execution was created and not removed."""
        try:
            await self.heads(execution, Lane.EVENTS)
        except UnknownExecution:
            return False
        return True

    async def heads(self, execution: str, lane: Lane) -> tuple[int, int]:
        """Last number and last number on the disk. Raises `UnknownExecution`."""
        held = self._log.heads(execution, lane)
        if held is not None:
            return held
        if execution in self.being_born:
            return 0, 0
        standing = await self._ask(execution, lambda archive: archive.standing(execution))
        held = self._log.heads(execution, lane)
        if held is not None:
            return held
        if standing is None:
            raise UnknownExecution(execution)
        return standing.heads[lane], standing.heads[lane]

    async def mark(self, execution: str, producer: str) -> Mark | None:
        """As `Store.mark`."""
        held = self._log.mark(execution, producer)
        if held is not None:
            return held[0]
        standing = await self._ask(execution, lambda archive: archive.standing(execution))
        if standing is None:
            raise UnknownExecution(execution)
        return standing.marks.get(producer)

    async def read(self, execution: str, after_seq: int, max_bytes: int, lane: Lane) -> list[Batch]:
        """As `Store.read`."""
        while True:
            found = self._log.read_tail(execution, lane, after_seq, max_bytes)
            if found is not None:
                return found
            found = await self._read_archive(execution, lane, after_seq, max_bytes)
            if found is not None:
                return found

    async def _read_archive(self, execution: str, lane: Lane, after_seq: int, max_bytes: int) -> list[Batch] | None:
        """Read chunks, and go on in memory where they end; None if meanwhile everything moved."""
        if execution in self.being_born:
            return []
        standing, found = await self._ask(
            execution,
            lambda archive: (archive.standing(execution), archive.read(execution, lane, after_seq, max_bytes)),
        )
        room = max_bytes - sum(len(batch.body) for batch in found)
        if self._log.heads(execution, lane) is None:
            if standing is None:
                raise UnknownExecution(execution)
            if not found and after_seq < standing.heads[lane] and standing.heads[lane] > standing.floor(lane):
                raise StoreDamaged(self._path, f"{execution} after {after_seq}", "messages are not there")
            return found
        if found and room <= 0:
            return found
        tail = self._log.read_tail(execution, lane, found[-1].last_seq if found else after_seq, max(room, 1))
        return found + tail if tail is not None else found or None

    async def _ask(self, execution: str, query: Callable[[EventsLook], T]) -> T:
        """Ask `events.fs`. Before, not after: an execution that is being removed may still be in it when the query starts."""
        if self._log.is_removed(execution):
            raise UnknownExecution(execution)
        return cast(T, await self._readers.submit(EventsQuery(query)))
