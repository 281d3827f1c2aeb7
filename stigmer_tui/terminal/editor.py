"""A text in the person's own editor."""

import os
import shlex
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from stigmer_apis.errors import InvalidArgument, NotFound

LARGEST = 16 * 1024 * 1024
"""Bytes that are taken back: no message is longer."""


def editor_command(path: Path, environ: Mapping[str, str] = os.environ) -> list[str]:
    """The words that edit the file: `$VISUAL`, `$EDITOR`, else `vi`."""
    words = shlex.split(environ.get("VISUAL") or environ.get("EDITOR") or "") or ["vi"]
    return [*words, str(path)]


def edited(text: str) -> str | None:
    """What the person made of a text; None where the editor ended with a failure, as vim's `:cq`. Blocking.

    Raises `NotFound` where there is no such editor, `InvalidArgument` where what was written is no text or too long.
    """
    with tempfile.TemporaryDirectory(prefix="stigmer-") as directory:
        path = Path(directory) / "message.md"
        path.touch(mode=0o600)
        path.write_text(text, errors="surrogatepass")
        command = editor_command(path)
        try:
            done = subprocess.run(command, check=False)
        except OSError as error:
            raise NotFound(
                f"the editor {command[0]!r} cannot be run: {error.strerror}",
                remedy="set EDITOR to one that is installed",
            ) from error
        if done.returncode:
            return None
        with path.open("rb") as stream:
            data = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise InvalidArgument("what was written is longer than 16 MiB", remedy="write it into a file and name that")
    try:
        return data.decode().removesuffix("\n")
    except UnicodeDecodeError as error:
        raise InvalidArgument(
            f"what was written is no UTF-8 (byte {error.start})", remedy="save it as UTF-8"
        ) from error
