"""Every error of the store, in one tree.

    StoreError
    ├── StoreClosed            used after `close`
    ├── StoreStopped           a sync failed; the store refuses everything until it is opened again
    ├── StoreFull              the disk is full; nothing was written, and it goes on once space is free
    ├── NoFiles                a store in memory, or in PostgreSQL, has no files to copy
    ├── PackAbandoned          the copy of a database could not be finished; the old one is in use
    ├── StoreLost              PostgreSQL is away for too long, or another daemon took the store over
    ├── SwitchUnknown          nobody can know which of two database files the disk names
    ├── AppendRefused
    │   ├── UnknownExecution   never created, or removed
    │   ├── ExecutionExists    created before, by somebody else
    │   ├── StaleEpoch         the producer was replaced by one with a higher epoch
    │   └── ProducerGap        the producer left out a step
    ├── WriteRefused
    │   ├── Conflict           the record is not at the version that was expected
    │   ├── SlugTaken          another record of the kind has the slug
    │   └── UnknownRecord      there is no such record
    └── OpenRefused
        ├── UnknownStorage     the storage's URI names nothing that there is
        ├── ExtraMissing       a library that the storage needs is not installed
        ├── ServerRefused      PostgreSQL is away, or does not let us in
        ├── StoreLocked        another process has the store open
        ├── DatabaseInUse      another daemon has the database
        ├── FormatTooNew       a newer version wrote it
        ├── DatabaseMissing    a file that the manifest names is gone
        └── StoreDamaged       bytes are not what was written
            ├── ManifestDamaged
            └── JournalDamaged

`StoreDamaged` is also raised by reads: damage is noticed when a record is read, and is never answered as if it were right.
"""

from pathlib import Path

DISK_REMEDY = "Check the disk, then start the daemon again"


class StoreError(Exception):
    """Base of every error of the store. Its text says what failed, on what, and how to mend it."""


class StoreClosed(StoreError):
    """The store was closed."""

    def __init__(self) -> None:
        super().__init__("the store is closed")


class StoreStopped(StoreError):
    """A write reached the disk in an unknown state, so the store refuses everything from then on.

    What was acknowledged before is safe; what was under way is unknown and has to be sent again after the next start.
    """

    def __init__(self, reason: str, remedy: str = DISK_REMEDY) -> None:
        super().__init__(f"the store stopped: {reason}. {remedy}")
        self.reason = reason


class StoreFull(StoreError):
    """There is no space left. Nothing of the call was written; it can be repeated once space is free."""

    def __init__(self, path: Path | str, reason: str) -> None:
        super().__init__(f"no space left to write {path} ({reason}). Free some space; no restart is needed")


class NoFiles(StoreError):
    """The store has no files: it is in memory, or in PostgreSQL."""

    def __init__(self, why: str) -> None:
        super().__init__(why)


class PackAbandoned(StoreError):
    """A copy without what cannot be reached any more was given up. Nothing has changed; it can be tried again."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} was not packed: {reason}. Nothing has changed; try again")


class SwitchUnknown(StoreError):
    """The manifest that names a packed file may be on the disk or not. Both files hold the same; nothing may be written until it is known."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} may not be on the disk: {reason}")


class AppendRefused(StoreError):
    """An append that breaks the rules of its execution or its producer. Nothing of its group was appended."""

    def __init__(self, execution: str, message: str) -> None:
        super().__init__(message)
        self.execution = execution


class UnknownExecution(AppendRefused):
    """The execution was never created, or its events were removed."""

    def __init__(self, execution: str) -> None:
        super().__init__(
            execution, f"the store has no execution {execution!r}: it was never created, or it was removed"
        )


class ExecutionExists(AppendRefused):
    """An execution of this id was created before."""

    def __init__(self, execution: str) -> None:
        super().__init__(execution, f"execution {execution!r} exists already: choose another id")


class StaleEpoch(AppendRefused):
    """The producer appends with an epoch lower than the one that is known: another one has taken its place."""

    def __init__(self, execution: str, producer: str, epoch: int, known: int) -> None:
        super().__init__(
            execution, f"producer {producer!r} of {execution!r} has epoch {epoch}, but {known} took its place: stop it"
        )
        self.producer = producer
        self.epoch = epoch
        self.known = known


