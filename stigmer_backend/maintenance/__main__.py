"""`python -m stigmer_backend.maintenance verify|restore`: one JSON object a line on standard output, the last with how it ended.

`verify DIR` looks at a backup, `verify --data DIR` at a store; `restore DIR --data DIR [--replace]` puts one in the place of the other. Lines: `{"path", "size",
"problem"}` of a file that was looked at, then `{"done": ...}` or `{"error": kind, "message", "remedy"}`.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from stigmer_apis.backups import BackupList, require_list
from stigmer_apis.errors import AlreadyExists, DataLoss, FailedPrecondition, NotFound, StigmerError
from stigmer_backend.maintenance.restoring import restore
from stigmer_backend.maintenance.verifying import Look, look_at_backup, look_at_store
from stigmer_backend.store import StoreDamaged, StoreError, StoreLocked, store_id

_KINDS: tuple[tuple[type[Exception], str], ...] = (
    (NotFound, "not_found"),
    (AlreadyExists, "exists"),
    (StoreLocked, "in_use"),
    (StoreDamaged, "damaged"),
    (DataLoss, "damaged"),
    (FailedPrecondition, "state"),
    (StoreError, "state"),
    (OSError, "disk"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what is asked; 0 when it is done and all was well."""
    given = _parser().parse_args(arguments)
    backup: Path | None = given.backup
    data: Path | None = given.data
    try:
        if given.command == "restore":
            if backup is None or data is None:
                raise FailedPrecondition("a restore needs a backup and a place", remedy="name both")
            done = restore(backup, data, replace=bool(given.replace))
            _say({"done": {**_about(done.found), "kept": "" if done.kept is None else str(done.kept)}})
            return 0
        return _verify(backup, data)
    except (StigmerError, StoreError, OSError) as error:
        _say({"error": _kind(error), "message": _message(error), "remedy": getattr(error, "remedy", "") or ""})
        return 1


def _verify(backup: Path | None, data: Path | None) -> int:
    about: Mapping[str, object] = {}
    if backup is not None:
        found = require_list(backup)
        store_id(found.manifest)
        about = _about(found)
        looks = look_at_backup(backup, found)
    elif data is not None:
        looks = look_at_store(data)
    else:
        raise FailedPrecondition("there is nothing to look at", remedy="name a backup")
    count = size = problems = 0
    for look in looks:
        count, size, problems = count + 1, size + look.size, problems + bool(look.problem)
        if look.problem:
            _say_look(look)
    _say({"done": {**about, "looked_at": count, "bytes": size, "problems": problems}})
    return 1 if problems else 0


def _about(found: BackupList) -> dict[str, object]:
    return {
        "store": found.store,
        "taken_unix": found.taken_unix,
        "version": found.version,
        "files": len(found.files),
        "bytes": found.size,
    }


def _kind(error: Exception) -> str:
    return next((kind for kinds, kind in _KINDS if isinstance(error, kinds)), "internal")


def _message(error: Exception) -> str:
    if isinstance(error, StigmerError):
        return error.message
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'the disk'}: {error.strerror}"
    return str(error)


def _say_look(look: Look) -> None:
    _say({"path": look.path, "size": look.size, "problem": look.problem})


def _say(line: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stigmer-maintenance", description="Looks at stores and backups, and restores."
    )
    parser.add_argument("command", choices=("verify", "restore"))
    parser.add_argument("backup", nargs="?", type=Path, help="the directory of a backup")
    parser.add_argument("--data", type=Path, help="the directory of a store")
    parser.add_argument("--replace", action="store_true", help="set a store aside that is there")
    return parser


if __name__ == "__main__":
    sys.exit(main())
