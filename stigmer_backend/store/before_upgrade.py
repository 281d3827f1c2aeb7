"""A copy of the whole store as it is, before its structure changes: whoever has to go back to an older version moves its files to where they were."""

import os
import shutil
from pathlib import Path

from stigmer_backend.store.digest import digest_path
from stigmer_backend.store.errors import StoreFull
from stigmer_backend.store.files import PRIVATE_DIRECTORY, FileLayer, is_full
from stigmer_backend.store.manifest import NAME

FOLDER = "before-upgrade"
_PIECE = 1 << 20


def keep_before_upgrade(
    directory: Path, structure: int, manifest: bytes, databases: tuple[str, str], files: FileLayer
) -> str:
    """Copy the store below `directory`, whose files are all on the disk and whose manifest was `manifest`; returns a sentence that says where.

    A copy that is there already is left as it is. Raises `StoreFull`, with nothing left behind.
    """
    kept = directory / FOLDER / f"structure-{structure}"
    said = f"The store as it was is kept in {kept.relative_to(directory)}; remove it once you are sure."
    if kept.exists():
        return said
    fresh = kept.with_name(f"{kept.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        (fresh / "journal").mkdir(mode=PRIVATE_DIRECTORY, parents=True)
        for name in databases:
            path = directory / name
            for each in (path, digest_path(path)):
                if each.exists():
                    _copy(each, fresh / each.name, files)
        for path in sorted((directory / "journal").glob("*.wal")):
            _copy(path, fresh / "journal" / path.name, files)
        files.write_whole(fresh / NAME, manifest)
        files.sync_directory(fresh / "journal")
        files.sync_directory(fresh)
        files.rename(fresh, kept)
        files.sync_directory(kept.parent)
        files.sync_directory(directory)
    except OSError as error:
        shutil.rmtree(fresh, ignore_errors=True)
        if is_full(error):
            raise StoreFull(f"{kept}, the copy before an upgrade", str(error)) from error
        raise
    return said


def _copy(source: Path, target: Path, files: FileLayer) -> None:
    descriptor = files.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        position = 0
        with source.open("rb") as read:
            while piece := read.read(_PIECE):
                files.write_at(descriptor, piece, position)
                position += len(piece)
        files.sync(descriptor)
    finally:
        files.close(descriptor)
