"""Folders and archives by the beginning of their path, as a shell completes them. Blocking."""

import os
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from stigmer_apis.skill_form import SKILL_MD
from stigmer_tui.completion.fuzzy import best

SCANNED = 5000
"""Entries of one folder that are looked at."""


@dataclass(frozen=True, slots=True)
class Found:
    """Something that may be chosen."""

    path: str
    """As one would write it: with `~` where that was written; a folder ends with a slash."""
    words: str
    """`a skill`, or empty."""
    is_skill: bool


def folders_at(written: str, base: Path, limit: int) -> list[Found]:
    """What is in the folder that is written so far and fits the rest of it. `base`: where a relative path begins."""
    head, _, rest = written.rpartition("/")
    shown = f"{head}/" if "/" in written else ""
    folder = base / os.path.expanduser(shown or ".")
    try:
        with os.scandir(folder) as entries:
            names = [each.name for each in islice(entries, SCANNED) if _fits(each, hidden=rest.startswith("."))]
    except OSError:
        return []
    found: list[Found] = []
    for name in best(rest, sorted(names), limit, str):
        place = folder / name
        is_skill = name.endswith(".zip") or (place / SKILL_MD).is_file()
        words = "an archive" if name.endswith(".zip") else "a skill" if is_skill else ""
        found.append(Found(f"{shown}{name}{'' if name.endswith('.zip') else '/'}", words, is_skill))
    return sorted(found, key=lambda each: not each.is_skill) if not rest else found


def _fits(entry: "os.DirEntry[str]", *, hidden: bool) -> bool:
    if entry.name.startswith(".") and not hidden:
        return False
    try:
        return entry.is_dir() or (entry.name.endswith(".zip") and entry.is_file())
    except OSError:
        return False
