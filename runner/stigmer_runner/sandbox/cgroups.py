"""Control groups, where this process may make some: there the kernel itself counts a command's processes and memory.

Version 1 as root, version 2 below a group that was delegated to the person, as systemd does with user sessions. Elsewhere a look every
moment has to do (`watching`). A group is made beside or below the runner's own, and is gone with its command.
"""

import contextlib
import itertools
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stigmer_runner.sandbox import processes
from stigmer_runner.sandbox.model import CommandLimits

_numbers = itertools.count(1)
_ROUNDS = 20
"""How often is looked for what was started while others were put into a group."""
_MIB = 1024 * 1024
_LEAVING = 1.0
"""Seconds for the last process of a group to be gone from it."""


@dataclass(frozen=True)
class Groups:
    """Where groups can be made; None where they cannot."""

    pids: Path | None = None
    memory: Path | None = None
    unified: bool = False
    """Whether this is version 2, where one directory has both."""

    def make(self, limits: CommandLimits) -> "Group | None":
        """A group for one command; None where nothing of `limits` can be kept by one. Blocks for a moment."""
        name = f"stigmer-{os.getpid()}-{next(_numbers)}"
        made: dict[str, Path] = {}
        wanted = (
            ("pids", self.pids, limits.processes, "pids.max"),
            ("memory", self.memory, limits.memory, "memory.max" if self.unified else "memory.limit_in_bytes"),
        )
        for what, parent, limit, file in wanted:
            if parent is None or not limit:
                continue
            place = parent / name
            try:
                place.mkdir(exist_ok=self.unified)
                (place / file).write_text(str(limit))
            except OSError:
                with contextlib.suppress(OSError):
                    place.rmdir()
                continue
            made[what] = place
        return Group(made, limits, self.unified) if made else None


class Group:
    """What one command runs in."""

    def __init__(self, places: dict[str, Path], limits: CommandLimits, unified: bool) -> None:
        self._places = places
        self._limits = limits
        self._unified = unified
        self._all_in = False

    @property
    def whole(self) -> bool:
        """Whether both processes and memory are counted, as far as they are limited, of every process that was to be taken in."""
        if not self._all_in:
            return False
        limited = (("pids", self._limits.processes), ("memory", self._limits.memory))
        return all(name in self._places for name, limit in limited if limit)

    def take_in(self, pids: Sequence[int]) -> None:
        """Put processes and what they started into the group; what those start from now on is in it. Those that are gone are passed over."""
        taken: set[int] = set()
        refused = False
        for _ in range(_ROUNDS):
            fresh = set[int]().union(*(_family(pid) for pid in pids)) - taken
            if not fresh:
                self._all_in = not refused
                return
            for each in fresh:
                for place in set(self._places.values()):
                    try:
                        (place / "cgroup.procs").write_text(str(each))
                    except ProcessLookupError:
                        continue
                    except OSError:
                        refused = True
            taken |= fresh

    def exceeded(self) -> str:
        """Which limit its processes ran into, in words; empty where none."""
        if _told(self._places.get("pids"), "pids.events", "max"):
            return f"it had more than {self._limits.processes} processes at once"
        return self.starved()

    def starved(self) -> str:
        """The same for memory alone, which ends a process at once."""
        if _told(self._places.get("memory"), "memory.events" if self._unified else "memory.oom_control", "oom_kill"):
            return f"it used more than the {self._limits.memory // _MIB:,} MiB of memory that it may"
        return ""

    def close(self) -> None:
        """Give it up; one that still has processes, which outlived their command, stays. Blocks for a moment."""
        deadline = time.monotonic() + _LEAVING
        for place in set(self._places.values()):
            while True:
                try:
                    place.rmdir()
                except FileNotFoundError:
                    break
                except OSError:
                    if time.monotonic() > deadline or (place / "cgroup.procs").read_text():
                        break
                    time.sleep(0.01)
                else:
                    break


def find_groups(proc: Path = Path("/proc/self")) -> Groups:
    """Where this process may make groups."""
    try:
        mounts = (proc / "mountinfo").read_text().splitlines()
        own = dict(_own_group(line) for line in (proc / "cgroup").read_text().splitlines())
    except (OSError, ValueError):
        return Groups()
    first: dict[str, Path] = {}
    for line in mounts:
        fields, _, told = line.partition(" - ")
        kind, _, options = told.split(" ")[:3]
        root, place = fields.split(" ")[3:5]
        if kind == "cgroup2" and "" in own:
            parent = _delegated(Path(place), _below(own[""], root))
            if parent is not None:
                return Groups(parent, parent, unified=True)
        elif kind == "cgroup":
            for name in options.split(","):
                if name in ("pids", "memory") and name in own:
                    parent = Path(place) / _below(own[name], root)
                    if os.access(parent, os.W_OK | os.X_OK):
                        first[name] = parent
    return Groups(first.get("pids"), first.get("memory"))


def _own_group(line: str) -> tuple[str, str]:
    _, names, path = line.split(":", 2)
    return names, path


def _below(path: str, root: str) -> str:
    """A group's path as it is below a mount that shows `root`."""
    return os.path.relpath(path, root) if root != "/" and path.startswith(root) else path.lstrip("/")


def _delegated(mount: Path, own: str) -> Path | None:
    """The nearest group from `own` on upwards in which processes and memory of groups of ours are counted."""
    here = mount / own
    for place in (here, *here.parents):
        if not place.is_relative_to(mount):
            return None
        try:
            controllers = (place / "cgroup.subtree_control").read_text().split()
        except OSError:
            continue
        if {"pids", "memory"} <= set(controllers):
            return place if os.access(place, os.W_OK | os.X_OK) else None
    return None


def _family(pid: int) -> set[int]:
    found, waiting = {pid}, [pid]
    while waiting:
        children = [child for child in processes.children_of(waiting.pop()) if child not in found]
        found.update(children)
        waiting += children
    return found


def _told(place: Path | None, file: str, name: str) -> bool:
    """Whether something was counted there."""
    if place is None:
        return False
    try:
        lines = (place / file).read_text().splitlines()
    except OSError:
        return False
    return any(line.split()[:1] == [name] and line.split()[1] != "0" for line in lines)
