"""An archive on its way into a store: checked first, all of it, then sent item by item."""

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from stigmer_apis._generated.stigmer.maintenance.v1.maintenance_service_pb2 import (
    ImportEvents,
    ImportFile,
    ImportItemEnd,
    ImportRequest,
    ImportResource,
    ImportResponse,
    ImportStart,
)
from stigmer_apis.client import Client
from stigmer_apis.client.imports import import_items
from stigmer_apis.errors import InvalidArgument, NotFound
from stigmer_tui.archives.layout import RUN, SKILL, file_path
from stigmer_tui.manifests.kinds import BY_NAME

_PIECE = 512 << 10


@dataclass(frozen=True, slots=True)
class Checked:
    """An item of an archive that was checked, whose pieces stand in a directory."""

    place: int
    kind: str
    id: str
    digest: str
    files: tuple[str, ...]


async def import_archive(
    client: Client, archive: Path, taken: str, *, dry_run: bool, tell: Callable[[ImportResponse], None]
) -> None:
    """Take `archive` into the server's store; `tell` what became of each item.

    Raises `NotFound` where there is no file, `InvalidArgument` for an archive that is not whole, with nothing imported, and what the server raises.
    """
    if not await asyncio.to_thread(archive.is_file):
        raise NotFound(
            f"there is no file {archive}", remedy="`stigmer export --all --format archive -o FILE` writes one"
        )
    with tempfile.TemporaryDirectory(prefix="stigmer-import-") as scratch:
        directory = Path(scratch)
        items = await _checked(archive, directory)
        for item in items:
            if item.kind == SKILL:
                tell(await _skill(client, directory, item, dry_run=dry_run))
        others = [item for item in items if item.kind != SKILL]
        async for answer in import_items(client, _requests(directory, others, taken, dry_run)):
            tell(answer)


async def _checked(archive: Path, directory: Path) -> list[Checked]:
    """Let the program that unpacks look at it. It ends with us."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "stigmer_tui.archives.unpacking",
        str(archive),
        str(directory),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        out, _ = await child.communicate()
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    try:
        said = cast("dict[str, Any]", json.loads(out))
    except ValueError as error:
        raise InvalidArgument(
            f"{archive.name} broke the program that reads it", remedy="do not trust it; nothing was imported"
        ) from error
    if "error" in said:
        raise InvalidArgument(f"{archive.name}: {said['error']}", remedy=str(said["remedy"]))
    return [
        Checked(place, str(kind), str(record_id), str(digest), tuple(map(str, files)))
        for place, (kind, record_id, digest, files) in enumerate(said["items"])
    ]


async def _requests(directory: Path, items: list[Checked], taken: str, dry_run: bool) -> AsyncGenerator[ImportRequest]:
    yield ImportRequest(start=ImportStart(taken=taken, dry_run=dry_run))
    for item in items:
        message = (directory / f"{item.place}.pb").read_bytes()
        resource = ImportResource(kind=item.kind, resource=message, events_digest=bytes.fromhex(item.digest))
        yield ImportRequest(resource=resource)
        if item.kind != RUN:
            continue
        first = 1
        with (directory / f"{item.place}.events").open("rb") as body:
            for line in (directory / f"{item.place}.parts").read_text().splitlines():
                _, size, count = map(int, line.split())
                yield ImportRequest(events=ImportEvents(first_seq=first, count=count, body=body.read(size)))
                first += count
        if not dry_run:
            for digest in item.files:
                with (directory / file_path(digest).replace("/", "!")).open("rb") as file:
                    sent = False
                    while (piece := file.read(_PIECE)) or not sent:
                        yield ImportRequest(file=ImportFile(digest=digest, data=piece))
                        sent = True
        yield ImportRequest(end=ImportItemEnd())


async def _skill(client: Client, directory: Path, item: Checked, *, dry_run: bool) -> ImportResponse:
    """A skill is pushed, as by hand: the server looks into its ZIP again. Another one of that name stays as it is."""
    from stigmer_apis._generated.ai.stigmer.agentic.skill.v1.skill_pb2 import Skill

    skill = Skill.FromString((directory / f"{item.place}.pb").read_bytes())
    answer = ImportResponse(kind=SKILL, name=item.id, id=item.id, outcome="created")
    try:
        there = await client.skills.get(skill.metadata.slug)
    except NotFound:
        if not dry_run:
            data = (directory / file_path(item.files[0]).replace("/", "!")).read_bytes()
            made, _ = await client.skills.push(skill.metadata.slug, data, tag=skill.spec.tag)
            answer.id = made.metadata.id
        return answer
    answer.id = there.metadata.id
    same = there.status.version_hash == skill.status.version_hash
    answer.outcome = "same" if same else "skipped"
    answer.detail = "" if same else f"the {BY_NAME[SKILL].words} {skill.metadata.slug} is there in another version"
    return answer
