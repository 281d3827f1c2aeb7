"""`config.yaml` on disk: read whole, written whole, for its owner alone."""

import fcntl
import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from stigmer_apis.config.document import MOST_BYTES
from stigmer_apis.errors import ConfigError
from stigmer_apis.home_checks import explain


def read_file(path: Path) -> str:
    """The text; empty where there is no file. Raises `ConfigError` for one that is too large or no text, `HomeError` for one that cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ConfigError(f"{path} is no file", remedy="move it away: it should be a text file with settings")
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise explain(error, path, "read") from error
    if len(data) > MOST_BYTES:
        raise ConfigError(
            f"{path} is larger than {MOST_BYTES // 1024} KiB", remedy="it holds settings, a line each: look what it is"
        )
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: this is not UTF-8", remedy="write it anew as UTF-8 text") from error


def write_file(path: Path, text: str) -> None:
    """Put `text` in the file's place: all of it or nothing, synced, 0600. A link stays one: what it points to is written. Raises `HomeError`."""
    target = Path(os.path.realpath(path))
    fresh = target.with_name(f".{target.name}.{os.getpid()}.new")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            with open(descriptor, "wb") as file:
                os.fchmod(descriptor, 0o600)
                file.write(text.encode("utf-8"))
                file.flush()
                os.fsync(descriptor)
            os.replace(fresh, target)
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise
        _sync_directory(target.parent)
    except OSError as error:
        raise explain(error, target, "write") from error


@contextmanager
def alone(directory: Path) -> Generator[None]:
    """Nobody else changes the file of this directory meanwhile. Blocking; the lock goes with its holder, however that ends."""
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise explain(error, directory, "open") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
