"""Reader threads. Each has connections of its own and sees the databases as they are when its query starts."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from stigmer_backend.store.database import Database, Session
from stigmer_backend.store.events_port import EventsBase, EventsConnection, EventsLook
from stigmer_backend.store.state import StateRead
from stigmer_backend.store.worker import Captured, Failure, Waiting, Worker

FORGET_SECONDS = 60.0
"""What was read of events is dropped this often: the system's cache has it too, and the nodes on the way to it would only become more."""

REFRESH_SECONDS = 5.0
"""A connection that nobody asks takes in what was written this often: it collects a note of each object written until then."""

T = TypeVar("T")
S = TypeVar("S", Session, EventsConnection)


@dataclass(frozen=True, slots=True)
class StateQuery:
    """A question to the state."""

    query: Callable[[StateRead], object]


@dataclass(frozen=True, slots=True)
class EventsQuery:
    """A question to `events.fs`."""

    query: Callable[[EventsLook], object]


Query = StateQuery | EventsQuery


class ReadWork:
    """One reader: its two connections, as the work of a `Worker`."""

    def __init__(self, state: Database, events: EventsBase, clock: Callable[[], float]) -> None:
        self._state = _View(state.session(), clock)
        self._events = _View(events.session(), clock)
        self._clock = clock
        self._forgot_at = clock()
        self.worker: Worker[Query] | None = None

    def handle(self, group: list[Waiting[Query]]) -> None:
        """Answer each query in a snapshot of its own."""
        for waiting in group:
            with Captured() as captured:
                match waiting.command:
                    case StateQuery(query):
                        waiting.answer = self._state.look(lambda session, query=query: query(StateRead(session)))
                    case EventsQuery(query):
                        waiting.answer = self._events.look(lambda session, query=query: query(session.archive))
            waiting.error = captured.error
        self.idle()
        if self.worker is not None:
            self.worker.answer(list(group))

    def due(self) -> float | None:
        """Seconds until a connection has to take in what was written."""
        return max(0.0, min(self._state.due, self._events.due))

    def idle(self) -> None:
        """Let connections that nobody asks take in what was written, and forget events that were read a while ago."""
        if self._clock() - self._forgot_at >= FORGET_SECONDS:
            self._forgot_at = self._clock()
            self._events.session.forget()
        for view in (self._state, self._events):
            if view.due <= 0:
                view.look(lambda session: None)

    def unanswered(self) -> list[Waiting[Query]]:
        """None: each query is answered as it ends."""
        return []

    def close(self) -> None:
        """Close the connections. After the thread has ended."""
        self._state.session.close()
        self._events.session.close()


class Readers:
    """All reader threads; a query goes to the one with the least to do."""

    def __init__(
        self,
        count: int,
        state: Database,
        events: EventsBase,
        loop: asyncio.AbstractEventLoop,
        failure: Failure,
        clock: Callable[[], float],
    ) -> None:
        self._works = [ReadWork(state, events, clock) for _ in range(count)]
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

    def passed(self) -> list[asyncio.Future[object]]:
        """Futures that are done once every query that was given before has ended."""
        return [worker.submit(StateQuery(lambda state: None)) for worker in self._workers]

    def finish(self) -> None:
        """End the threads and close the connections. Blocks."""
        for worker in self._workers:
            worker.finish()
        for work in self._works:
            work.close()


class _View(Generic[S]):
    """A connection, and when it was last looked through."""

    def __init__(self, session: S, clock: Callable[[], float]) -> None:
        self.session = session
        self._clock = clock
        self._looked_at = clock()

    @property
    def due(self) -> float:
        """Seconds until it has to be looked through again."""
        return self._looked_at + REFRESH_SECONDS - self._clock()

    def look(self, query: Callable[[S], T]) -> T:
        """Answer a query on the database as it is now; again where the connection was lost meanwhile."""
        self._looked_at = self._clock()
        while True:
            try:
                self.session.begin()
                return query(self.session)
            except Exception as error:
                self.session.abort()
                if not self.session.mends(error):
                    raise
            finally:
                self.session.abort()
