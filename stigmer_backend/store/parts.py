"""An open store without its threads, and steps of putting it together that are the same wherever it is kept. Blocking."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TypeVar

from stigmer_backend.store.births import births, clear_births
from stigmer_backend.store.database import Database, Session
from stigmer_backend.store.event_log import AppendCall, EventLog
from stigmer_backend.store.events_port import EventsBase
from stigmer_backend.store.manifest import Left
from stigmer_backend.store.packer import Packer
from stigmer_backend.store.report import RecoveryReport
from stigmer_backend.store.snapshot import Snapshot

T = TypeVar("T")

Stop = Callable[[str, str], None]
"""Stops the store: the reason, and what a person can do."""


@dataclass(slots=True)
class Parts:
    """An open store without its threads."""

    state: Database
    events: EventsBase
    log: EventLog
    incarnation: str
    report: RecoveryReport
    snapshot: Callable[[], Snapshot] | None
    """Opens its files for reading, on the log's thread; None where there are none."""
    packer: Packer | None
    """Makes its databases smaller; None where there are no files."""
    note: Callable[[Left], None]
    """Writes down how the store is left."""
    release: Callable[[], None]
    """Gives up its lock."""
    listen: Callable[[Stop], None] = lambda stop: None
    """Names who is told, from any thread, when the store is lost to somebody else."""
    name_losses: Callable[[], frozenset[str]] = frozenset
    """Finds out what the damage in the report belongs to; the executions whose events are lost."""
    place: str = ""
    """Where the store is, for a person, if not in files."""
    without_files: str = ""
    """Why there are no files, where there are none, and what a backup is made with then; a sentence of its own."""

    def close(self, clean: bool) -> None:
        """Close everything. After a failure (not `clean`) nothing more is written to the databases."""
        with ExitStack() as ending:
            ending.callback(self.release)
            ending.callback(self.note, Left.CLEAN if clean else Left.FAILED)
            ending.callback(self.state.close)
            ending.callback(self.events.close)
            ending.callback(lambda: self.log.close(clean))


def look(database: Database, query: Callable[[Session], T]) -> T:
    session = database.session()
    session.begin()
    try:
        return query(session)
    finally:
        session.abort()
        session.close()


def in_transaction(database: Database, work: Callable[[Session], object]) -> None:
    """Do `work` in one transaction, and return when it is on the disk."""
    session = database.session()
    session.begin()
    try:
        work(session)
        session.commit()
    finally:
        session.abort()
        session.close()
    database.durable.settle()


def complete_births(log: EventLog, state: Database, report: RecoveryReport) -> None:
    """Append the first events that did not reach the journal."""
    session = state.session()
    session.begin()
    waiting = births(session)
    session.abort()
    session.close()
    if not waiting:
        return
    for first in waiting:
        if not log.is_known(first.execution):
            log.append([AppendCall((first,), birth=True)])
            report.completed_births += 1
    log.sync()
    in_transaction(state, lambda session: clear_births(session, [first.execution for first in waiting]))
