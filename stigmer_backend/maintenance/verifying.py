"""Every byte of a backup, or of a store, looked at. Nothing is changed. Blocking."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from stigmer_apis.backups import BackupList
from stigmer_apis.errors import DataLoss
from stigmer_backend.maintenance.copying import pieces_of
from stigmer_backend.maintenance.kept_files import hash_of, kept_files
from stigmer_backend.store import examine

_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Look:
    """One file that was looked at."""

    path: str
    size: int
    problem: str = ""
    """What is wrong, in words; "" when nothing is."""


def look_at_backup(directory: Path, found: BackupList) -> Iterator[Look]:
    """Each file that the list names."""
    for file in found.files:
        try:
            for _ in pieces_of(directory, file):
                pass
        except DataLoss as error:
            yield Look(file.path, file.size, error.message)
        else:
            yield Look(file.path, file.size)


def look_at_store(directory: Path) -> Iterator[Look]:
    """Each file of the store below `directory`, open or not, and each kept file. A kept file that goes meanwhile is left out."""
    for found in examine(directory):
        problem = found.problem.partition(". Keep a copy")[0]
        yield Look(found.path.relative_to(directory).as_posix(), found.size, problem)
    for path, size in kept_files(directory):
        digest = sha256()
        try:
            with (directory / path).open("rb") as file:
                while data := file.read(_PIECE):
                    digest.update(data)
        except FileNotFoundError:
            continue
        except OSError as error:
            yield Look(path, size, f"{directory / path} cannot be read: {error.strerror}")
            continue
        same = digest.hexdigest() == hash_of(path)
        yield Look(path, size, "" if same else f"{directory / path} is damaged: its bytes are not those that were kept")
