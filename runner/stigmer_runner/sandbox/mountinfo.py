"""Under which other names a directory can be reached on this machine, because its file system is mounted twice."""

import functools
import os
import re
from collections.abc import Callable, Sequence
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


def mounted() -> tuple[Mounted, ...]:
    """What is mounted here, in order."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        return _read(file.read())


@functools.lru_cache(maxsize=4)
def _read(text: str) -> tuple[Mounted, ...]:
    lines = [line.split(" ", 5) for line in text.split("\n") if line]
    return tuple(Mounted(line[2], _path(line[3]), _path(line[4])) for line in lines)


def aliases(directory: Path, table: Sequence[Mounted], exists: Callable[[Path], bool] = os.path.isdir) -> list[Path]:
    """Every other path of `directory`, which has its links resolved; places that something else covers are left in."""
    return [path for path in _names(directory, tuple(table)) if exists(path)]


@functools.lru_cache(maxsize=64)
def _names(directory: Path, table: tuple[Mounted, ...]) -> tuple[Path, ...]:
    """Those that there would be by the table."""
    home = max(
        (entry for entry in table if directory.is_relative_to(entry.point)),
        key=lambda entry: len(entry.point.parts),
        default=None,
    )
    if home is None:
        return ()
    inside = home.root / directory.relative_to(home.point)
    found = [
        entry.point / inside.relative_to(entry.root)
        for entry in table
        if entry.device == home.device and inside.is_relative_to(entry.root)
    ]
    return tuple(path for path in dict.fromkeys(found) if path != directory)


def _path(text: str) -> Path:
    return Path(_ESCAPE.sub(lambda match: chr(int(match[1], 8)), text))
