"""The places where a secret might turn up: files, names, links, open files that are deleted, processes."""

import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from tests.canary.search import Hit, Search

MARKER = b"STIGMER_EXEC_ID="
"""In the environment of an execution's own commands, and of nothing else: what they hold is theirs."""
PAUSE_SECONDS = 0.02
"""Between two looks at all processes."""


def tree(root: Path) -> Iterator[tuple[str, bytes]]:
    """Everything below a directory: contents, names, targets of links."""
    for directory, names, files in os.walk(root):
        for name in (*names, *files):
            path = Path(directory) / name
            yield f"name of {path}", os.fsencode(name)
            if path.is_symlink():
                yield f"link {path}", os.fsencode(os.readlink(path))
            elif path.is_file():
                with suppress(OSError):
                    yield f"file {path}", path.read_bytes()


def deleted_files(pids: Iterable[int]) -> Iterator[tuple[str, bytes]]:
    """Files that processes still have open and that have no name any more, memory files among them."""
    for pid in pids:
        folder = Path(f"/proc/{pid}/fd")
        with suppress(OSError):
            for entry in list(folder.iterdir()):
                with suppress(OSError):
                    target = os.readlink(entry)
                    if target.endswith("(deleted)") and not target.startswith(("/dev/", "socket:", "pipe:")):
                        yield f"deleted file {target} of {pid}", entry.read_bytes()


def process_ids(*, with_commands: bool = False) -> list[int]:
    """Every process but this one; without the executions' own commands, unless they are wanted."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            environment = _read(entry / "environ")
            if with_commands or MARKER not in environment:
                found.append(int(entry.name))
    return found


def processes() -> Iterator[tuple[str, bytes]]:
    """The command line and the environment of every process but this one and the executions' own commands."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        environment, line = _read(entry / "environ"), _read(entry / "cmdline")
        if MARKER in environment:
            continue
        yield f"environment of {entry.name} ({line[:80]!r})", environment
        yield f"command line of {entry.name} ({line[:80]!r})", line


class Watch:
    """Looks at all processes again and again, on a thread of its own, for as long as the block lasts. The same bytes are searched once."""

    def __init__(self, search: Search) -> None:
        self._search = search
        self._seen: set[bytes] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="canary watch", daemon=True)
        self.hits: list[Hit] = []
        self.looks = 0

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(PAUSE_SECONDS):
            self.hits += self._search.look_at_all(self._unseen())
            self.looks += 1

    def _unseen(self) -> Iterator[tuple[str, bytes]]:
        for sink, data in processes():
            if data not in self._seen:
                self._seen.add(data)
                yield sink, data


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        # It ended between two looks, or is another's.
        return b""
