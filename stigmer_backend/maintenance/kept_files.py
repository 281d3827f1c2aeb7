"""The files beside the databases that records name: artifacts of runs and archives of skills. Each is named by its SHA-256 and never changes."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

FOLDERS = ("artifacts", "skills")
_HASH = re.compile(r"[0-9a-f]{64}(\.zip)?")


def kept_files(directory: Path) -> Iterator[tuple[str, int]]:
    """Path (below `directory`, with slashes) and size of each. One that goes meanwhile is left out."""
    for folder in FOLDERS:
        for path in sorted((directory / folder).glob("*/??/*")):
            if not _HASH.fullmatch(path.name) or path.is_symlink():
                continue
            try:
                size = os.stat(path).st_size
            except FileNotFoundError:
                continue
            yield path.relative_to(directory).as_posix(), size


def hash_of(path: str) -> str:
    """The SHA-256 that the name of a kept file says; "" of any other file."""
    folder, _, rest = path.partition("/")
    return rest[-68:].rpartition("/")[2].removesuffix(".zip") if folder in FOLDERS else ""
