"""What a store takes on the disk, by kind. Blocking."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from stigmer_backend.maintenance.restoring import KEPT, STAGING
from stigmer_backend.store import database_files

RESOURCES, EVENTS, JOURNAL, SET_ASIDE = "resources", "events", "journal", "set aside"
_SET_ASIDE = (KEPT, STAGING, "cut", "before-upgrade")
_SIDES = ("", ".digest", ".index")


@dataclass(frozen=True, slots=True)
class DiskUse:
    """One kind of data."""

    kind: str
    size: int
    """Bytes of its files."""


def disk_use(directory: Path) -> list[DiskUse]:
    """What the store below `directory` takes. Files that go meanwhile count as nothing."""
    databases = database_files(directory)
    found = [
        DiskUse(
            kind,
            sum(
                _size(path.with_name(path.name + side))
                for path in databases
                if path.name.startswith(name)
                for side in _SIDES
            ),
        )
        for kind, name in ((RESOURCES, "state"), (EVENTS, "events"))
    ]
    found += [DiskUse(name, sum(_sizes(directory / name))) for name in (JOURNAL, "artifacts", "skills")]
    return [*found, DiskUse(SET_ASIDE, sum(size for name in _SET_ASIDE for size in _sizes(directory / name)))]


def _sizes(directory: Path) -> Iterator[int]:
    for folder, _, names in os.walk(directory):
        yield from (_size(Path(folder, name)) for name in names)


def _size(path: Path) -> int:
    with suppress(OSError):
        return os.stat(path, follow_symlinks=False).st_size
    return 0
