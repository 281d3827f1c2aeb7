"""A file gets another content, whole or not at all, and what it was before is kept first."""

import errno
import os
import stat
from dataclasses import dataclass

from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_runner.tools.files.beneath import Beneath, PathRefused, kind_of, temporary_name, visible
from stigmer_runner.tools.files.contents import decoded, hash_of, read_all
from stigmer_runner.tools.files.diffs import Difference, difference
from stigmer_runner.tools.files.snapshots import Change, Snapshots

NEW_MODE = 0o644
_NO_ROOM = ". The disk of the workspace is full, and the file is as it was: the person has to make room there"
_HELP = {
    errno.ENOSPC: _NO_ROOM,
    errno.EDQUOT: _NO_ROOM,
    errno.EROFS: ". The workspace is mounted read-only: the person has to make it writable, or to name another one",
    errno.EACCES: ". Its directory does not let you: the person has to give leave (`chmod`)",
    errno.EPERM: ". Its directory does not let you: the person has to give leave (`chmod`, `chattr`)",
}


class Stale(PathRefused):
    """A file is not what the one who changes it thinks."""


@dataclass(frozen=True)
class Found:
    """A file as it is now."""

    content: bytes
    mode: int
    """Permission bits."""
    names: int
    """How many names it has: more than one are hard links."""

    @property
    def content_hash(self) -> str:
        """SHA-256 in hexadecimal."""
        return hash_of(self.content)


@dataclass(frozen=True)
class Changed:
    """A change that was made."""

    path: str
    kind: ev.FileChange.ValueType
    before: str
    after: str
    difference: Difference
    other_names: int
    """Other names (hard links) of the file, which keep the old content."""

    def event(self, call_id: str) -> ev.FileChanged:
        """As the execution tells it."""
        return ev.FileChanged(
            call_id=call_id,
            path=self.path,
            change=self.kind,
            diff=self.difference.text,
            lines_added=self.difference.added,
            lines_removed=self.difference.removed,
            before_hash=self.before,
            after_hash=self.after,
        )


def look(files: Beneath, path: str) -> Found | None:
    """The file at `path`, None where there is none. Links are refused: what is written is what is named.

    Raises `PathRefused`. Blocks.
    """
    relative = files.relative(path)
    parent, name = os.path.split(relative)
    if relative == ".":
        raise PathRefused(f"{visible(path)} is a directory")
    try:
        with files.directory(parent or ".") as directory:
            return _found(directory, name, relative, files)
    except PathRefused as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return None
        raise


def change(
    files: Beneath,
    snapshots: Snapshots,
    message_id: str,
    path: str,
    content: bytes | None,
    expected: Found | None,
    *,
    mode: int | None = None,
) -> Changed:
    """Make `content` the content of `path`, None: remove it. `expected` is what `look` found.

    The old content is on disk, and the change noted in the turn, before the file changes. The new file replaces the old
    name at once; a reader sees the one or the other. Raises `Stale` where it is not as expected any more, `PathRefused`,
    and `SnapshotsBroken`; then the file is as it was. Blocks.
    """
    relative = files.relative(path)
    parent, name = os.path.split(relative)
    before = "" if expected is None else snapshots.keep(expected.content)
    after = "" if content is None else snapshots.keep(content)
    with files.directory(parent or ".", make=content is not None) as directory:
        fresh = None if content is None else _written(directory, content, mode, expected, relative)
        try:
            _still(_found(directory, name, relative, files), expected, relative)
            snapshots.note(message_id, Change(relative, before, after, expected.mode if expected else 0))
            _put(directory, name, fresh, expected, relative)
            fresh = None
        finally:
            if fresh is not None:
                os.unlink(fresh, dir_fd=directory)
    return _changed(relative, before, after, expected, content)


def _found(directory: int, name: str, relative: str, files: Beneath) -> Found | None:
    try:
        descriptor = os.open(
            name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY, dir_fd=directory
        )
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unopened(relative, files, error) from error
    try:
        known = os.fstat(descriptor)
        if not stat.S_ISREG(known.st_mode):
            raise PathRefused(f"{visible(relative)} is {kind_of(known.st_mode)}, which cannot be written as a file")
        return Found(read_all(descriptor, relative), stat.S_IMODE(known.st_mode), known.st_nlink)
    finally:
        os.close(descriptor)


def _unopened(relative: str, files: Beneath, error: OSError) -> PathRefused:
    if error.errno == errno.ELOOP:
        try:
            real = f": write what it leads to, {visible(files.real(relative))}"
        except PathRefused:
            real = " that leads out of the workspace"
        return PathRefused(f"{visible(relative)} is a symbolic link{real}")
    if error.errno == errno.ENXIO:
        return PathRefused(f"{visible(relative)} is a pipe or a socket, which cannot be written as a file")
    return PathRefused(f"{visible(relative)} cannot be read: {error.strerror}")


def _written(directory: int, content: bytes, mode: int | None, expected: Found | None, relative: str) -> str:
    """A new file in `directory` with `content`; its name."""
    name = temporary_name()
    bits = mode if mode else (expected.mode if expected else NEW_MODE)
    try:
        descriptor = os.open(
            name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=directory
        )
    except OSError as error:
        raise _unwritten(relative, error) from error
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), bits & 0o777)
            os.fsync(file.fileno())
    except OSError as error:
        os.unlink(name, dir_fd=directory)
        raise _unwritten(relative, error) from error
    return name


def _unwritten(relative: str, error: OSError) -> PathRefused:
    """Why a file stays as it was, and what would help."""
    return PathRefused(f"{visible(relative)} cannot be written: {error.strerror}{_HELP.get(error.errno or 0, '')}")


def _still(now: Found | None, expected: Found | None, relative: str) -> None:
    if (now and now.content) != (expected and expected.content):
        raise Stale(f"{visible(relative)} was changed by somebody else a moment ago: read it again")


def _put(directory: int, name: str, fresh: str | None, expected: Found | None, relative: str) -> None:
    try:
        if fresh is None:
            os.unlink(name, dir_fd=directory)
        elif expected is None:
            os.link(fresh, name, src_dir_fd=directory, dst_dir_fd=directory, follow_symlinks=False)
            os.unlink(fresh, dir_fd=directory)
        else:
            os.rename(fresh, name, src_dir_fd=directory, dst_dir_fd=directory)
    except FileExistsError as error:
        raise Stale(f"{visible(relative)} was made by somebody else a moment ago: read it") from error
    except FileNotFoundError as error:
        raise Stale(f"{visible(relative)} was removed by somebody else a moment ago") from error
    except OSError as error:
        raise _unwritten(relative, error) from error


def _changed(relative: str, before: str, after: str, expected: Found | None, content: bytes | None) -> Changed:
    old = None if expected is None else decoded(expected.content)
    new = None if content is None else decoded(content)
    if (expected is not None and old is None) or (content is not None and new is None):
        shown = Difference("", 0, 0)
    else:
        shown = difference(relative, old and old.text, new and new.text)
    if expected is None:
        kind = ev.FILE_CHANGE_CREATED
    else:
        kind = ev.FILE_CHANGE_DELETED if content is None else ev.FILE_CHANGE_MODIFIED
    return Changed(relative, kind, before, after, shown, max(0, expected.names - 1) if expected else 0)
