"""A backup in the place of a store.

Everything is copied beside the store and checked there; then names change, the manifest's first away and last in. A store without its manifest is
refused, never taken for an empty one, so a stop anywhere is noticed, and the same restore again completes it. What was there before is kept.
"""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stigmer_apis.backups import BackupFile, BackupList, require_list
from stigmer_apis.errors import AlreadyExists, DataLoss, FailedPrecondition
from stigmer_backend.maintenance.copying import pieces_of
from stigmer_backend.maintenance.kept_files import FOLDERS
from stigmer_backend.store import (
    DirectoryLock,
    FileLayer,
    database_files,
    examine,
    mark_restored,
    store_id,
    write_digest,
)

MANIFEST = "manifest"
SIDES = (".digest", ".index")

STAGING = "restoring"
KEPT = "replaced"

Step = Callable[[str], None]
"""Told before each change of a name; a test stops there."""


@dataclass(frozen=True, slots=True)
class Restored:
    """A restore that is done."""

    found: BackupList
    kept: Path | None
    """Where what was there before is now; None if nothing was."""


def restore(backup: Path, data: Path, *, replace: bool, step: Step = lambda name: None) -> Restored:
    """Put the backup in the directory `backup` into the store's directory `data`, under another incarnation.

    Raises `AlreadyExists` over a store without `replace`, `DataLoss` for a backup that is not whole, `FailedPrecondition` and `FormatTooNew` for one of a
    newer version, `StoreLocked` while a daemon has the store, all with nothing changed; `OSError` as the disk does.
    """
    found = require_list(backup)
    store_id(found.manifest)
    if backup.resolve().is_relative_to(data.resolve()):
        raise FailedPrecondition(f"{backup} is inside {data}", remedy="move the backup elsewhere first")
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = DirectoryLock(data / "lock")
    try:
        there = [name for name in (MANIFEST, *_names(data)) if os.path.lexists(data / name)]
        if there and not replace:
            raise AlreadyExists(
                f"{data} holds a store already",
                remedy="with --replace it is set aside and kept; nothing was changed",
            )
        staging = data / STAGING
        shutil.rmtree(staging, ignore_errors=True)
        try:
            _stage(backup, found, staging)
            return Restored(found, _exchange(data, staging, there, step))
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    finally:
        lock.release()


def _stage(backup: Path, found: BackupList, staging: Path) -> None:
    """Copy the backup to `staging`, durably, and look at all of it there."""
    files = FileLayer()
    staging.mkdir(mode=0o700)
    (staging / "journal").mkdir(mode=0o700)
    for file in found.files:
        _copy(backup, file, staging / file.path)
        if file.transaction:
            write_digest(staging / file.path, file.size, file.transaction, file.crc, files)
    files.write_whole(staging / MANIFEST, found.manifest)
    mark_restored(staging, os.urandom(16).hex(), files)
    for folder, _, _ in os.walk(staging):
        files.sync_directory(Path(folder))
    for looked in examine(staging):
        if looked.problem or looked.whole < looked.size:
            raise DataLoss(
                f"the backup is damaged: {looked.problem or f'{looked.path.name} is torn'}",
                remedy="restore another backup; nothing was changed",
            )


def _copy(backup: Path, file: BackupFile, target: Path) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as copy:
        for piece in pieces_of(backup, file):
            copy.write(piece)
        copy.flush()
        os.fsync(copy.fileno())


def _exchange(data: Path, staging: Path, there: list[str], step: Step) -> Path | None:
    """Set aside what is there, and put what was staged in its place."""
    files = FileLayer()
    kept = _fresh(data / KEPT) if there else None
    for name in (MANIFEST, *_names(data, staging)):
        if kept is not None and name in there:
            step(f"{name} away")
            files.rename(data / name, kept / name)
            files.sync_directory(kept)
            files.sync_directory(data)
        if name != MANIFEST and (staging / name).exists():
            step(f"{name} in")
            files.rename(staging / name, data / name)
            files.sync_directory(data)
    step(f"{MANIFEST} in")
    files.rename(staging / MANIFEST, data / MANIFEST)
    files.sync_directory(data)
    return kept


def _names(*directories: Path) -> list[str]:
    """What stores there consist of beside their manifests, in the order in which it changes places: a database is there at every moment."""
    databases = sorted({path.name for directory in directories for path in database_files(directory)})
    return [*(f"{name}{side}" for name in databases for side in SIDES), "journal", "cut", *FOLDERS, *databases]


def _fresh(folder: Path) -> Path:
    """A new directory in `folder`, the next number."""
    folder.mkdir(mode=0o700, exist_ok=True)
    taken = [int(path.name) for path in folder.iterdir() if path.name.isdecimal()]
    made = folder / f"{max(taken, default=0) + 1}"
    made.mkdir(mode=0o700)
    return made
