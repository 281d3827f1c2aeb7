"""A text of any length in the person's own pager."""

import os
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path

from stigmer_apis.errors import NotFound


def pager_command(path: Path, line: int, environ: Mapping[str, str] = os.environ) -> list[str]:
    """The words that show the file, from a line on where the pager can: `$PAGER`, else `less -R`."""
    words = shlex.split(environ.get("PAGER", "")) or ["less"]
    if Path(words[0]).name == "less":
        words += ["-R", f"+{max(1, line)}"]
    return [*words, str(path)]


@contextmanager
def paged_file(content: Iterable[bytes]) -> Generator[Path]:
    """The content in a private file, for as long as it is looked at. Blocking; raises OSError where there is no room."""
    with tempfile.TemporaryDirectory(prefix="stigmer-") as directory:
        path = Path(directory) / "output.txt"
        path.touch(mode=0o600)
        with path.open("wb") as file:
            for piece in content:
                file.write(piece)
        yield path


@contextmanager
def keys_go_elsewhere() -> Generator[None]:
    """Ctrl+C belongs to the program in front, for the block. Main thread only."""
    before = signal.signal(signal.SIGINT, lambda _number, _frame: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def run_pager(command: list[str]) -> None:
    """Run the pager to its end. Blocking. Raises `NotFound` where it cannot be run."""
    try:
        subprocess.run(command, check=False)
    except OSError as error:
        raise NotFound(
            f"the pager {command[0]!r} cannot be run: {error.strerror}", remedy="set PAGER to one that is installed"
        ) from error
