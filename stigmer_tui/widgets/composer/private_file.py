"""Files of one's own: nobody else may read them."""

import os
from pathlib import Path

_MODE = 0o600


def append_private(path: Path, data: bytes) -> None:
    """Add to a file, made 0600 where it is not there. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, _MODE)
    try:
        os.write(descriptor, data)
    finally:
        os.close(descriptor)


def replace_private(path: Path, data: bytes) -> None:
    """Put other content into a file, 0600, whole or not at all. Raises OSError."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_TRUNC | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, _MODE)
    try:
        os.write(descriptor, data)
    finally:
        os.close(descriptor)
    fresh.replace(path)
