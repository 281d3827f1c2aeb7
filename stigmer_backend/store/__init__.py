"""The store: sequenced events of executions and the state of all resources, on one machine, durable.

It does not look into what it stores, imports nothing generated, and needs no gRPC. `Store` is the one way in; `docs/store.md`
has the formats. Inside, each module may import those below it:

    store                                   the event loop's side
    opening, examination                    finding, repairing, checking and putting together the parts
    postgres/                               the parts in PostgreSQL, with the extra of that name
    parts                                   what is put together
    pack_work, packer                       packs, live
    log_work, state_work, readers           what each thread does
    event_log, recovery, births, state, structure, changes, snapshot, damage    what is done
    before_upgrade                          what is kept of an older structure
    archive, journal, database, memory      where it is kept; events_port says what the log asks of that
    packing, reach, inspection, sealed_storage, late_sync, index_file, digest, manifest, lock    its files
    timeline, frames, standing, record_format, database_format, seal, ranks, persistent_classes    of what it is made
    worker, watchers, checks, uri, options, report, side_files, files, boot, model, errors
"""

from stigmer_backend.store.digest import write_digest
from stigmer_backend.store.errors import (
    AppendRefused,
    Conflict,
    DatabaseInUse,
    DatabaseMissing,
    ExecutionExists,
    ExtraMissing,
    FormatTooNew,
    JournalDamaged,
    ManifestDamaged,
    NoFiles,
    OpenRefused,
    PackAbandoned,
    ProducerGap,
    ServerRefused,
    SlugTaken,
    StaleEpoch,
    StoreClosed,
    StoreDamaged,
    StoreError,
    StoreFull,
    StoreLocked,
    StoreLost,
    StoreStopped,
    SwitchUnknown,
    UnknownExecution,
    UnknownRecord,
    UnknownStorage,
    WriteRefused,
)
from stigmer_backend.store.examination import Finding, examine
from stigmer_backend.store.files import FileLayer
from stigmer_backend.store.lock import DirectoryLock
from stigmer_backend.store.manifest import database_files, mark_restored, store_id
from stigmer_backend.store.model import Append, Appended, Batch, Changed, Changes, Lane, Mark, Record, Row, Span
from stigmer_backend.store.options import StoreKind, StoreOptions
from stigmer_backend.store.packer import DatabaseName, Packed, Usage
from stigmer_backend.store.record_format import row_key
from stigmer_backend.store.report import Cut, RecoveryReport
from stigmer_backend.store.row_pages import EVER
from stigmer_backend.store.snapshot import Snapshot, SnapshotFile, checked_from
from stigmer_backend.store.state import StateRead, StateWrite
from stigmer_backend.store.store import Store

__all__ = [
    "EVER",
    "Append",
    "AppendRefused",
    "Appended",
    "Batch",
    "Changed",
    "Changes",
    "Conflict",
    "Cut",
    "DatabaseInUse",
    "DatabaseMissing",
    "DatabaseName",
    "DirectoryLock",
    "ExecutionExists",
    "ExtraMissing",
    "FileLayer",
    "Finding",
    "FormatTooNew",
    "JournalDamaged",
    "Lane",
    "ManifestDamaged",
    "Mark",
    "NoFiles",
    "OpenRefused",
    "PackAbandoned",
    "Packed",
    "ProducerGap",
    "Record",
    "RecoveryReport",
    "Row",
    "ServerRefused",
    "SlugTaken",
    "Snapshot",
    "SnapshotFile",
    "Span",
    "StaleEpoch",
    "StateRead",
    "StateWrite",
    "Store",
    "StoreClosed",
    "StoreDamaged",
    "StoreError",
    "StoreFull",
    "StoreKind",
    "StoreLocked",
    "StoreLost",
    "StoreOptions",
    "StoreStopped",
    "SwitchUnknown",
    "UnknownExecution",
    "UnknownRecord",
    "UnknownStorage",
    "Usage",
    "WriteRefused",
    "checked_from",
    "database_files",
    "examine",
    "mark_restored",
    "row_key",
    "store_id",
    "write_digest",
]
