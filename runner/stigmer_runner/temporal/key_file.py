"""The key that seals what Temporal's history holds: a file with the data. What it opens stands in plain text beside it; it keeps it from the cluster."""

import os
import secrets
import stat
from pathlib import Path

from stigmer_runner.errors import RunnerError
from stigmer_runner.temporal.codec import KEY_BYTES

KEY_NAME = "temporal.key"


def sealing_key(data: Path) -> bytes:
    """The key of a backend whose data stand in `data`; made once. Blocking. Raises `RunnerError` for a file that is not such a key, or that others can read."""
    path = data / KEY_NAME
    try:
        return _read(path)
    except FileNotFoundError:
        _make(path)
        return _read(path)


def _make(path: Path) -> None:
    """Written whole before it has its name. Where somebody else was first, theirs stays."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(fresh, path)
        except FileExistsError:
            return
    finally:
        fresh.unlink(missing_ok=True)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _read(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode) or about.st_mode & 0o077 or about.st_uid != os.geteuid():
            raise RunnerError(
                f"others can read {path}, which seals what Temporal keeps: chmod 600 it, or bring back your own"
            )
        key = file.read(KEY_BYTES + 1)
    if len(key) != KEY_BYTES:
        raise RunnerError(
            f"{path} is not a key of {KEY_BYTES} bytes: bring it back from a backup; runs under way cannot be read without it"
        )
    return key