class ProducerGap(AppendRefused):
    """The producer's step is not the next one: steps in between are missing and have to be sent first."""

    def __init__(self, execution: str, producer: str, producer_seq: int, expected: int) -> None:
        super().__init__(
            execution,
            f"producer {producer!r} of {execution!r} sent step {producer_seq} where {expected} is next: resend",
        )
        self.producer = producer
        self.producer_seq = producer_seq
        self.expected = expected


class WriteRefused(StoreError):
    """A change of the state that breaks a rule. Nothing of the change was written."""


class Conflict(WriteRefused):
    """The record is at another version than the one that the change was made from: read it again and repeat."""

    def __init__(self, kind: str, record_id: str, expected: int, found: int) -> None:
        super().__init__(
            f"{kind} {record_id!r} is at version {found}, not {expected}: read it again and repeat the change"
        )
        self.expected = expected
        self.found = found


class SlugTaken(WriteRefused):
    """Another record of the same kind has this slug."""

    def __init__(self, kind: str, slug: str, holder: str) -> None:
        super().__init__(f"the name {slug!r} is taken by another {kind} ({holder!r}): choose another name")
        self.slug = slug
        self.holder = holder


class UnknownRecord(WriteRefused):
    """There is no record of this kind and id."""

    def __init__(self, kind: str, record_id: str) -> None:
        super().__init__(f"there is no {kind} {record_id!r}")


class OpenRefused(StoreError):
    """The store cannot be opened as it stands. Nothing of it was changed."""


class UnknownStorage(OpenRefused):
    """The URI of the storage names no kind of storage that there is."""

    def __init__(self, uri: str) -> None:
        super().__init__(
            f"there is no storage {uri!r}: use `file:/absolute/directory`, `file:` for the directory below the home, "
            "`memory:` for one that is gone with the process, or `postgresql://USER@HOST/DATABASE`"
        )
        self.uri = uri


class ExtraMissing(OpenRefused):
    """A library that this storage needs is not installed."""

    def __init__(self, library: str) -> None:
        super().__init__(f"storage in PostgreSQL needs {library}: install it with `pip install 'stigmer[postgres]'`")


class ServerRefused(OpenRefused):
    """A database server that is not there, does not let us in, or is not set up as it has to be."""

    def __init__(self, place: str, what: str, remedy: str) -> None:
        super().__init__(f"{place}: {what}. {remedy}")
        self.what = what
        self.remedy = remedy


class StoreLost(StoreError):
    """The database is gone from under an open store: away for too long, or taken over by another daemon."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.remedy = remedy


class StoreLocked(OpenRefused):
    """Another process has the store open."""

    def __init__(self, path: Path | str, holder: str) -> None:
        super().__init__(f"{path} is in use by {holder}: stop it first (`stigmer server stop`)")
        self.holder = holder


class DatabaseInUse(OpenRefused):
    """Another daemon, here or elsewhere, has the database."""

    def __init__(self, place: str, holder: str) -> None:
        super().__init__(
            f"{place} is in use by {holder}, and one daemon at a time writes it: stop that one, or let this one stand by (`backend.local.standby`)"
        )
        self.holder = holder


class FormatTooNew(OpenRefused):
    """The store was written by a newer version."""

    def __init__(self, path: Path | str, found: int, known: int, needed: str) -> None:
        super().__init__(f"{path} has format {found}, this version reads up to {known}: use Stigmer {needed} or newer")
        self.found = found
        self.known = known


class DatabaseMissing(OpenRefused):
    """A file that holds data is gone. An empty one is never put in its place."""

    def __init__(self, path: Path | str, reason: str) -> None:
        super().__init__(
            f"{path} is missing, but {reason}: put the file back or restore a backup of the whole directory"
        )
        self.path = Path(path)


class StoreDamaged(OpenRefused):
    """Bytes in a file are not those that were written: a bad disk, a bad copy, or somebody edited the file."""

    def __init__(self, path: Path | str, where: str, what: str) -> None:
        super().__init__(f"{path} is damaged at {where}: {what}. Keep a copy of the directory and restore a backup")
        self.path = Path(path)
        self.where = where


class ManifestDamaged(StoreDamaged):
    """The manifest cannot be read, so it is unknown what the directory should hold."""


class JournalDamaged(StoreDamaged):
    """The journal is damaged before its end, so that acknowledged events would be lost."""
