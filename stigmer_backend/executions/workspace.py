"""Directories that sessions work in: one of the session's own, made here, or one that a person names, which is never made nor deleted."""

import asyncio
import contextlib
import os
import shutil
import stat
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from stigmer_apis.errors import FailedPrecondition, FieldViolation, InvalidArgument
from stigmer_apis.home import Home
from stigmer_backend.resources.text import quoted

T = TypeVar("T")

FIELD = "spec.options.workspace"
_THREADS = 2


@dataclass(frozen=True, slots=True)
class Workspace:
    """A directory that a session works in."""

    path: Path
    """Absolute, links resolved."""
    is_own: bool
    """Whether it is the session's own."""


class Workspaces:
    """The directories of one home. What looks at the disk runs on threads of its own: a directory may lie on a slow network."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._threads = ThreadPoolExecutor(_THREADS, "workspace")

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def own(self, session_id: str) -> Workspace:
        """The session's own directory, whether it is there or not."""
        return Workspace(self._home.workspaces / session_id, is_own=True)

    def of_session(self, session_id: str, path: str) -> Workspace:
        """What a session works in, of which `path` is what it kept."""
        own = self.own(session_id)
        return own if path in ("", str(own.path)) else Workspace(Path(path), is_own=False)

    async def named(self, asked: str) -> Workspace:
        """The directory that a person named. Raises `InvalidArgument` where it cannot be worked in."""
        return await self._run(lambda: Workspace(self._check(asked), is_own=False))

    async def make_ready(self, workspace: Workspace) -> None:
        """Make a session's own directory, 0700; check that a named one is still there.

        Raises `FailedPrecondition` where that is gone, `OSError` where the own one cannot be made.
        """
        await self._run(lambda: self._make_ready(workspace))

    async def unmake(self, workspace: Workspace) -> None:
        """Take away an own directory that was made for nothing; one with something in it stays."""
        if workspace.is_own:
            await self._run(lambda: _remove_empty(workspace.path))

    async def copy(self, source: Workspace, target: Workspace) -> None:
        """Make `target`, an own directory, as `source` is now. Raises `FailedPrecondition` where it cannot be read or written."""
        await self._run(lambda: _copy(source.path, target.path))

    async def delete_own(self, session_ids: Iterable[str]) -> None:
        """Delete the own directories of sessions that are no more, as far as that goes."""
        await self._run(lambda: self._delete(session_ids))

    # -- on a thread -----------------------------------------------------------------------------------------------------

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _check(self, asked: str) -> Path:
        if not os.path.isabs(asked):
            raise _refused(asked, "is not an absolute path", "name it from the root on, beginning with /")
        try:
            path = Path(os.path.realpath(asked, strict=True))
            mode = path.stat().st_mode
        except FileNotFoundError:
            raise _refused(asked, "does not exist", "make it first, or name another directory") from None
        except (OSError, ValueError) as error:
            words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise _refused(asked, f"cannot be looked at ({words})", "name another directory") from error
        if not stat.S_ISDIR(mode):
            raise _refused(asked, "is not a directory", "name the directory that it lies in")
        if path == Path("/"):
            raise _refused(asked, "is the root of the whole system", "name a directory of yours")
        if not os.access(path, os.R_OK | os.X_OK):
            raise _refused(asked, "cannot be read by you", "change its permissions, or name another directory")
        for place in (self._home.root, self._home.run, self._home.data):
            if path == place or place in path.parents:
                raise _refused(asked, f"lies in {place}, where Stigmer keeps its own state", "name another directory")
        return path

    def _make_ready(self, workspace: Workspace) -> None:
        if workspace.is_own:
            workspace.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            workspace.path.mkdir(mode=0o700, exist_ok=True)
        elif not workspace.path.is_dir():
            raise FailedPrecondition(
                f"the workspace {quoted(str(workspace.path))} is gone",
                remedy="put it back, or start a new session in another directory",
            )

    def _delete(self, session_ids: Iterable[str]) -> None:
        for session_id in session_ids:
            path = self.own(session_id).path
            for directory, names, _ in os.walk(path):
                for name in names:
                    inner = os.path.join(directory, name)
                    if not os.path.islink(inner):
                        os.chmod(inner, 0o700)
            shutil.rmtree(path, ignore_errors=True)


def _copy(source: Path, target: Path) -> None:
    """Files, directories and links; what is neither, such as a socket, is left out."""

    def neither(directory: str, names: list[str]) -> list[str]:
        modes = {name: os.lstat(os.path.join(directory, name)).st_mode for name in names}
        return [n for n, mode in modes.items() if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode))]

    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True, ignore=neither)
        else:
            target.mkdir(mode=0o700)
    except (OSError, shutil.Error) as error:
        shutil.rmtree(target, ignore_errors=True)
        words = str(error)[:400]
        raise FailedPrecondition(
            f"the workspace {quoted(str(source))} cannot be copied: {words}",
            remedy="make room, or make its files readable",
        ) from error


def _remove_empty(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.rmdir()


def _refused(asked: str, what: str, remedy: str) -> InvalidArgument:
    return InvalidArgument(
        f"the workspace {quoted(asked)} {what}",
        remedy=remedy,
        violations=[FieldViolation(FIELD, "stigmer.workspace", what)],
    )
