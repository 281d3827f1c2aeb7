"""The lock of a store's directory: one process at a time."""

import fcntl
import os
from pathlib import Path

from stigmer_backend.store.errors import StoreLocked
from stigmer_backend.store.files import PRIVATE_FILE


class DirectoryLock:
    """Held from its making to `release`, and freed by the system when the process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        """Take the lock. Raises `StoreLocked`, which names the process that has it."""
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(self._descriptor, 64, 0).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            raise StoreLocked(path.parent, f"process {holder}" if holder else "another process") from error
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Give the lock up."""
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)
