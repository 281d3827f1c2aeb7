"""The unpacked skills of a home: one directory a version, made when it is first wanted.

Below the root, `<the first 16 digits of the hash>/<name>/` holds the files, and `<the same>/<name>.json` beside it says that they are whole,
of which hash they are, and what their front matter said.
"""

import asyncio
import hashlib
import json
import logging
import os
import secrets
import shutil
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

from stigmer_apis.skill_form import MAX_PACKED_BYTES, is_name
from stigmer_runner.errors import RunnerError
from stigmer_runner.tools.interface import ToolError
from stigmer_runner.tools.killable import ask_child

UNPACK_SECONDS = 60.0
KEPT_SECONDS = 30 * 24 * 3600
"""What no execution wanted for so long is removed when another is unpacked."""

_INCOMING = "incoming"
_SHOWN = 200
"""How many files of a skill are named to a model."""
_logger = logging.getLogger(__name__)


class SkillUnfit(RunnerError):
    """A skill cannot be unpacked. The message is for a person: which, why, what to do."""


@dataclass(frozen=True)
class UnpackedSkill:
    """A skill whose files are there."""

    name: str
    """As agents and people refer to it."""
    digest: str
    folder: Path
    description: str
    allowed_tools: str
    """What it would like to be allowed; allows nothing."""
    problems: tuple[str, ...]
    files: tuple[str, ...]
    """Paths below the folder, at most `_SHOWN`."""
    total_files: int


class Shelf:
    """Unpacks skills below `root`, one at a time."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = asyncio.Lock()

    async def skill(self, name: str, digest: str, fetch: Callable[[], Awaitable[bytes]]) -> UnpackedSkill:
        """The skill `name` in the version `digest`; `fetch` gets its archive where it was not unpacked before.

        Raises `SkillUnfit`, and what `fetch` raises.
        """
        if not is_name(name):
            raise SkillUnfit(
                f"the skill {name[:80]!r} has a name that no folder of a skill can have: 1 to 64 of a-z and 0-9, with single "
                "hyphens between them. Push it again under another one, and name that in the agent"
            )
        async with self._lock:
            try:
                known = await asyncio.to_thread(self._known, name, digest)
                return known or await self._unpack(name, digest, await fetch())
            except OSError as error:
                raise SkillUnfit(f"the skill {name} cannot be kept below {self._root}: {error.strerror}") from error

    async def _unpack(self, name: str, digest: str, archive: bytes) -> UnpackedSkill:
        if len(archive) > MAX_PACKED_BYTES or await asyncio.to_thread(_digest, archive) != digest:
            raise SkillUnfit(f"the archive of the skill {name} is not what was pushed: push it again")
        incoming = self._root / _INCOMING / secrets.token_hex(8)
        try:
            descriptor = await asyncio.to_thread(_prepare, incoming, archive)
            try:
                answer = await ask_child(
                    "stigmer_runner.skills.unpacking",
                    {"fd": descriptor, "folder": str(incoming), "name": name},
                    f"unpacking the skill {name}",
                    seconds=UNPACK_SECONDS,
                    descriptors=(descriptor,),
                )
            finally:
                os.close(descriptor)
            if "error" in answer:
                raise SkillUnfit(
                    f"the archive of the skill {name} is refused: {answer['error']}. Pack it again, and push it"
                )
            return await asyncio.to_thread(self._keep, name, digest, incoming, answer)
        except ToolError as error:
            raise SkillUnfit(f"the skill {name} cannot be used: {error}") from error
        finally:
            await asyncio.to_thread(shutil.rmtree, incoming, ignore_errors=True)

    def _keep(self, name: str, digest: str, incoming: Path, answer: Mapping[str, object]) -> UnpackedSkill:
        """Put what was unpacked in its place, then say that it is there."""
        folder, note = self._places(name, digest)
        files = sorted(cast("list[str]", answer["files"]))
        problems = [*cast("list[str]", answer["problems"]), *_about_links(cast("list[str]", answer["links"]))]
        made = UnpackedSkill(
            name=name,
            digest=digest,
            folder=folder,
            description=str(answer["description"]),
            allowed_tools=str(answer["allowed_tools"]),
            problems=tuple(problems),
            files=tuple(files[:_SHOWN]),
            total_files=len(files),
        )
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        note.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        incoming.rename(folder)
        fresh = incoming.with_suffix(".json")
        fresh.write_text(json.dumps({**asdict(made), "folder": ""}))
        fresh.rename(note)
        self._remove_old()
        return made

    def _known(self, name: str, digest: str) -> UnpackedSkill | None:
        folder, note = self._places(name, digest)
        try:
            said = cast("dict[str, object]", json.loads(note.read_text()))
            os.utime(note)
            if said["digest"] != digest or not folder.is_dir():
                return None
            return UnpackedSkill(
                name=name,
                digest=digest,
                folder=folder,
                description=str(said["description"]),
                allowed_tools=str(said["allowed_tools"]),
                problems=tuple(cast("list[str]", said["problems"])),
                files=tuple(cast("list[str]", said["files"])),
                total_files=cast(int, said["total_files"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _places(self, name: str, digest: str) -> tuple[Path, Path]:
        version = self._root / digest[:16]
        return version / name, version / f"{name}.json"

    def _remove_old(self) -> None:
        before = time.time() - KEPT_SECONDS
        for note in self._root.glob("*/*.json"):
            if note.stat().st_mtime < before:
                _logger.info("removing the skill %s, which nobody wanted for a month", note.stem)
                note.unlink(missing_ok=True)
                shutil.rmtree(note.with_suffix(""), ignore_errors=True)


def _prepare(incoming: Path, archive: bytes) -> int:
    """An empty directory, and the archive as a file in memory."""
    incoming.mkdir(mode=0o700, parents=True)
    descriptor = os.memfd_create("skill")
    view = memoryview(archive)
    while view:
        view = view[os.write(descriptor, view) :]
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _about_links(links: list[str]) -> list[str]:
    if not links:
        return []
    return [
        f"links are not unpacked, and {len(links)} were left out ({', '.join(links[:3])}): pack the files themselves"
    ]


def _digest(archive: bytes) -> str:
    return hashlib.sha256(archive).hexdigest()
