"""An archive on its way into a store: checked first, all of it, then sent item by item."""

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from stigmer_apis._generated.stigmer.maintenance.v1.maintenance_service_pb2 import (
    Belonging,
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
from stigmer_tui.archives.layout import LENGTH, RUNS, SKILL, file_path

_PIECE = 512 << 10


@dataclass(frozen=True, slots=True)
class Checked:
    """An item of an archive that was checked, whose pieces stand in a directory."""

    place: int
    kind: str
    id: str
    digest: str
    files: tuple[str, ...]
    name: str
    """For people; its id where it has no other."""


async def import_archive(
    client: Client, archive: Path, taken: str, *, dry_run: bool, tell: Callable[[ImportResponse], None]
) -> None:
    """Take `archive` into the server's store; `tell` what became of each item, by its name.

    Raises `NotFound` where there is no file, `InvalidArgument` for an archive that is not whole, with nothing imported, and what the server raises.
    """
    if not await asyncio.to_thread(archive.is_file):
        raise NotFound(
            f"there is no file {archive}", remedy="`stigmer export --all --format archive -o FILE` writes one"
        )
    with tempfile.TemporaryDirectory(prefix="stigmer-import-") as scratch:
        directory = Path(scratch)
        items = await _checked(archive, directory)
        names = {item.id: item.name for item in items}
        async for answer in import_items(client, _requests(directory, items, taken, dry_run)):
            answer.name = names.get(answer.name, answer.name)
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
        Checked(place, str(kind), str(record_id), str(digest), tuple(map(str, files)), str(name))
        for place, (kind, record_id, digest, files, name) in enumerate(said["items"])
    ]


async def _requests(directory: Path, items: list[Checked], taken: str, dry_run: bool) -> AsyncGenerator[ImportRequest]:
    yield ImportRequest(start=ImportStart(taken=taken, dry_run=dry_run))
    for item in items:
        for belonging in _belongings(directory, item):
            yield belonging
        message = (directory / f"{item.place}.pb").read_bytes()
        resource = ImportResource(kind=item.kind, resource=message, events_digest=bytes.fromhex(item.digest))
        yield ImportRequest(resource=resource)
        if item.kind not in (*RUNS, SKILL):
            continue
        if item.kind in RUNS:
            for part in _events(directory, item):
                yield part
        if not dry_run:
            for digest in item.files:
                with (directory / file_path(digest).replace("/", "!")).open("rb") as file:
                    sent = False
                    while (piece := file.read(_PIECE)) or not sent:
                        yield ImportRequest(file=ImportFile(digest=digest, data=piece))
                        sent = True
        yield ImportRequest(end=ImportItemEnd())


def _events(directory: Path, item: Checked) -> Iterator[ImportRequest]:
    first = 1
    with (directory / f"{item.place}.events").open("rb") as body:
        for line in (directory / f"{item.place}.parts").read_text().splitlines():
            _, size, count = map(int, line.split())
            yield ImportRequest(events=ImportEvents(first_seq=first, count=count, body=body.read(size)))
            first += count


def _belongings(directory: Path, item: Checked) -> Iterator[ImportRequest]:
    place = directory / f"{item.place}.more"
    if not place.exists():
        return
    with place.open("rb") as more:
        while head := more.read(LENGTH.size):
            (size,) = LENGTH.unpack(head)
            yield ImportRequest(belonging=Belonging.FromString(more.read(size)))
