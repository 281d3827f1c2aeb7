"""Reader threads. Each has connections of its own and sees the databases as they are when its query starts."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from stigmer_backend.store.archive import Archive
from stigmer_backend.store.database import Database, Session
from stigmer_backend.store.state import StateRead
from stigmer_backend.store.worker import Captured, Failure, Waiting, Worker


@dataclass(frozen=True, slots=True)
class StateQuery:
    """A question to the state."""

    query: Callable[[StateRead], object]


@dataclass(frozen=True, slots=True)
class EventsQuery:
    """A question to `events.fs`."""

    query: Callable[[Archive], object]


Query = StateQuery | EventsQuery


class ReadWork:
    """One reader: its two connections, as the work of a `Worker`."""

    def __init__(self, state: Database, events: Database) -> None:
        self._state = state.session()
        self._events = events.session()
        self.worker: Worker[Query] | None = None

    def handle(self, group: list[Waiting[Query]]) -> None:
        """Answer each query in a snapshot of its own."""
        for waiting in group:
            with Captured() as captured:
                match waiting.command:
                    case StateQuery(query):
                        waiting.answer = _look(self._state, lambda session, query=query: query(StateRead(session)))
                    case EventsQuery(query):
                        waiting.answer = _look(self._events, lambda session, query=query: query(Archive(session)))
            waiting.error = captured.error
        if self.worker is not None:
            self.worker.answer(list(group))

    def due(self) -> float | None:
        """Nothing is ever put off."""
        return None

    def idle(self) -> None:
        """Nothing is ever put off."""

    def unanswered(self) -> list[Waiting[Query]]:
        """None: each query is answered as it ends."""
        return []

    def close(self) -> None:
        """Close the connections. After the thread has ended."""
        self._state.close()
        self._events.close()


class Readers:
    """All reader threads; a query goes to the one with the least to do."""

    def __init__(
        self, count: int, state: Database, events: Database, loop: asyncio.AbstractEventLoop, failure: Failure
    ) -> None:
        self._works = [ReadWork(state, events) for _ in range(count)]
        self._workers: list[Worker[Query]] = []
        for number, work in enumerate(self._works):
            worker: Worker[Query] = Worker(f"store-reader-{number}", work, loop, failure)
            work.worker = worker
            self._workers.append(worker)

    def start(self) -> None:
        """Start the threads."""
        for worker in self._workers:
            worker.start()

    def submit(self, query: Query) -> asyncio.Future[object]:
        """Queue a query, and return the future of its answer."""
        return min(self._workers, key=lambda worker: worker.backlog).submit(query)

    def refresh(self) -> None:
        """Let every connection take in what was written: an idle one otherwise collects a note of every object written."""
        for worker in self._workers:
            worker.submit(StateQuery(lambda state: None))
            worker.submit(EventsQuery(lambda archive: None))

    def passed(self) -> list[asyncio.Future[object]]:
        """Futures that are done once every query that was given before has ended."""
        return [worker.submit(StateQuery(lambda state: None)) for worker in self._workers]

    def finish(self) -> None:
        """End the threads and close the connections. Blocks."""
        for worker in self._workers:
            worker.finish()
        for work in self._works:
            work.close()


def _look(session: Session, query: Callable[[Session], object]) -> object:
    session.begin()
    try:
        return query(session)
    finally:
        session.abort()
