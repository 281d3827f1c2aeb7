"""The layer between the store and the operating system's files.

Everything that the store writes goes through a `FileLayer`, so that a test can make any write, sync or rename fail.
"""

import errno
import os
import sys
from pathlib import Path

PRIVATE_FILE = 0o600
PRIVATE_DIRECTORY = 0o700

FULL_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Errors that free space mends; every other error of a write means that the disk cannot be trusted."""


def is_full(error: OSError) -> bool:
    """Whether `error` says that there is no space, rather than that the disk failed."""
    return error.errno in FULL_ERRORS


class FileLayer:
    """Opens, writes, syncs, renames and removes files. Each method raises `OSError` as the operating system does."""

    def open(self, path: Path | str, flags: int) -> int:
        """Open `path`, readable by its owner alone when it is created here, and return its descriptor."""
        return os.open(path, flags | os.O_CLOEXEC, PRIVATE_FILE)

    def write_at(self, descriptor: int, data: bytes, offset: int) -> None:
        """Write all of `data` at `offset`. After an error any part of it may be in the file."""
        view = memoryview(data)
        while view:
            written = os.pwrite(descriptor, view, offset)
            view = view[written:]
            offset += written

    def truncate(self, descriptor: int, size: int) -> None:
        """Cut the file to `size` bytes."""
        os.ftruncate(descriptor, size)

    def sync(self, descriptor: int) -> None:
        """Return when the file's data is on the disk. On macOS, `F_FULLFSYNC`: there `fsync` leaves it in the drive's cache."""
        if sys.platform == "darwin":
            import fcntl

            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
        else:
            os.fdatasync(descriptor)

    def sync_directory(self, path: Path) -> None:
        """Return when the names in directory `path` are on the disk."""
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, source: Path, target: Path) -> None:
        """Put `source` in the place of `target`."""
        os.replace(source, target)

    def remove(self, path: Path) -> None:
        """Remove the file `path`."""
        os.unlink(path)

    def close(self, descriptor: int) -> None:
        """Close a descriptor."""
        os.close(descriptor)

    def write_whole(self, path: Path, data: bytes) -> None:
        """Put a file with the content `data` at `path`, durably: after a crash the old or the new one is there, whole."""
        fresh = path.with_name(path.name + ".new")
        descriptor = self.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            self.write_at(descriptor, data, 0)
            self.sync(descriptor)
        except OSError:
            fresh.unlink(missing_ok=True)
            raise
        finally:
            self.close(descriptor)
        self.rename(fresh, path)
        self.sync_directory(path.parent)
