"""The /tmp of a session: what one line leaves there, the next one finds. Kept below the home, gone after a week unused."""

import asyncio
import logging
import os
import re
import shutil
import time
from pathlib import Path

from stigmer_runner.errors import ShellStateBroken

KEPT_SECONDS = 7 * 24 * 3600
"""A directory that no line used for so long is removed when a runner starts."""

_SESSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")
_logger = logging.getLogger(__name__)


class Scratch:
    """The directories, one a session, below `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def of_session(self, session_id: str) -> Path:
        """The session's directory, made where it is not there. Raises `ShellStateBroken` where it cannot be."""
        if not _SESSION.match(session_id):
            raise ShellStateBroken(f"{session_id!r} is no name of a session")
        return await asyncio.to_thread(_make, self._root / session_id)

    async def remove_old(self, now: float | None = None) -> None:
        """Remove what was not used for a week; `now` is in seconds since 1970."""
        await asyncio.to_thread(_remove_old, self._root, (time.time() if now is None else now) - KEPT_SECONDS)


def _make(path: Path) -> Path:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.utime(path)
    except OSError as error:
        raise ShellStateBroken(f"cannot make {path} for temporary files: {error.strerror}") from error
    return path


def _remove_old(root: Path, before: float) -> None:
    try:
        found = [entry for entry in os.scandir(root) if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return
    for entry in found:
        if entry.stat(follow_symlinks=False).st_mtime < before:
            _logger.info("removing temporary files of session %s", entry.name)
            shutil.rmtree(entry.path, ignore_errors=True)
