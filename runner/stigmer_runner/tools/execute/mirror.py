"""A workspace and its copy elsewhere: what changed here goes there, what changed there comes back, and nothing comes back to where it may not.

What both sides had last is known by kind, size and time of change. Blocks: for a thread.
"""

import io
import os
import stat
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from stigmer_runner.policy.protected import is_protected
from stigmer_runner.sandbox import SpawnFailed
from stigmer_runner.tools.files.beneath import Beneath, PathRefused, temporary_name

MOST_FILES = 20_000
MOST_BYTES = 256 * 1024 * 1024
"""Of a workspace that is copied, and of what comes back at once."""
_CHUNK = 1024 * 1024

Look = tuple[int, int, int, str]
"""Mode, size, nanoseconds of the last change, and for a link what it says."""


@dataclass(frozen=True)
class Parcel:
    """What changed here since the last time."""

    archive: bytes
    """A tar file, compressed."""
    gone: tuple[str, ...]


Change = Callable[[str], None]


class Mirror:
    """This side of it."""

    def __init__(self, workspace: Path, hidden: Sequence[Path]) -> None:
        """`workspace` has its links resolved; `hidden` is never sent."""
        self._root = workspace
        self._hidden = tuple(hidden)
        self._files = Beneath(workspace, hidden)
        self._known: dict[str, Look] = {}

    def pack(self) -> Parcel | None:
        """What has to go there; None where nothing has. Raises `SpawnFailed` for a workspace that is too large."""
        now = dict(self._scan())
        size = sum(each[1] for each in now.values())
        if len(now) > MOST_FILES or size > MOST_BYTES:
            raise SpawnFailed(
                f"the workspace {self._root} has {len(now):,} files with {size:,} bytes, and at most {MOST_FILES:,} with "
                f"{MOST_BYTES:,} are copied to Daytona: work in a smaller directory, or with `--sandbox container`"
            )
        changed = [path for path, look in now.items() if look != self._known.get(path)]
        gone = tuple(path for path in self._known if path not in now)
        if not changed and not gone:
            return None
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
            for path in changed:
                self._add(archive, path, now[path])
        self._known = now
        return Parcel(buffer.getvalue(), gone)

    def take(self, archive: bytes, gone: Sequence[str]) -> list[str]:
        """Put here what changed there; returns what was left as it is here: files that run by themselves, and what changed here meanwhile.

        Raises `SpawnFailed` for an archive that is none, or too large.
        """
        left: list[str] = []
        room = MOST_BYTES
        try:
            if archive:
                with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as found:
                    for count, member in enumerate(found):
                        room -= member.size
                        if room < 0 or count >= MOST_FILES:
                            raise SpawnFailed(
                                "more changed there than is copied back: the rest stays in Daytona's sandbox"
                            )
                        content = found.extractfile(member) if member.isreg() else None
                        self._kept(member.name, left, partial(self._store, member, content))
        except (tarfile.TarError, EOFError, OSError) as error:
            raise SpawnFailed(f"what changed in Daytona's sandbox cannot be copied back: {error}") from error
        for name in gone:
            self._kept(name, left, self._remove)
        return left

    def _kept(self, name: str, left: list[str], change: Change) -> None:
        path = str(PurePosixPath(name))
        try:
            if is_protected(path) or self._look(path) != self._known.get(path):
                left.append(path)
            else:
                change(path)
        except PathRefused:
            left.append(path)

    def _store(self, member: tarfile.TarInfo, content: IO[bytes] | None, path: str) -> None:
        parent, name = os.path.split(path)
        if not name or not (content or member.issym()):
            return
        with self._files.directory(parent or ".", make=bool(parent)) as directory:
            made = temporary_name()
            try:
                if content is None:
                    os.symlink(member.linkname, made, dir_fd=directory)
                else:
                    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
                    with open(os.open(made, flags, 0o600, dir_fd=directory), "wb") as file:
                        while data := content.read(_CHUNK):
                            file.write(data)
                        os.fchmod(file.fileno(), member.mode & 0o777)
                os.rename(made, name, src_dir_fd=directory, dst_dir_fd=directory)
            except BaseException:
                if made in os.listdir(directory):
                    os.unlink(made, dir_fd=directory)
                raise
        found = self._look(path)
        if found is not None:
            self._known[path] = found

    def _remove(self, path: str) -> None:
        parent, name = os.path.split(path)
        with self._files.directory(parent or ".") as directory:
            os.unlink(name, dir_fd=directory)
        self._known.pop(path, None)

    def _add(self, archive: tarfile.TarFile, path: str, look: Look) -> None:
        member = tarfile.TarInfo(path)
        member.mode, member.mtime = stat.S_IMODE(look[0]), look[2] / 1e9
        if look[3]:
            member.type, member.linkname = tarfile.SYMTYPE, look[3]
            archive.addfile(member)
            return
        try:
            with self._files.opened(path, links=False) as descriptor, open(os.dup(descriptor), "rb") as file:
                content = file.read(MOST_BYTES)
        except (PathRefused, OSError):
            return  # it went meanwhile, or nobody may read it
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))

    def _scan(self) -> Iterator[tuple[str, Look]]:
        for place, directories, names in os.walk(self._root):
            directories[:] = [each for each in directories if Path(place, each) not in self._hidden]
            links = [each for each in directories if os.path.islink(os.path.join(place, each))]
            for name in (*names, *links):
                path = os.path.relpath(os.path.join(place, name), self._root)
                found = self._look(path)
                if found is not None:
                    yield path, found

    def _look(self, path: str) -> Look | None:
        """None for what is not there, and for what is neither a file nor a link."""
        try:
            with self._files.directory(os.path.dirname(path) or ".") as directory:
                name = os.path.basename(path)
                found = os.stat(name, dir_fd=directory, follow_symlinks=False)
                if stat.S_ISLNK(found.st_mode):
                    return found.st_mode, 0, found.st_mtime_ns, os.readlink(name, dir_fd=directory)
        except (PathRefused, OSError):
            return None
        return (found.st_mode, found.st_size, found.st_mtime_ns, "") if stat.S_ISREG(found.st_mode) else None
