"""The archives of skills: files below the home's data, named by their hash, checked before they are kept.

An archive is written and synced beside its place, checked by a program of its own that may be killed, and renamed into place before the
record that names it is stored. In the store itself it would go through the journal of every transaction around it, up to 100 MB at once.
"""

import asyncio
import hashlib
import json
import logging
import os
import secrets
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

from stigmer_apis.errors import DataLoss, FieldViolation, InvalidArgument, NotFound
from stigmer_backend.resources import skill_archive
from stigmer_backend.resources.skill_versions import VERSIONS
from stigmer_backend.store import Store

CHECK_SECONDS = 60.0
"""How long a check may take."""

_MODE = 0o600
_FOLDER_MODE = 0o700
_SUFFIX = ".zip"
_INCOMING = "incoming"
_log = logging.getLogger(__name__)


class SkillArchives:
    """Keeps archives. One is checked at a time."""

    def __init__(self, folder: Path, store: Store, *, check_seconds: float = CHECK_SECONDS) -> None:
        """Keep them below `folder`, which is made when it is needed."""
        self._folder = folder
        self._store = store
        self._seconds = check_seconds
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def keeping(self, archive: bytes) -> AsyncGenerator[tuple[str, str]]:
        """Check `archive` and keep it; gives its hash and the text of its SKILL.md.

        The record that names it is stored inside the block: until then nobody removes it. Raises `InvalidArgument`, and `OSError` where
        it cannot be written.
        """
        async with self.keeping_many([lambda: archive]) as kept:
            yield next(iter(kept.items()))

    @asynccontextmanager
    async def keeping_many(self, archives: Sequence[Callable[[], bytes]]) -> AsyncGenerator[dict[str, str]]:
        """The same for several, each read when it is its turn: gives the text of the SKILL.md of each by its hash, in their order."""
        async with self._lock:
            kept: dict[str, str] = {}
            try:
                for archive in archives:
                    digest, skill_md = await self._take(await asyncio.to_thread(archive))
                    kept[digest] = skill_md
                yield kept
            except BaseException:
                await self._drop(list(kept))
                raise

    async def _take(self, archive: bytes) -> tuple[str, str]:
        """Check an archive and put it in its place."""
        if len(archive) > skill_archive.MAX_PACKED_BYTES:
            raise _refused(
                f"the archive has {len(archive)} bytes; at most {skill_archive.MAX_PACKED_BYTES} are taken",
                "leave large files out of the skill",
            )
        digest = await asyncio.to_thread(_digest, archive)
        incoming = self._folder / _INCOMING / secrets.token_hex(8)
        try:
            await asyncio.to_thread(_write, incoming, archive)
            skill_md = await self._checked(incoming)
            await asyncio.to_thread(_move, incoming, self._place(digest))
        finally:
            await asyncio.to_thread(incoming.unlink, missing_ok=True)
        return digest, skill_md

    async def read(self, digest: str) -> bytes:
        """The archive with this hash. Raises `NotFound`, and `DataLoss` where its bytes are not what was kept."""
        try:
            archive = await asyncio.to_thread(self._place(digest).read_bytes)
        except FileNotFoundError as error:
            raise NotFound("there is no such archive", remedy="take the key from the status of a skill") from error
        if await asyncio.to_thread(_digest, archive) != digest:
            raise DataLoss(
                f"the archive {digest} is damaged on disk", remedy="push the skill again: the same bytes mend it"
            )
        return archive

    async def remove_unused(self, digests: Sequence[str]) -> None:
        """Remove archives of deleted skills, but those that another skill has by now."""
        async with self._lock:
            await self._drop(digests)

    async def sweep(self) -> None:
        """Remove what a stop left over: archives that were being checked, and those that no record came to name."""
        async with self._lock:
            incoming, digests = await asyncio.to_thread(_left_over, self._folder)
            for path in incoming:
                await asyncio.to_thread(path.unlink, missing_ok=True)
            await self._drop(digests)

    async def _drop(self, digests: Sequence[str]) -> None:
        """Remove those that no version of a skill names. With the lock held."""
        for digest in digests:
            users = await self._store.read_state(lambda state, one=digest: state.count(VERSIONS, one))
            if not users:
                await asyncio.to_thread(self._place(digest).unlink, missing_ok=True)

    def _place(self, digest: str) -> Path:
        return self._folder / digest[:2] / f"{digest}{_SUFFIX}"

    async def _checked(self, path: Path) -> str:
        """The text of the archive's SKILL.md, by a program that knows nothing and may do little."""
        with path.open("rb") as file:
            child = await asyncio.create_subprocess_exec(
                sys.executable,
                "-I",
                "-S",
                skill_archive.__file__,
                stdin=file,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={},
                cwd="/",
            )
        try:
            async with asyncio.timeout(self._seconds):
                said, _ = await child.communicate()
        except TimeoutError as error:
            raise _refused(
                f"the archive could not be checked within {self._seconds:g} s", "make it smaller, or try again"
            ) from error
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
        if child.returncode != 0:
            _log.warning("the check of a skill's archive ended with %d", child.returncode)
            raise _refused("the archive could not be checked: it takes too long or too much memory", "make it smaller")
        told = cast("dict[str, str]", json.loads(said))
        if "error" in told:
            raise _refused(told["error"], told.get("remedy", ""))
        return told["skill_md"]


def _refused(message: str, remedy: str) -> InvalidArgument:
    return InvalidArgument(
        message, remedy=remedy, violations=[FieldViolation("artifact", "stigmer.skill.archive", message)]
    )


def _digest(archive: bytes) -> str:
    return hashlib.sha256(archive).hexdigest()


def _left_over(folder: Path) -> tuple[list[Path], list[str]]:
    """Archives that were being checked, and the hashes of all that are kept."""
    digests = [path.stem for path in folder.glob(f"[0-9a-f][0-9a-f]/*{_SUFFIX}")]
    return list((folder / _INCOMING).glob("*")), digests


def _write(path: Path, archive: bytes) -> None:
    """Write and sync a new file."""
    path.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(archive)
        file.flush()
        os.fsync(file.fileno())


def _move(path: Path, place: Path) -> None:
    """Put a synced file in its place, and sync the folders that name it, up to the home's data."""
    place.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    path.replace(place)
    for folder in place.parents[:4]:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
