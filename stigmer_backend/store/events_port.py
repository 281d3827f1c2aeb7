"""What the store asks of the place where events are at rest: `events.fs` (`archive.py`), or tables of PostgreSQL (`postgres/`)."""

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from stigmer_backend.store.database import Durable
from stigmer_backend.store.model import Batch, Lane
from stigmer_backend.store.standing import Standing
from stigmer_backend.store.timeline import Timeline


class EventsLook(Protocol):
    """The events at rest as of one moment: `Archive` says what each member means."""

    def standing(self, execution: str) -> Standing | None: ...

    def timeline(self, execution: str) -> Timeline | None: ...

    def read(self, execution: str, lane: Lane, after_seq: int, max_bytes: int) -> list[Batch]: ...

    def flush(
        self, timelines: Iterable[Timeline], removed: Iterable[str], journal: int | None, chunk_bytes: int
    ) -> None: ...


class EventsConnection(Protocol):
    """One connection, for one thread at a time: `Session` says what each member means."""

    @property
    def archive(self) -> EventsLook: ...

    def begin(self) -> None: ...

    def commit(self) -> None: ...

    def abort(self) -> None: ...

    def mends(self, error: BaseException) -> bool: ...

    def forget(self) -> None: ...

    def close(self) -> None: ...


class EventsBase(Protocol):
    """The events at rest: `Database` says what each member means."""

    @property
    def path(self) -> Path: ...

    @property
    def durable(self) -> Durable: ...

    def session(self) -> EventsConnection: ...

    def close(self) -> None: ...
