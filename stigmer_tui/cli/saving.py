"""A file that is there whole or not at all, and takes the place of another only where that was wanted."""

import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from stigmer_tui.cli.writing_files import CannotWrite
from stigmer_tui.text import safe

_MODE = 0o666


@contextmanager
def saved_file(path: Path, *, force: bool = False) -> Generator[BinaryIO]:
    """A file to write, which gets its name at the end of the block; an error in the block leaves nothing.

    Raises `CannotWrite`: where something is there already and not `force`, before the block and again at its end.
    """
    shown = safe(str(path))
    taken = CannotWrite(f"{shown} is there already, and was left as it is; --force replaces it")
    if not force and os.path.lexists(path):
        raise taken
    hidden = path.with_name(f".stigmer-{secrets.token_hex(8)}")
    try:
        descriptor = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
    except OSError as error:
        raise CannotWrite(f"{shown} cannot be written: {error.strerror}") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
        if force:
            hidden.replace(path)
        else:
            os.link(hidden, path, follow_symlinks=False)
    except FileExistsError as error:
        raise taken from error
    except OSError as error:
        raise CannotWrite(f"{shown} cannot be written: {error.strerror}") from error
    finally:
        hidden.unlink(missing_ok=True)


def harmless_name(name: str) -> str:
    """A name for a file in this directory, from one that a run chose: no path, nothing hidden, no option of a command."""
    last = name.replace("\\", "/").rpartition("/")[2]
    shown = "".join(character for character in safe(last) if character not in "\ufffd/").strip()
    plain = shown.lstrip(".-~ ")
    while len(plain.encode()) > 200:
        plain = plain[1:]
    return plain or "artifact"
