"""The files of a workspace, without those that its `.gitignore` files leave out.

Git itself is not asked: a workspace may be anybody's, and its git configuration can name programs that git runs.
"""

import os
import threading
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pathspec

from stigmer_tui.completion.fuzzy import best

LIMIT = 200_000
"""Files that are offered; a larger workspace has the rest left out."""
FRESH_SECONDS = 20.0
"""How long a list of files is offered before it is made anew."""
_GITIGNORE_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Ignored:
    """What the `.gitignore` of one directory leaves out, beneath that directory."""

    base: str
    """The directory, from the workspace's root, with a slash at its end; empty for the root."""
    spec: pathspec.GitIgnoreSpec

    def matches(self, path: str) -> bool | None:
        """Whether a path is left out, or expressly kept; None where nothing is said of it."""
        return self.spec.check_file(path[len(self.base) :]).include


class WorkspaceFiles:
    """The files below one directory, read on a thread, offered by a few letters of their paths. Safe to use from several threads."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._paths: Sequence[str] = ()
        self._read_at = float("-inf")
        self._reading = threading.Lock()

    def offer(self, query: str, limit: int) -> list[str]:
        """The paths that fit best, from the root; directories end with a slash. Reads the workspace where it was not read lately: call it on a thread."""
        with self._reading:
            if time.monotonic() - self._read_at > FRESH_SECONDS:
                self._paths = sorted(
                    islice(_walk(self.root), LIMIT), key=lambda path: (path.count("/"), len(path), path)
                )
                self._read_at = time.monotonic()
            paths = self._paths
        return best(query, paths, limit, str)


def _walk(root: Path) -> Generator[str]:
    """Paths of files and directories that can be written in a line; a directory that cannot be read is passed over."""
    waiting: list[tuple[str, tuple[Ignored, ...]]] = [("", ())]
    while waiting:
        base, above = waiting.pop()
        try:
            with os.scandir(root / base) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            continue
        here = _ignored(root, base) if any(entry.name == ".gitignore" for entry in found) else None
        rules = (*above, here) if here is not None else above
        for entry in found:
            directory = entry.is_dir(follow_symlinks=False)
            path = f"{base}{entry.name}{'/' if directory else ''}"
            if entry.name == ".git" or not path.isprintable() or _left_out(path, rules):
                continue
            yield path
            if directory:
                waiting.append((path, rules))


def _left_out(path: str, rules: Sequence[Ignored]) -> bool:
    """The nearest rule that says anything decides."""
    for rule in reversed(rules):
        said = rule.matches(path)
        if said is not None:
            return said
    return False


def _ignored(root: Path, base: str) -> Ignored | None:
    try:
        with open(root / base / ".gitignore", "rb") as stream:
            lines = stream.read(_GITIGNORE_BYTES).decode(errors="replace").splitlines()
        spec = pathspec.GitIgnoreSpec.from_lines(lines)
    except (OSError, ValueError):
        return None
    return Ignored(base, spec)
