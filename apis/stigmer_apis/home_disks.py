"""Which disks hold Stigmer's state, so that one that is not mounted is missed, and no empty state is made in the directory that it leaves.

A note in the person's own state directory names the mount points of disks that hold some; none is made for the disk that the person's own directory is on, nor
for file systems in memory, which begin empty each time.
"""

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from stigmer_apis.errors import HomeError

STATE_VARIABLE = "XDG_STATE_HOME"
NOTE = "disks.json"

_PASSING = frozenset({"tmpfs", "ramfs", "devtmpfs", "overlay"})
_MOUNTS = Path("/proc/self/mounts")


def passing_mounts() -> frozenset[Path]:
    """Mount points of file systems that do not outlive the machine's or the container's run, as far as the system tells."""
    try:
        lines = _MOUNTS.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return frozenset()
    rows = [line.split(" ") for line in lines]
    return frozenset(Path(_unescaped(row[1])) for row in rows if len(row) > 2 and row[2] in _PASSING)


@dataclass(frozen=True, slots=True)
class Disks:
    """The disks that one person's Stigmers are on."""

    note: Path
    """Where it is noted."""
    person: Path
    """The person's own directory."""
    is_mount: Callable[[Path], bool] = field(default=os.path.ismount)
    passing: Callable[[], frozenset[Path]] = field(default=passing_mounts)

    @classmethod
    def of(cls, person: Path, environ: Mapping[str, str] = os.environ) -> "Disks":
        """Those of the person whose own directory is `person`."""
        named = environ.get(STATE_VARIABLE, "")
        state = Path(named) if os.path.isabs(named) else person / ".local" / "state"
        return cls(state / "stigmer" / NOTE, person)

    def require(self, place: Path) -> None:
        """Raises `HomeError` where `place` was on a disk that is not mounted now. Blocking: reads a small file, where there is one."""
        for mount in self._noted():
            if place.is_relative_to(mount) and not self.is_mount(mount):
                raise HomeError(
                    f"{place} is on a disk that is not there: nothing is mounted at {mount}, and Stigmer's state was on what was",
                    remedy=f"mount it and try again; to begin anew there without it, take {mount} out of {self.note}",
                )

    def remember(self, place: Path) -> None:
        """Note the disk of `place`, which is there. A note that cannot be written is left out: only the disk's absence goes unnoticed then."""
        mount = self._mount_of(place)
        if mount == self._mount_of(self.person) or mount in (noted := self._noted()) or mount in self.passing():
            return
        with suppress(OSError):
            self.note.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh = self.note.with_name(f"{NOTE}.{os.getpid()}.new")
            fresh.write_text(json.dumps([str(one) for one in (*noted, mount)], indent=1) + "\n")
            fresh.replace(self.note)

    def _mount_of(self, place: Path) -> Path:
        return next(one for one in (place, *place.parents) if one == one.parent or self.is_mount(one))

    def _noted(self) -> list[Path]:
        """The mount points in the note; none where it cannot be read or somebody wrote other things into it."""
        try:
            found: object = json.loads(self.note.read_bytes())
        except (OSError, ValueError, RecursionError):
            return []
        return (
            [Path(one) for one in cast("list[object]", found) if isinstance(one, str)]
            if isinstance(found, list)
            else []
        )


def _unescaped(text: str) -> str:
    """A path as the system's table of mounts writes it: blanks and backslashes by three octal digits."""
    return os.fsdecode(os.fsencode(text).decode("unicode_escape").encode("latin-1"))
