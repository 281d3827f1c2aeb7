"""Where the torn ends of files are kept: `cut/`, one file each, never removed by the store."""

import os
from pathlib import Path

from stigmer_backend.store.files import PRIVATE_DIRECTORY, FileLayer
from stigmer_backend.store.report import Cut

CUT = "cut"


def keep_cut(path: Path, offset: int, files: FileLayer) -> Cut:
    """Copy what stands in `path` from `offset` on to a file of its own, durably. The file itself is not yet cut."""
    root = path.parent.parent if path.parent.name == "journal" else path.parent
    directory = root / CUT
    directory.mkdir(mode=PRIVATE_DIRECTORY, exist_ok=True)
    with path.open("rb") as source:
        source.seek(offset)
        data = source.read()
    number = 1
    while (kept := directory / f"{path.name}.{offset}.{number}").exists():
        number += 1
    files.write_whole(kept, data)
    files.sync_directory(root)
    return Cut(path, offset, len(data), kept)


def set_aside(path: Path, files: FileLayer) -> Path:
    """Move the file `path`, which is out of use and was damaged, to where cut ends are kept; returns where it is."""
    directory = path.parent / CUT
    directory.mkdir(mode=PRIVATE_DIRECTORY, exist_ok=True)
    number = 1
    while (kept := directory / f"{path.name}.whole.{number}").exists():
        number += 1
    files.rename(path, kept)
    files.sync_directory(directory)
    files.sync_directory(path.parent)
    return kept


def cut_file(path: Path, offset: int, files: FileLayer) -> None:
    """Cut `path` at `offset`, durably."""
    descriptor = files.open(path, os.O_RDWR)
    try:
        files.truncate(descriptor, offset)
        files.sync(descriptor)
    finally:
        files.close(descriptor)
