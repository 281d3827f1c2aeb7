"""What the whole machine has, read in some 20 microseconds: whether anything on it grew tells whether a look at single commands is worth its time."""

from dataclasses import dataclass
from pathlib import Path

TASKS_STEP = 256
"""Tasks (processes and their threads) more than before that are reason to look: a quarter of what a model's command may have."""

MEMORY_STEP = 512 * 1024 * 1024
"""Bytes less to be had than before that are reason to look: a quarter of the least that such a command may have."""


@dataclass(frozen=True)
class Reading:
    """The machine at one moment."""

    tasks: int
    """Processes and threads that there are."""
    available: int
    """Bytes of memory that can still be had."""


class Growth:
    """Tells when the machine's use grew by a step since the last time that was told. Where nothing can be read, it never does."""

    def __init__(self) -> None:
        self._tasks = 0
        self._available = 0
        self._known = False

    def grew(self, now: Reading) -> bool:
        """Whether `now` is a step above the least use since a step was told, or since the beginning."""
        if not self._known or now.tasks - self._tasks >= TASKS_STEP or self._available - now.available >= MEMORY_STEP:
            first, self._known = not self._known, True
            self._tasks, self._available = now.tasks, now.available
            return not first
        self._tasks = min(self._tasks, now.tasks)
        self._available = max(self._available, now.available)
        return False


def machine_reading(proc: Path = Path("/proc")) -> Reading:
    """The machine now; zeros for what it does not tell."""
    return Reading(_tasks(proc / "loadavg"), _available(proc / "meminfo"))


def _tasks(file: Path) -> int:
    try:
        return int(file.read_bytes().split()[3].partition(b"/")[2])
    except (OSError, IndexError, ValueError):
        return 0


def _available(file: Path) -> int:
    try:
        lines = file.read_bytes().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(b"MemAvailable:"))
    except (OSError, IndexError, ValueError, StopIteration):
        return 0
