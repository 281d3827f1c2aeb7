"""The store as the event loop sees it: awaitable calls over threads of its own."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeVar, cast

from stigmer_backend.store.changes import ChangeLog
from stigmer_backend.store.checks import check_group
from stigmer_backend.store.errors import (
    ExecutionExists,
    NoFiles,
    StoreClosed,
    StoreStopped,
)
from stigmer_backend.store.event_log import AppendCall
from stigmer_backend.store.event_reads import EventReads
from stigmer_backend.store.log_work import DropEngineCall, LogCall, LogWork, RemoveCall, SettleCall, StandstillCall
from stigmer_backend.store.manifest import Left
from stigmer_backend.store.model import Append, Appended, Batch, Changed, Changes, Lane, Mark
from stigmer_backend.store.opening import open_parts
from stigmer_backend.store.options import StoreOptions
from stigmer_backend.store.pack_work import PackWork
from stigmer_backend.store.packer import DatabaseName, Packed, Usage
from stigmer_backend.store.parts import Parts
from stigmer_backend.store.readers import Readers, StateQuery
from stigmer_backend.store.report import RecoveryReport
from stigmer_backend.store.snapshot import Snapshot, close_unwanted
from stigmer_backend.store.state import StateRead, StateWrite
from stigmer_backend.store.state_work import StateCall, StateChange, StateWork
from stigmer_backend.store.uri import place_of
from stigmer_backend.store.watchers import Watchers
from stigmer_backend.store.worker import Failure, Waiting, Worker

T = TypeVar("T")

STATE_GROUP = 512
"""Most changes in one transaction of the state."""


class Store:
    """Executions' events and the state, durable. Belongs to the event loop that opened it.

    Every method raises `StoreClosed` after `close`, `StoreStopped` after a failed sync, and reads may raise `StoreDamaged`.
    A caller that is cancelled while it waits does not know whether its call was carried out.
    """

    def __init__(self, parts: Parts, options: StoreOptions, clock: Callable[[], float]) -> None:
        """Use `open`."""
        loop = asyncio.get_running_loop()
        self._loop = loop
        self._parts = parts
        self._failure = Failure()
        self._failed: asyncio.Future[str] = loop.create_future()
        self._failure.listen(self._failed_on_a_thread)
        parts.listen(self._failure.stop)
        self._watchers = Watchers(loop)
        self._revisions = Watchers(loop)
        self._changelog = ChangeLog(parts.state.last_transaction, options.change_history)
        self._log_work = LogWork(
            parts.log,
            options,
            clock,
            answer=lambda group: self._log.answer(group),
            born=self._born,
            moved=self._moved,
        )
        self._log: Worker[LogCall] = Worker("store-events", self._log_work, loop, self._failure, options.group_calls)
        self._state_work = StateWork(
            parts.state,
            answer=lambda group: self._state.answer(group),
            bear=self._bear,
            revised=self._revised,
        )
        self._state: Worker[StateCall] = Worker("store-state", self._state_work, loop, self._failure, STATE_GROUP)
        self._readers = Readers(options.readers, parts.state, parts.events, loop, self._failure, clock)
        self._reads = EventReads(parts.log, parts.events.path, self._readers)
        self._packs = PackWork(parts, self._log, self._state, self._readers)
        self._closed = False

    @classmethod
    async def open(
        cls,
        directory: Path,
        *,
        clock: Callable[[], float] = time.monotonic,
        options: StoreOptions | None = None,
    ) -> "Store":
        """Open the store below `directory`, or make it there; repairs what a stop left behind and tells of it in `report`.

        `clock` gives seconds that never go back. Raises `OpenRefused` if the store is in use, of a newer format, incomplete or
        damaged, and `OSError` if the directory cannot be used.
        """
        options = options or StoreOptions()
        with ThreadPoolExecutor(1, "store-open") as thread:
            parts = await asyncio.get_running_loop().run_in_executor(thread, open_parts, directory, options, clock)
        store = cls(parts, options, clock)
        store._log.start()
        store._state.start()
        store._readers.start()
        return store

    @classmethod
    async def open_at(
        cls,
        uri: str,
        default: Path,
        *,
        clock: Callable[[], float] = time.monotonic,
        options: StoreOptions | None = None,
    ) -> "Store":
        """Open the store that `uri` names, as `uri.place_of` reads it. Raises `UnknownStorage` and what `open` raises."""
        place = place_of(uri, default)
        chosen = replace(options or StoreOptions(), kind=place.kind, database=place.database)
        return await cls.open(place.directory, clock=clock, options=chosen)

    @property
    def incarnation(self) -> str:
        """Changes when something that was shown may be gone: after a power cut or a restore, not after a killed process."""
        return self._parts.incarnation

    @property
    def place(self) -> str:
        """Where it is, for a person; empty where it is in files."""
        return self._parts.place

    @property
    def report(self) -> RecoveryReport:
        """What the opening found."""
        return self._parts.report

    @property
    def revision(self) -> int:
        """Grows with every commit of the state. Not a time, and not dense."""
        return self._changelog.revision

    @property
    def failure(self) -> str | None:
        """Why the store stopped, or None while it works."""
        return self._failure.reason

    async def failed(self) -> str:
        """Wait until the store stops by itself, and return why. It cannot go on: end the process.

        Raises `StoreClosed` when the store is closed first.
        """
        return await asyncio.shield(self._failed)

    # -- events ----------------------------------------------------------------------------------------------------------

    async def append(self, group: Sequence[Append], *, urgent: bool = True) -> list[Appended]:
        """Append `group`, whole or not at all, and return where each of it stands once it is on the disk.

        Readers see it a moment before. Groups of which none is urgent share a sync, at most `delta_sync_seconds` late.
        Raises `UnknownExecution`, `StaleEpoch`, `ProducerGap`, `StoreFull`; `ValueError` for a malformed append.
        """
        check_group(group)
        return cast("list[Appended]", await self._log.submit(AppendCall(tuple(group), urgent)))

    async def create_execution(self, change: Callable[[StateWrite], object], execution: str, first: Append) -> Appended:
        """Create an execution: `change` makes its records, and `first` is its first append, both or none.

        A stop in between is completed when the store opens again, and a full disk as soon as there is space. `change` should put the record with `expected_version=0`.
        Raises `ExecutionExists`, what `change` raises, and what `append` raises.
        """
        check_group((first,))
        if first.execution != execution or not first.count:
            raise ValueError(f"the first append of {execution!r} has to be its own, and not empty")
        if await self._reads.exists(execution) or execution in self._reads.being_born:
            raise ExecutionExists(execution)
        birth = self._log.prepare(AppendCall((first,), birth=True))
        self._reads.being_born.add(execution)
        try:
            await self._state.submit(StateChange(change, birth))
            return cast("list[Appended]", await birth.future)[0]
        finally:
            birth.future.cancel()
            self._reads.being_born.discard(execution)

    async def head(self, execution: str, lane: Lane = Lane.EVENTS) -> int:
        """Number of the last message of a lane, 0 if it is empty. Raises `UnknownExecution`."""
        return (await self._reads.heads(execution, lane))[0]

    async def durable_head(self, execution: str, lane: Lane = Lane.EVENTS) -> int:
        """Number of the last message of a lane that is on the disk. Raises `UnknownExecution`."""
        return (await self._reads.heads(execution, lane))[1]

    async def mark(self, execution: str, producer: str) -> Mark | None:
        """How far `producer` came in `execution`, or None if it never appended. Raises `UnknownExecution`."""
        return await self._reads.mark(execution, producer)

    async def read(self, execution: str, after_seq: int, max_bytes: int, lane: Lane = Lane.EVENTS) -> list[Batch]:
        """Messages after number `after_seq`, in order and without a gap, about `max_bytes` of them; none at the end.

        Bodies are not split, so the first batch may begin at or before `after_seq + 1`, and one batch comes even if it is
        larger than `max_bytes`. Of the engine's lane, what was dropped is left out. Raises `UnknownExecution`.
        """
        return await self._reads.read(execution, after_seq, max_bytes, lane)

    async def wait_beyond(self, execution: str, seq: int) -> int:
        """Wait until the lane of events has a message after number `seq`, and return the number of its last.

        A subscriber is such a cursor and nothing more: writers never wait for it. Raises `UnknownExecution`, also when the
        execution is removed meanwhile.
        """
        while True:
            with self._watchers.watch(execution) as moved:
                head = await self.head(execution)
                if head > seq:
                    return head
                await moved

    async def settle(self, execution: str) -> None:
        """The execution has ended: move its tail to `events.fs` and forget it in memory. Raises `UnknownExecution`."""
        await self._log.submit(SettleCall(execution))

    async def drop_engine_lane(self, execution: str) -> None:
        """Forget the engine's lane: nobody will replay it. Numbers go on from where they were. Raises `UnknownExecution`."""
        await self._log.submit(DropEngineCall(execution))

    async def remove_events(self, executions: Sequence[str]) -> None:
        """Forget executions, both lanes. Those that are unknown are left out. Their ids must not be used again."""
        if self._state_work.has_born:
            await self._state.submit(StateChange(lambda state: None))
        await self._log.submit(RemoveCall(tuple(executions)))

    async def let_ids_be_used_again(self) -> None:
        """From here on an execution may be created with the id of one that was removed: the journal forgets the removals. Costs as a rotation."""
        await self._log.submit(StandstillCall(self._parts.log.forget_removals))

    # -- state -----------------------------------------------------------------------------------------------------------

    async def write(self, change: Callable[[StateWrite], T]) -> T:
        """Run `change` on the writer's thread, and return what it returned once it is on the disk.

        Changes that come together share a transaction, and one may then run twice: it must have no effect of its own, and
        must not keep the `StateWrite`. Raises what `change` raises, with nothing of it written, and `StoreFull`.
        """
        return cast(T, await self._state.submit(StateChange(change)))

    async def read_state(self, query: Callable[[StateRead], T]) -> T:
        """Run `query` on a reader's thread, on the state as it is when the query starts, and return what it returned."""
        return cast(T, await self._readers.submit(StateQuery(query)))

    async def wait_revised(self, revision: int) -> int:
        """Wait until the state is beyond `revision`, and return the one that it is at."""
        while True:
            with self._revisions.watch("") as moved:
                if self.revision > revision:
                    return self.revision
                await moved

    def changes(self, revision: int) -> Changes | None:
        """Which records were written or deleted after `revision`.

        None where that is not known: it is too old (`change_history`), was before this opening, or is not of this store at all. Then read
        everything that matters again, and go on from the revision before that.
        """
        return self._changelog.since(revision)

    async def snapshot(self) -> Snapshot:
        """The store's files as of now, as if it had been killed now; writers go on. Close it.

        Raises `NoFiles` for a store in memory or in PostgreSQL, and `OSError` where a file cannot be opened.
        """
        if self._parts.snapshot is None:
            raise NoFiles(self._parts.without_files)
        taken = self._log.submit(StandstillCall(self._parts.snapshot))
        try:
            return cast(Snapshot, await asyncio.shield(taken))
        except asyncio.CancelledError:
            taken.add_done_callback(close_unwanted)
            raise

    def size_of(self, name: DatabaseName) -> int:
        """Bytes of a database, as of its last sync. Raises `NoFiles` for a store in memory or in PostgreSQL."""
        return self._packs.size(name)

    async def usage(self, name: DatabaseName) -> Usage:
        """What a database takes on the disk, and how much of that a pack would give back. Raises `NoFiles` for a store in memory or in PostgreSQL."""
        return await self._packs.usage(name)

    async def scrub(self, name: DatabaseName) -> list[str]:
        """Look at every byte of a database while it is in use; the executions whose events were found to be lost now, which are set apart. `report` says what else is.

        Raises `NoFiles`; `StoreDamaged` where it is not certain what is lost.
        """
        return await self._packs.scrub(name)

    async def pack(self, name: DatabaseName) -> Packed:
        """Give back the space of what nobody can reach any more in a database; readers and writers go on. Packs wait for each other.

        Raises `NoFiles`, `StoreFull`, `PackAbandoned`, `StoreDamaged`, `OSError`, each with the database as it was.
        """
        return await self._packs.pack(name)

    # -- the end ---------------------------------------------------------------------------------------------------------

    async def close(self) -> None:
        """Carry out what is queued, move everything to the databases, and close. After a failure: close what can be.

        Raises `StoreStopped` if the disk fails now: what was acknowledged is safe in the journal.
        """
        if self._closed:
            return
        self._closed = True
        self._watchers.end(self._failure.error)
        self._revisions.end(self._failure.error)
        try:
            with ThreadPoolExecutor(1, "store-close") as thread:
                await self._loop.run_in_executor(thread, self._close)
        except OSError as error:
            raise StoreStopped(f"it could not be closed properly: {error}") from error
        if not self._failed.done():
            self._failed.set_exception(StoreClosed())
            self._failed.exception()  # Whoever waits is told; with nobody waiting, it is no error that went unseen.

    def _close(self) -> None:
        self._packs.finish()
        self._state.finish()
        self._log.finish()
        self._readers.finish()
        self._state_work.close()
        self._parts.close(clean=self._failure.reason is None)

    # -- inner -----------------------------------------------------------------------------------------------------------

    def _moved(self, moved: Sequence[tuple[str, int]], gone: Sequence[str]) -> None:
        """From the log's thread."""
        self._watchers.moved([execution for execution, _ in moved])
        self._watchers.moved(gone)

    def _revised(self, revision: int, changed: Iterable[Changed]) -> None:
        """From the state's thread."""
        self._changelog.add(revision, changed)
        self._revisions.moved([""])

    def _failed_on_a_thread(self, reason: str) -> None:
        """Note it at once, if the disk still takes it: a kill may come before the end, and what was shown may be gone."""
        with suppress(OSError):
            self._parts.note(Left.FAILED)
        self._loop.call_soon_threadsafe(self._stop, reason)

    def _bear(self, birth: Waiting[LogCall]) -> None:
        """From the state's thread."""
        if not self._log.enqueue(birth):
            birth.error = self._failure.error()
            self._log.answer([birth])

    def _born(self, execution: str) -> None:
        """From the log's thread."""
        self._state_work.born(execution)

    def _stop(self, reason: str) -> None:
        self._watchers.end(self._failure.error)
        self._revisions.end(self._failure.error)
        if not self._failed.done():
            self._failed.set_result(reason)
