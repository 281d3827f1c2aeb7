"""A walk through a workspace that passes over what `.gitignore` names. No symbolic link is followed."""

import os
import stat
from collections.abc import Container, Generator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from pathspec import GitIgnoreSpec

IGNORE_FILE = ".gitignore"
LARGEST_IGNORE_FILE = 256 * 1024
ALWAYS = frozenset({".git"})
"""Directories that are passed over whatever is said."""
DEEPEST = 100


@dataclass(frozen=True)
class Entry:
    """Something in a workspace."""

    path: str
    """Below the workspace."""
    mode: int
    size: int
    modified: float

    @property
    def is_directory(self) -> bool:
        """Whether it is one; a link to one is not."""
        return stat.S_ISDIR(self.mode)

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return stat.S_ISREG(self.mode)


Specs = tuple[tuple[str, GitIgnoreSpec], ...]
"""Ignore files on the way, each with the directory that it stands in."""


def walk(
    top: int,
    prefix: str = "",
    *,
    ignored: bool = False,
    depth: int = DEEPEST,
    specs: Specs = (),
    skip: Container[str] = (),
) -> Generator[Entry]:
    """Everything below the open directory `top`, names in order, a directory before what is in it.

    `prefix`: where `top` is below the workspace, empty or with a `/` at its end. `ignored`: also what `.gitignore` names;
    `specs` are the ignore files above; paths in `skip`, and all below them, are not there. Directories that cannot be read
    are passed over.
    """
    yield from _walk(top, prefix, specs, ignored, depth, skip)


def specs_above(root: int, relative: str) -> Specs:
    """The ignore files of the directories from the open workspace `root` down to, and not with, `relative`."""
    found: list[tuple[str, GitIgnoreSpec]] = []
    here, prefix = os.dup(root), ""
    try:
        for part in PurePosixPath(relative).parts:
            own = _read_ignore(here)
            if own is not None:
                found.append((prefix, own))
            deeper = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=here)
            os.close(here)
            here, prefix = deeper, f"{prefix}{part}/"
    except OSError:
        return tuple(found)
    finally:
        os.close(here)
    return tuple(found)


def _walk(
    descriptor: int, prefix: str, specs: Specs, ignored: bool, depth: int, skip: Container[str]
) -> Generator[Entry]:
    if not ignored:
        own = _read_ignore(descriptor)
        specs = (*specs, (prefix, own)) if own is not None else specs
    try:
        names = sorted(os.listdir(descriptor))
    except OSError:
        return
    for name in names:
        try:
            found = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
        except OSError:
            continue
        path = f"{prefix}{name}"
        if path in skip:
            continue
        entry = Entry(path, found.st_mode, found.st_size, found.st_mtime)
        if (entry.is_directory and name in ALWAYS) or (not ignored and _is_ignored(path, entry.is_directory, specs)):
            continue
        yield entry
        if entry.is_directory and depth > 1:
            try:
                below = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=descriptor)
            except OSError:
                continue
            try:
                yield from _walk(below, f"{path}/", specs, ignored, depth - 1, skip)
            finally:
                os.close(below)


def _read_ignore(descriptor: int) -> GitIgnoreSpec | None:
    try:
        file = os.open(IGNORE_FILE, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=descriptor)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            return None
        lines = os.read(file, LARGEST_IGNORE_FILE).decode("utf-8", "replace").splitlines()
    except OSError:
        return None
    finally:
        os.close(file)
    return spec_of(lines)


def spec_of(lines: Sequence[str]) -> GitIgnoreSpec:
    """The patterns in `lines`; those that are none are passed over."""
    good: list[str] = []
    for line in lines:
        try:
            GitIgnoreSpec.from_lines([line])
        except ValueError:
            continue
        good.append(line)
    return GitIgnoreSpec.from_lines(good)


def _is_ignored(path: str, is_directory: bool, specs: Specs) -> bool:
    """Whether the innermost file that says anything about `path` says that it is ignored."""
    for prefix, spec in reversed(specs):
        result = spec.check_file(f"{path[len(prefix) :]}/" if is_directory else path[len(prefix) :])
        if result.include is not None:
            return result.include
    return False
