"""How the parts of a store are found, repaired, and put together. Blocking.

The order is: lock, manifest, the two database files, the journal, births, manifest again, structure. Anything that is wrong is refused before
the first byte is changed, but for torn ends, which are kept aside and cut.
"""

import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from zc.lockfile import LockError

from stigmer_backend.store import database_format
from stigmer_backend.store.archive import Archive, EventsFile
from stigmer_backend.store.before_upgrade import keep_before_upgrade
from stigmer_backend.store.binding import bind, bind_late, require_bound
from stigmer_backend.store.boot import boot_id
from stigmer_backend.store.damage import name_losses
from stigmer_backend.store.database import Database, Session
from stigmer_backend.store.digest import digest_path
from stigmer_backend.store.errors import DatabaseMissing, ExtraMissing, StoreDamaged, StoreLocked
from stigmer_backend.store.event_log import EventLog
from stigmer_backend.store.files import PRIVATE_DIRECTORY, PRIVATE_FILE
from stigmer_backend.store.index_file import index_path
from stigmer_backend.store.inspection import inspect
from stigmer_backend.store.journal import JournalWriter
from stigmer_backend.store.journal_port import Journal
from stigmer_backend.store.lock import DirectoryLock
from stigmer_backend.store.manifest import (
    DATABASES,
    Left,
    Manifest,
    ManifestFile,
    database_files,
    manifest_path,
    read_manifest,
    reopened,
    write_manifest,
)
from stigmer_backend.store.memory import MemoryJournal, MemoryStorage
from stigmer_backend.store.options import StoreKind, StoreOptions
from stigmer_backend.store.packer import Packer
from stigmer_backend.store.packing import remove_database
from stigmer_backend.store.parts import Parts, complete_births, in_transaction, look
from stigmer_backend.store.recovery import recover_journal
from stigmer_backend.store.report import RecoveryReport
from stigmer_backend.store.sealed_storage import SealedStorage
from stigmer_backend.store.snapshot import Snapshot, take_snapshot
from stigmer_backend.store.state import prepare_state
from stigmer_backend.store.structure import STRUCTURE, structure_of, upgrade_state

FIRST_JOURNAL = 1
JOURNALS = "journal"
LOCK = "lock"
ROOT = bytes(8)
"""Id of a database's root object. ZODB makes a new one where there is none, which would be an empty store."""

EVENTS_CACHE_OBJECTS = 1_000
EVENTS_CACHE_BYTES = 4 << 20

IN_MEMORY = "the store is in memory, so there is nothing to back up: use a daemon with `--storage file:`"

RandomBytes = Callable[[int], bytes]


def open_parts(
    directory: Path, options: StoreOptions, clock: Callable[[], float], random_bytes: RandomBytes = os.urandom
) -> Parts:
    """Open the store below `directory`, or make it. Raises `OpenRefused`, and then nothing is left open."""
    if options.kind is StoreKind.MEMORY:
        return _open_memory(options, clock, random_bytes)
    if options.kind is StoreKind.POSTGRESQL:
        return _open_postgresql(directory, options, clock, random_bytes)
    directory.mkdir(mode=PRIVATE_DIRECTORY, parents=True, exist_ok=True)
    with ExitStack() as undo:
        lock = DirectoryLock(directory / LOCK)
        undo.callback(lock.release)
        opener = _Opener(directory, options, clock, random_bytes, undo)
        parts = opener.open(lock)
        undo.pop_all()
        return parts


