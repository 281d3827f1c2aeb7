"""Gives the space back that a database holds and nobody can reach: while it is in use, and killable anywhere.

A copy is made beside the file and follows it. Then, with the writer standing still for a moment, it takes in the rest and is synced, and the manifest
names it: that is the one moment at which the one takes the place of the other. Then the old file goes.
"""

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from zc.lockfile import LockError, LockFile

from stigmer_backend.store.errors import PackAbandoned, StoreDamaged, StoreFull
from stigmer_backend.store.files import PRIVATE_FILE, FileLayer, is_full
from stigmer_backend.store.inspection import damage_in
from stigmer_backend.store.late_sync import LayeredFile
from stigmer_backend.store.manifest import ManifestFile, following_name
from stigmer_backend.store.packing import PackedCopy, remove_database
from stigmer_backend.store.reach import Reach, reach
from stigmer_backend.store.report import RecoveryReport
from stigmer_backend.store.sealed_storage import SealedStorage
from stigmer_backend.store.side_files import set_aside

CLOSE_BYTES = 256 << 10
"""A copy that is no further behind than this is close enough for the writer to wait while it comes level."""

ROUNDS = 32
"""So often a copy tries to come that close; then the writer waits for what is left."""

BUSY_SECONDS = 0.002
REST_SECONDS = 0.001
"""After so long a time of work the other threads have so long a one: the interpreter lets one run at a time."""


IDLE_SECONDS = 0.01
"""The same for what is in no hurry."""


class DatabaseName(Enum):
    """Which of the two databases."""

    STATE = "state"
    EVENTS = "events"


@dataclass(frozen=True, slots=True)
class Usage:
    """What a database takes on the disk."""

    name: DatabaseName
    size: int
    """Bytes of its file."""
    dead: int
    """Bytes of it that a pack gives back."""


@dataclass(frozen=True, slots=True)
class Packed:
    """What a pack did."""

    name: DatabaseName
    before: int
    after: int


class Packer:
    """Packs the databases of one store, one at a time. Blocking: for one thread of its own."""

    def __init__(
        self,
        directory: Path,
        manifest: ManifestFile,
        files: FileLayer,
        random_bytes: Callable[[int], bytes],
        state: SealedStorage,
        events: SealedStorage,
        report: RecoveryReport,
    ) -> None:
        self._report = report
        self._directory = directory
        self._manifest = manifest
        self._files = files
        self._random_bytes = random_bytes
        self._storages = {DatabaseName.STATE: state, DatabaseName.EVENTS: events}
        self._ending = False

    def end(self) -> None:
        """Give up what is under way: the store closes. From any thread."""
        self._ending = True

    def size(self, name: DatabaseName) -> int:
        """Bytes of a database's file, as far as it is on the disk. At once; from any thread."""
        return self._storages[name].settled.end

    def settle(self, name: DatabaseName) -> None:
        """Put what was written on the disk. On the thread that writes the database."""
        self._storages[name].settle()

    def usage(self, name: DatabaseName) -> Usage:
        """What a database takes, and how much of it is dead. It takes about a second for 300,000 records. Raises `StoreDamaged`, `PackAbandoned`."""
        with self._manifest.lock:
            path, end = self._storages[name].path, self._storages[name].settled.end
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            found: Reach = reach(path, descriptor, end, _Breath(self._check))
        finally:
            os.close(descriptor)
        return Usage(name, found.end, found.dead)

    def scrub(self, name: DatabaseName) -> bool:
        """Look at every byte of a database; whether something is damaged that was not known to be: it stands in the report then.

        It takes about 30 s for 1 GB, so that others have the interpreter. Raises `StoreDamaged` where it is not certain whose records are lost,
        `PackAbandoned`.
        """
        with self._manifest.lock:
            storage, path, synced = self._storages[name], self._storages[name].path, self._storages[name].settled
        try:
            found = damage_in(path, synced, _Breath(self._check, IDLE_SECONDS))
        except StoreDamaged:
            storage.note_damage()
            raise
        fresh = [damage for damage in found if damage not in self._report.damage]
        if not fresh or storage.path != path:
            return False
        storage.note_damage()
        self._report.damage += fresh
        return True

    def pack(
        self, name: DatabaseName, fence: Callable[[], None], standstill: Callable[[Callable[[], None]], None]
    ) -> Packed:
        """Pack a database, and return when the space is free.

        `fence` returns when every query that had begun before has ended; `standstill` runs what it is given on the thread that writes the database, between
        two transactions, and raises what that raises. Raises `StoreFull`, `StoreDamaged`, `PackAbandoned`, `OSError`, all with the old file in use; and
        `SwitchUnknown`, after which the store may write nothing more.
        """
        storage = self._storages[name]
        damaged = storage.is_damaged
        old, target = storage.path, self._directory / following_name(storage.path.name)
        try:
            before, after = self._pack(storage, target, fence, standstill)
        except BaseException as error:
            if storage.path == old and self._names(old):
                remove_database(target, self._files)
            if isinstance(error, OSError) and is_full(error):
                raise StoreFull(target, str(error)) from error
            raise
        if damaged:
            self._report.mended(old)
            set_aside(old, self._files)
        remove_database(old, self._files)
        return Packed(name, before, after)

    def _pack(
        self,
        storage: SealedStorage,
        target: Path,
        fence: Callable[[], None],
        standstill: Callable[[Callable[[], None]], None],
    ) -> tuple[int, int]:
        with ExitStack() as undo:
            copy = PackedCopy(storage.path, target, self._files, self._random_bytes, _Breath(self._check))
            undo.callback(copy.close)
            standstill(storage.settle)
            copy.begin(storage.settled)
            for _ in range(ROUNDS):
                standstill(storage.settle)
                if copy.follow(storage.settled) <= CLOSE_BYTES:
                    break
            copy.prepare()
            fence()
            copy.follow(storage.settled)

            def switch() -> None:
                self._switch(storage, copy)

            standstill(switch)
            return copy.copied, copy.size

    def _switch(self, storage: SealedStorage, copy: PackedCopy) -> None:
        """On the writer's thread."""
        storage.settle()
        copy.follow(storage.settled)
        with ExitStack() as undo:
            found = copy.finished()
            undo.callback(found.digest.close)
            file = LayeredFile(str(copy.target), self._files)
            undo.callback(file.close)
            try:
                lock = LockFile(f"{copy.target}.lock")
            except LockError as error:
                raise PackAbandoned(storage.path, "another program has the copy") from error
            undo.callback(lock.close)
            Path(f"{copy.target}.lock").chmod(PRIVATE_FILE)
            with self._manifest.lock:
                self._manifest.rename(storage.path.name, copy.target.name)
                undo.pop_all()
                storage.adopt(copy.target, found, file, lock)

    def _names(self, path: Path) -> bool:
        """Whether the manifest on the disk names `path`."""
        return self._manifest.names(path.name)

    def _check(self) -> None:
        if self._ending:
            raise PackAbandoned(self._directory, "the store is being closed")


class _Breath:
    """Lets others run now and then."""

    def __init__(self, check: Callable[[], None], rest_seconds: float = REST_SECONDS) -> None:
        self._check = check
        self._rest = rest_seconds
        self._since = time.monotonic()

    def __call__(self) -> None:
        if time.monotonic() - self._since >= BUSY_SECONDS:
            self._check()
            time.sleep(self._rest)
            self._since = time.monotonic()
