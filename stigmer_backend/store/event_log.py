"""The event log: timelines in memory, the journal in front, `events.fs` behind. Blocking, and without a thread of its own.

Methods that may be called from any thread say so; the others belong to the writer's. The lock guards what readers look at.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from stigmer_backend.store.errors import (
    AppendRefused,
    ExecutionExists,
    StoreDamaged,
    StoreError,
    StoreFull,
    UnknownExecution,
)
from stigmer_backend.store.events_port import EventsBase
from stigmer_backend.store.files import is_full
from stigmer_backend.store.frames import JournalRecord, RecordKind
from stigmer_backend.store.journal_port import Journal
from stigmer_backend.store.model import Append, Appended, Batch, Lane, Mark
from stigmer_backend.store.options import StoreOptions
from stigmer_backend.store.timeline import Draft, Timeline

KIND_OF_LANE = {Lane.EVENTS: RecordKind.EVENTS, Lane.ENGINE: RecordKind.ENGINE}


@dataclass(frozen=True, slots=True)
class AppendCall:
    """One call of `append`: a group, whole or absent. `birth` creates the execution of its first append."""

    appends: tuple[Append, ...]
    urgent: bool = True
    birth: bool = False


class EventLog:
    """What is known of every execution's lanes, and how more of it is stored."""

    def __init__(
        self,
        journal: Journal,
        older_journals: list[Path],
        database: EventsBase,
        timelines: Iterable[Timeline],
        removed: Iterable[str],
        options: StoreOptions,
        clock: Callable[[], float],
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._journal = journal
        self._older = older_journals
        self._database = database
        self._session = database.session()
        self._session.begin()
        self._archive = self._session.archive
        self._timelines = {timeline.execution: timeline for timeline in timelines}
        self._touched: set[str] = set()
        self._grown: dict[str, Timeline] = {}
        self._removed = set(removed)
        self._unsynced: dict[str, Timeline] = {}
        self._shown: dict[str, Timeline] = {}
        self._options = options
        self._clock = clock
        self._random_bytes = random_bytes
        self._retry_at = 0.0
        self._damaged: set[str] = set()
        self._lock = threading.Lock()

    # -- what readers look at ------------------------------------------------------------------------------------------

    def heads(self, execution: str, lane: Lane) -> tuple[int, int] | None:
        """Last number written and last number on the disk, or None if the execution is not in memory. From any thread."""
        with self._lock:
            timeline = self._timelines.get(execution)
            if timeline is None:
                return None
            tail = timeline.lanes[lane]
            return tail.head, tail.durable

    def mark(self, execution: str, producer: str) -> tuple[Mark | None] | None:
        """The producer's mark in a tuple, or None if the execution is not in memory. From any thread."""
        with self._lock:
            timeline = self._timelines.get(execution)
            return None if timeline is None else (timeline.marks.get(producer),)

    def is_removed(self, execution: str) -> bool:
        """Whether the execution was removed, though `events.fs` may still have it. From any thread."""
        with self._lock:
            return execution in self._removed

    def read_tail(self, execution: str, lane: Lane, after_seq: int, max_bytes: int) -> list[Batch] | None:
        """What is in memory after `after_seq`, or None if `events.fs` has to be asked first. From any thread."""
        with self._lock:
            timeline = self._timelines.get(execution)
            if timeline is None:
                return None
            tail = timeline.lanes[lane]
            after = max(after_seq, tail.floor)
            if after >= tail.head:
                return []
            return None if after < tail.flushed else tail.read(after, max_bytes)

    # -- writing -------------------------------------------------------------------------------------------------------

    def append(self, calls: Sequence[AppendCall]) -> list[list[Appended] | StoreError]:
        """Write `calls` as one group, visible at once and durable after `sync`; a refused call leaves the others alone.

        Raises `StoreFull`, and then nothing of any call was appended.
        """
        if self._memory_is_full():
            raise StoreFull(self._database.path, "events cannot be moved out of memory")
        drafts: dict[str, Draft] = {}
        records: list[JournalRecord] = []
        outcomes: list[list[Appended] | StoreError] = []
        for call in calls:
            try:
                outcomes.append(self._admit(call, drafts, records))
            except (AppendRefused, StoreDamaged) as refusal:
                outcomes.append(refusal)
        if records:
            self._journal.write(records)
            with self._lock:
                for execution, draft in drafts.items():
                    if draft.parts or draft.marks:
                        draft.apply()
                        self._timelines[execution] = draft.timeline
                        self._unsynced[execution] = self._shown[execution] = draft.timeline
                        if draft.timeline.size >= self._options.chunk_bytes:
                            self._grown[execution] = draft.timeline
        return outcomes

    def set_apart(self, executions: Iterable[str]) -> None:
        """Events of these are lost: nothing is appended to them any more. They can be read and removed."""
        self._damaged.update(executions)

    def is_known(self, execution: str) -> bool:
        """Whether the execution was created and not removed."""
        return self._find(execution) is not None

    def drop_engine_lane(self, execution: str) -> None:
        """Forget the engine's lane of `execution`. Raises `UnknownExecution` and `StoreFull`."""
        timeline = self._timeline(execution)
        through = timeline.lanes[Lane.ENGINE].head
        self._journal.write([JournalRecord(RecordKind.DROP_ENGINE, execution, through, 0, "", 0, 0, b"")])
        with self._lock:
            timeline.lanes[Lane.ENGINE].drop(through)
            timeline.dirty = True
            self._unsynced[execution] = timeline

    def remove(self, executions: Sequence[str]) -> list[str]:
        """Forget executions, and return those that were known. Raises `StoreFull`."""
        known = [execution for execution in dict.fromkeys(executions) if self._find(execution) is not None]
        if not known:
            return known
        self._journal.write([JournalRecord(RecordKind.REMOVE, execution, 0, 0, "", 0, 0, b"") for execution in known])
        self._damaged.difference_update(known)
        with self._lock:
            self._removed.update(known)
            for execution in known:
                self._timelines.pop(execution, None)
                self._unsynced.pop(execution, None)
                self._grown.pop(execution, None)
        self._touched.difference_update(known)
        return known

    @property
    def has_unsynced(self) -> bool:
        """Whether something was written that `sync` has not yet seen to."""
        return self._journal.synced < self._journal.size

    def shown(self) -> list[tuple[str, int]]:
        """Executions that moved since the last call, each with its head of events."""
        moved, self._shown = self._shown, {}
        return [(timeline.execution, timeline.lanes[Lane.EVENTS].head) for timeline in moved.values()]

    def sync(self) -> None:
        """Return when all that was written is on the disk. Raises `OSError`, after which that stays unknown."""
        if self.has_unsynced:
            self._journal.sync()
        with self._lock:
            for timeline in self._unsynced.values():
                for tail in timeline.lanes.values():
                    tail.durable = tail.head
            self._unsynced.clear()

    # -- moving to events.fs -------------------------------------------------------------------------------------------

    def settle(self, execution: str) -> None:
        """Move the tail of `execution` to `events.fs`, and the execution out of memory: it has ended. After `sync`."""
        timeline = self._timeline(execution)
        if timeline.dirty and not self._flush([timeline]):
            return
        with self._lock:
            del self._timelines[execution]
        self._touched.discard(execution)

    def settle_database(self) -> None:
        """Return when all that was moved to `events.fs` is on the disk. Raises `OSError`, after which that stays unknown."""
        self._database.durable.settle()

    def tidy(self) -> None:
        """Move to `events.fs` what has grown, start a new journal file if this one is long, and forget idle executions.

        After `sync`: a group that is not yet on the disk could be torn in two by it.
        """
        if self._clock() >= self._retry_at:
            if self._journal.size >= self._options.rotate_bytes:
                self._rotate()
            elif self._grown or self._removed:
                self._flush(list(self._grown.values()))
        if len(self._timelines) > self._options.hot_executions:
            self._forget_idle()

    def forget_removals(self) -> None:
        """Start a new journal file: while one tells of a removal, recovery leaves out all that it says of that id. Raises `StoreFull`."""
        before = self._journal.number
        self._rotate()
        if self._journal.number == before:
            raise StoreFull(self._database.path, "events cannot be moved out of the journal")

    def close(self, clean: bool) -> None:
        """Close the journal; if `clean`, first move everything to `events.fs` as far as there is space."""
        if not clean:
            pass
        elif self._removed or any(timeline.dirty for timeline in self._timelines.values()):
            self._rotate()
        self._journal.close()
        self._session.abort()
        self._session.close()

    # -- inner -----------------------------------------------------------------------------------------------------------

    def _admit(self, call: AppendCall, drafts: dict[str, Draft], records: list[JournalRecord]) -> list[Appended]:
        """Take a call into the drafts, or undo it and raise why it is refused."""
        begun: set[tuple[str, str]] = set()
        mine: dict[str, Draft] = {}
        fresh: list[JournalRecord] = []
        placed: list[Appended] = []
        try:
            for append in call.appends:
                draft = mine.get(append.execution)
                if draft is None:
                    draft = mine[append.execution] = self._draft(append.execution, drafts, call.birth)
                    draft.begin_call()
                birth = draft.is_new
                first = draft.admit(append, begun)
                if first is None:
                    placed.append(Appended(0, True))
                    continue
                if call.birth and not birth and not fresh:
                    raise ExecutionExists(append.execution)
                placed.append(Appended(first, False))
                fresh.append(journal_record(append, first, birth))
        except StoreError:
            for draft in mine.values():
                draft.undo_call()
            raise
        drafts.update(mine)
        records += fresh
        return placed

    def _draft(self, execution: str, drafts: dict[str, Draft], birth: bool) -> Draft:
        draft = drafts.get(execution)
        if draft is not None:
            return draft
        if execution in self._damaged:
            raise StoreDamaged(self._database.path, f"events of {execution}", "they are kept as they are")
        timeline = self._find(execution)
        if timeline is not None:
            return Draft(timeline)
        if not birth:
            raise UnknownExecution(execution)
        return Draft(Timeline(execution), is_new=True)

    def _find(self, execution: str) -> Timeline | None:
        """The timeline of an execution, fetched into memory if need be; None if it is unknown."""
        timeline = self._timelines.get(execution)
        if timeline is None:
            timeline = None if execution in self._removed else self._archive.timeline(execution)
            if timeline is None:
                return None
            with self._lock:
                self._timelines[execution] = timeline
        self._touched.add(execution)
        return timeline

    def _timeline(self, execution: str) -> Timeline:
        timeline = self._find(execution)
        if timeline is None:
            raise UnknownExecution(execution)
        return timeline

    def _flush(self, timelines: list[Timeline], journal: int | None = None) -> bool:
        """Move tails to `events.fs` in one transaction; False, with nothing changed, if there is no space."""
        try:
            self._archive.flush(timelines, self._removed, journal, self._options.chunk_bytes)
            self._session.commit()
        except StoreDamaged:
            self._session.abort()
            self._session.begin()
            if len(timelines) > 1 and not self._removed:
                for timeline in timelines:
                    self._flush([timeline])
            else:
                self._damaged.update(timeline.execution for timeline in timelines)
            self._retry_at = self._clock() + self._options.retry_seconds
            return False
        except OSError as error:
            self._session.abort()
            self._session.begin()
            if not is_full(error):
                raise
            self._retry_at = self._clock() + self._options.retry_seconds
            return False
        self._session.begin()
        with self._lock:
            self._removed.clear()
            for timeline in timelines:
                timeline.dirty = False
                self._grown.pop(timeline.execution, None)
                for tail in timeline.lanes.values():
                    tail.forget_flushed()
        return True

    def _rotate(self) -> None:
        """Move every tail to `events.fs`, sync it, and start a new journal file; or leave all as it is on a full disk.

        Also where a tail belongs to a damaged execution, which takes no more: the journal has it still.
        """
        following = self._journal.following()
        try:
            following.create(self._random_bytes)
        except StoreFull:
            self._retry_at = self._clock() + self._options.retry_seconds
            return
        dirty = [timeline for timeline in self._timelines.values() if timeline.dirty]
        if not self._flush(dirty, journal=following.number):
            following.remove()
            return
        self._database.durable.settle()
        self._session.forget()
        self._journal.remove()
        for path in self._older:
            path.unlink(missing_ok=True)
        self._older.clear()
        self._journal = following

    def _forget_idle(self) -> None:
        """Forget executions that have nothing to flush and were not asked for since the last time."""
        with self._lock:
            for execution in [name for name, timeline in self._timelines.items() if not timeline.dirty]:
                if execution not in self._touched and execution not in self._unsynced:
                    del self._timelines[execution]
        self._touched.clear()

    def _memory_is_full(self) -> bool:
        if self._clock() >= self._retry_at:
            return False
        return sum(timeline.size for timeline in self._timelines.values()) > self._options.unflushed_bytes


def journal_record(append: Append, first_seq: int, birth: bool) -> JournalRecord:
    """The journal's record of `append`, placed at `first_seq`."""
    return JournalRecord(
        KIND_OF_LANE[append.lane],
        append.execution,
        first_seq,
        append.count,
        append.producer,
        append.epoch,
        append.producer_seq,
        append.body,
        birth,
    )
