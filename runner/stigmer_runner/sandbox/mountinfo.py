"""Under which other names a directory can be reached on this machine, because its file system is mounted twice."""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_ESCAPE = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True)
class Mounted:
    """A line of mountinfo."""

    device: str
    root: Path
    """The directory of the file system that is mounted."""
    point: Path


def mounted() -> list[Mounted]:
    """What is mounted here, in order."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        lines = [line.split(" ", 5) for line in file]
    return [Mounted(line[2], _path(line[3]), _path(line[4])) for line in lines]


def aliases(directory: Path, table: list[Mounted], exists: Callable[[Path], bool] = os.path.isdir) -> list[Path]:
    """Every other path of `directory`, which has its links resolved; places that something else covers are left in."""
    home = max(
        (entry for entry in table if directory.is_relative_to(entry.point)),
        key=lambda entry: len(entry.point.parts),
        default=None,
    )
    if home is None:
        return []
    inside = home.root / directory.relative_to(home.point)
    found = [
        entry.point / inside.relative_to(entry.root)
        for entry in table
        if entry.device == home.device and inside.is_relative_to(entry.root)
    ]
    return [path for path in dict.fromkeys(found) if path != directory and exists(path)]


def _path(text: str) -> Path:
    return Path(_ESCAPE.sub(lambda match: chr(int(match[1], 8)), text))