@dataclass(frozen=True, slots=True)
class _Opener:
    """One opening of a directory. What was opened is closed by `undo` if a later step fails."""

    directory: Path
    options: StoreOptions
    clock: Callable[[], float]
    random_bytes: RandomBytes
    undo: ExitStack

    def open(self, lock: DirectoryLock) -> Parts:
        report = RecoveryReport()
        before = self._manifest(report)
        found = manifest_path(self.directory).read_bytes()
        manifest = reopened(before, boot_id(), self.random_bytes(16).hex())
        report.clean = report.created or before.left is Left.CLEAN
        report.incarnation_changed = manifest.incarnation != before.incarnation
        self._require_files(manifest)
        state_name, events_name = manifest.databases
        state_storage = self._storage(state_name, report, True)
        path, sizes = self.directory / state_name, self.options
        state = Database(path, state_storage, state_storage, sizes.cache_objects, sizes.cache_bytes)
        events_storage = self._storage(events_name, report, False)
        path = self.directory / events_name
        events = EventsFile(path, events_storage, events_storage, EVENTS_CACHE_OBJECTS, EVENTS_CACHE_BYTES)
        if report.created:
            in_transaction(state, lambda session: _prepare(session, manifest.store))
            in_transaction(events, lambda session: _prepare_events(session, manifest.store))
        unbound = [each for each in (state, events) if not require_bound(each, manifest.store)]
        log = self._log(events, manifest.store, report)
        complete_births(log, state, report)
        older = look(state, structure_of)
        if older < STRUCTURE:
            files = self.options.files
            report.notes.append(keep_before_upgrade(self.directory, older, found, manifest.databases, files))
        write_manifest(self.directory, manifest, self.options.files)
        report.notes += upgrade_state(state)
        for each in unbound:
            bind_late(each, manifest.store)
        _tell_damage(state, events, log, report)

        self._remove_replaced(manifest)
        named = ManifestFile(self.directory, manifest, self.options.files)

        def snapshot() -> Snapshot:
            with named.lock:
                return take_snapshot(self.directory, state_storage, events_storage)

        packer = Packer(
            self.directory, named, self.options.files, self.random_bytes, state_storage, events_storage, report
        )
        return Parts(
            state,
            events,
            log,
            manifest.incarnation,
            report,
            snapshot,
            packer,
            named.note,
            lock.release,
            name_losses=lambda: name_losses(state, events, report),
        )

    def _manifest(self, report: RecoveryReport) -> Manifest:
        """The manifest, after making an empty store if there is none."""
        found = read_manifest(self.directory)
        if found is not None and found.left is not Left.CREATING:
            return found
        data = [path for path in self._files() if path.exists()]
        if found is None and data:
            raise DatabaseMissing(manifest_path(self.directory), f"{data[0]} is there")
        report.created = True
        fresh = found or Manifest(self.random_bytes(16).hex(), self.random_bytes(16).hex(), "", Left.CREATING)
        write_manifest(self.directory, fresh, self.options.files)
        for path in data:
            path.unlink()
        self._make_files(fresh.store)
        return fresh

    def _remove_replaced(self, manifest: Manifest) -> None:
        """Remove databases that a packed one took the place of, or that a pack was still making. Those in use were just found to be whole."""
        for path in database_files(self.directory):
            if path.name not in manifest.databases:
                remove_database(path, self.options.files)

    def _files(self) -> list[Path]:
        databases = sorted({self.directory / name for name in DATABASES} | set(database_files(self.directory)))
        sidecars = [side(database) for database in databases for side in (index_path, digest_path)]
        return databases + sidecars + sorted((self.directory / JOURNALS).glob("*.wal"))

    def _make_files(self, store: str) -> None:
        files = self.options.files
        for name in DATABASES:
            files.write_whole(self.directory / name, database_format.MAGIC)
        journals = self.directory / JOURNALS
        journals.mkdir(mode=PRIVATE_DIRECTORY, exist_ok=True)
        files.sync_directory(self.directory)
        first = JournalWriter(journals, FIRST_JOURNAL, store, files)
        first.create(self.random_bytes)
        first.close()

    def _require_files(self, manifest: Manifest) -> None:
        for name in (*manifest.databases, JOURNALS):
            path = self.directory / name
            if not path.exists():
                raise DatabaseMissing(path, "the manifest says that it holds data")

    def _storage(self, name: str, report: RecoveryReport, each_synced: bool) -> SealedStorage:
        path = self.directory / name
        files = self.options.files
        found = inspect(path, files, self.random_bytes, report, each_synced=each_synced)
        if not report.created and ROOT not in found.index:
            found.digest.close()
            raise StoreDamaged(path, "its root", "there is no root object")
        try:
            storage = SealedStorage(path, found, files, self.options.index_bytes)
        except LockError as error:
            found.digest.close()
            raise StoreLocked(path, "another program") from error
        except BaseException:
            found.digest.close()
            raise
        path.with_name(path.name + ".lock").chmod(PRIVATE_FILE)
        self.undo.callback(storage.close)
        return storage

    def _log(self, events: EventsFile, store: str, report: RecoveryReport) -> EventLog:
        session = events.session()
        session.begin()
        try:
            writer, older, replay, removed = recover_journal(
                self.directory / JOURNALS, store, Archive(session), self.options.files, report
            )
        finally:
            session.abort()
            session.close()
        self.undo.callback(writer.close)
        return EventLog(
            writer, older, events, replay.timelines.values(), removed, self.options, self.clock, self.random_bytes
        )


def _prepare(session: Session, store: str) -> None:
    prepare_state(session)
    bind(session, store)


def _prepare_events(session: Session, store: str) -> None:
    Archive(session).prepare(FIRST_JOURNAL)
    bind(session, store)


def _open_memory(options: StoreOptions, clock: Callable[[], float], random_bytes: RandomBytes) -> Parts:
    sizes, objects, chunks = (
        (options.cache_objects, options.cache_bytes),
        MemoryStorage("state"),
        MemoryStorage("events"),
    )
    state = Database(Path("state"), objects, objects, *sizes)
    events = EventsFile(Path("events"), chunks, chunks, *sizes)
    in_transaction(state, prepare_state)
    in_transaction(events, lambda session: Archive(session).prepare(FIRST_JOURNAL))
    journal: Journal = MemoryJournal()
    log = EventLog(journal, [], events, [], [], options, clock, random_bytes)
    return Parts(
        state,
        events,
        log,
        random_bytes(16).hex(),
        RecoveryReport(created=True),
        None,
        None,
        lambda left: None,
        lambda: None,
        without_files=IN_MEMORY,
    )


def _open_postgresql(
    directory: Path, options: StoreOptions, clock: Callable[[], float], random_bytes: RandomBytes
) -> Parts:
    """With the lock of the directory, so that one home has one daemon, also while it waits for the database."""
    try:
        from stigmer_backend.store.postgres.opening import open_in_postgresql
    except ModuleNotFoundError as error:
        raise ExtraMissing(error.name or "a library") from error
    directory.mkdir(mode=PRIVATE_DIRECTORY, parents=True, exist_ok=True)
    with ExitStack() as undo:
        lock = DirectoryLock(directory / LOCK)
        undo.callback(lock.release)
        parts = open_in_postgresql(options, clock, random_bytes, lock.release)
        undo.pop_all()
    return parts


def _tell_damage(state: Database, events: Database, log: EventLog, report: RecoveryReport) -> None:
    """Find out what damaged objects belong to, and keep what stands on them from being written to."""
    if report.damage:
        log.set_apart(name_losses(state, events, report))
