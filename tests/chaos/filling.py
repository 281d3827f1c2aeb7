"""Disks that fill up: a small one of our own, and a limit on the size of files."""

import os
import resource
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

BALLAST_BLOCK = 1 << 16


@contextmanager
def small_disk(path: Path, megabytes: int) -> Generator[Path]:
    """A file system of that size at `path`. Skips the test where none can be mounted."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk takes root")
    path.mkdir(parents=True, mode=0o700)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "tmpfs", str(path)],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.decode().strip()}")
    try:
        yield path
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)


class Ballast:
    """A file that takes what is left of a disk."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "ballast"

    def fill(self) -> None:
        """Take everything that is left."""
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            for size in (BALLAST_BLOCK, 1):
                while self._written(descriptor, size):
                    pass
        finally:
            os.close(descriptor)

    def free(self) -> None:
        """Give it back."""
        self._path.unlink()

    def _written(self, descriptor: int, size: int) -> bool:
        try:
            return os.write(descriptor, bytes(size)) > 0
        except OSError:
            return False


def limit_file_size(pid: int, size: int) -> None:
    """Writes of a process beyond `size` bytes of any file fail from now on, as on a full disk."""
    _, hard = psutil.Process(pid).rlimit(resource.RLIMIT_FSIZE)
    psutil.Process(pid).rlimit(resource.RLIMIT_FSIZE, (size, hard))


def unlimit_file_size(pid: int) -> None:
    """As before."""
    _, hard = psutil.Process(pid).rlimit(resource.RLIMIT_FSIZE)
    psutil.Process(pid).rlimit(resource.RLIMIT_FSIZE, (hard, hard))
