"""Processes that outlive their line without walls become children of this process: they are reaped as they end.

Each by its number and only where it carries the line's marks: the other children of this process belong to whoever
started them, and would lose their exit status.
"""

import asyncio
import os

from stigmer_runner.sandbox import processes
from stigmer_runner.sandbox.ending import Target


class Orphans:
    """Those of every line, on the event loop."""

    def __init__(self) -> None:
        self._watched: dict[int, int] = {}
        """Handles, by pid."""

    def adopt(self, target: Target) -> None:
        """Reap what `target` left that is over, and watch what is not."""
        for pid in processes.adopted_by(os.getpid()):
            if pid == target.pid or pid in self._watched or not _left_by(pid, target):
                continue
            if processes.look(pid) is None:
                processes.reap([pid])
            else:
                self._watch(pid, target)

    def left_by(self, target: Target) -> list[int]:
        """What `target` left that came to this process meanwhile. Blocks for a moment."""
        return [pid for pid in processes.adopted_by(os.getpid()) if pid != target.pid and _left_by(pid, target)]

    def close(self) -> None:
        """Reap what is over and watch no more."""
        loop = asyncio.get_running_loop()
        for handle in self._watched.values():
            loop.remove_reader(handle)
            os.close(handle)
        processes.reap(self._watched)
        self._watched.clear()

    def _watch(self, pid: int, target: Target) -> None:
        handle = os.pidfd_open(pid)
        self._watched[pid] = handle
        asyncio.get_running_loop().add_reader(handle, self._ended, pid, target)

    def _ended(self, pid: int, target: Target) -> None:
        handle = self._watched.pop(pid)
        asyncio.get_running_loop().remove_reader(handle)
        os.close(handle)
        processes.reap([pid])
        self.adopt(target)


def _left_by(pid: int, target: Target) -> bool:
    if target.ink is not None and processes.message_queue_limit(pid) == target.ink:
        return True
    return processes.carries(pid, lambda marker: marker == target.marker)
