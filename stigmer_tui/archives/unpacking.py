"""`python -m stigmer_tui.archives.unpacking FILE DIR`: reads an archive that anybody may have made, all of it, and changes nothing but DIR.

A program of its own, so that whatever a bad archive does to it ends here: it has limits of memory, time and open files, and may be killed. On standard
output comes one JSON object: `{"items": [...]}`, in the order in which they are to be taken, or `{"error", "remedy"}`. In DIR stand then, for the item number
N, `N.pb` (its message), `N.more` (what belongs to it: `Belonging`s, each behind its length), `N.events` (its events), `N.parts` (lines of offset, bytes and count,
each a piece to send), and files by their SHA-256.
"""

import json
import os
import resource
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, cast

from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import DecodeError

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import EventBatch
from stigmer_apis._generated.stigmer.maintenance.v1.maintenance_service_pb2 import Belonging
from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import Resource
from stigmer_tui.archives.layout import (
    FORMAT,
    INDEX,
    INDEX_LIMIT,
    LENGTH,
    MEMBER,
    ORDER,
    RUNS,
    Item,
    file_path,
    run_path,
)
from stigmer_tui.manifests.kinds import BY_NAME

_READ = 1 << 20
_PIECE = 1 << 20
"""Bytes of events in one part, about."""
_EVENT_LIMIT = 15 << 20
"""Of one event: what a message on the wire takes."""
_MEMBERS = 1_000_000
_MEMORY = 4 << 30
_CPU_SECONDS = 1800
_FILES = 64
_TAG = 0x0A
"""Field 1, a length and bytes: an event of a batch."""


class Refused(Exception):
    """The archive is none, or is not whole. Its text says why; `remedy` what to do."""

    def __init__(self, message: str, remedy: str = "export it again; nothing was imported") -> None:
        super().__init__(message)
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Member:
    """A member as it was unpacked."""

    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class Unpacked:
    """An item that was checked."""

    item: Item
    name: str
    """What people call it; its id where it has no other name."""


def unpack(archive: Path, directory: Path, room: int) -> list[Unpacked]:
    """Unpack `archive` to `directory`, at most `room` bytes, check all of it, and make what is sent of it. Raises `Refused`."""
    try:
        with archive.open("rb") as file:
            members = _members(file, directory, room)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise Refused(f"{archive.name} cannot be read to its end: {error}") from error
    except Exception as error:  # zlib's errors have no common name with the others.
        if type(error).__module__ != "zlib":
            raise
        raise Refused(f"{archive.name} is damaged: {error}") from error
    items = _index(directory, members)
    ordered = sorted(items, key=lambda item: ORDER.index(item.kind))
    return [Unpacked(item, _prepare(directory, place, item)) for place, item in enumerate(ordered)]


def _members(file: IO[bytes], directory: Path, room: int) -> dict[str, Member]:
    found: dict[str, Member] = {}
    with tarfile.open(fileobj=file, mode="r|gz") as tar:
        for member in tar:
            if not member.isreg() or not MEMBER.fullmatch(member.name):
                raise Refused(
                    f"it has a member {member.name[:200]!r}, which no archive of ours has",
                    "somebody else made it: do not trust it",
                )
            if member.name in found:
                raise Refused(f"it has {member.name!r} twice", "somebody changed it: do not trust it")
            room -= member.size
            if room < 0 or len(found) >= _MEMBERS:
                raise Refused(
                    "it unpacks to more than the disk has room for",
                    "free some space, or name another temporary directory in TMPDIR",
                )
            content = tar.extractfile(member)
            if content is None:
                raise Refused(f"{member.name} has no content")
            found[member.name] = _copy(content, directory / _flat(member.name))
    return found


def _copy(content: IO[bytes], target: Path) -> Member:
    digest, size = sha256(), 0
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as copy:
        while piece := content.read(_READ):
            digest.update(piece)
            size += len(piece)
            copy.write(piece)
    return Member(size, digest.hexdigest())


def _flat(name: str) -> str:
    return name.replace("/", "!")


def _index(directory: Path, members: dict[str, Member]) -> list[Item]:
    """What the index says, compared with what is there."""
    own = members.get(INDEX)
    if own is None:
        raise Refused(f"it has no {INDEX}: it is truncated, or no archive")
    if own.size > INDEX_LIMIT:
        raise Refused(f"its {INDEX} is too large")
    try:
        index = cast("dict[str, Any]", json.loads((directory / _flat(INDEX)).read_bytes()))
        number = index["format"]
        if not isinstance(number, int) or number > FORMAT:
            raise Refused(
                f"it has format {str(number)[:20]}, this version reads up to {FORMAT}",
                f"use Stigmer {str(index.get('needs'))[:20]} or newer",
            )
        told = {str(path): Member(int(size), str(digest)) for path, (size, digest) in index["members"].items()}
        items = [_item(cast("dict[str, Any]", entry)) for entry in index["items"]]
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise Refused(f"its {INDEX} is damaged") from error
    there = {path: member for path, member in members.items() if path != INDEX}
    for path in sorted(told.keys() | there.keys()):
        if told.get(path) != there.get(path):
            what = "is missing" if path not in there else "is not what was exported"
            raise Refused(f"{path[:200]} {what}: it is truncated or damaged")
    ids = [item.id for item in items]
    if len(set(ids)) != len(ids):
        raise Refused("it names a resource twice", "somebody changed it: do not trust it")
    for item in items:
        for path in (item.path, *map(file_path, item.files), *filter(None, (item.more,))):
            if path not in there:
                raise Refused(f"{path[:200]} is missing")
    return items


def _item(entry: dict[str, Any]) -> Item:
    item = Item(
        str(entry["kind"]),
        str(entry["id"]),
        str(entry["path"]),
        int(entry["events"]),
        str(entry["digest"]),
        tuple(str(digest) for digest in entry["files"]),
        str(entry.get("more", "")),
    )
    bytes.fromhex(item.digest)
    if item.kind not in ORDER:
        raise Refused(f"it holds a {item.kind[:40]!r}, which this version does not import", "use a newer Stigmer")
    return item


def _prepare(directory: Path, place: int, item: Item) -> str:
    """Make the message and the pieces of events of an item; its name."""
    try:
        given = json.loads((directory / _flat(item.path)).read_bytes())
        message = _message(item.kind)
        ParseDict(given, message)
    except (ValueError, ParseError, RecursionError, AttributeError, TypeError) as error:
        raise Refused(
            f"{item.path} is no {item.kind} of this version: {str(error)[:300]}",
            "use the Stigmer that exported it, or a newer one",
        ) from error
    if message.metadata.id != item.id:
        raise Refused(f"{item.path} is not the {item.kind} that the archive says")
    (directory / f"{place}.pb").write_bytes(message.SerializeToString())
    if item.more:
        _belongings(directory, place, item)
    if item.kind in RUNS:
        _events(directory, place, item)
    return str(message.metadata.slug or item.id)


def _belongings(directory: Path, place: int, item: Item) -> None:
    """Make the messages of what belongs to an item."""
    with (directory / _flat(item.more)).open("rb") as lines, (directory / f"{place}.more").open("wb") as more:
        for line in lines:
            belonging = Belonging()
            try:
                ParseDict(json.loads(line), belonging)
            except (ValueError, ParseError, RecursionError, AttributeError, TypeError) as error:
                raise Refused(
                    f"{item.more} says what this version does not know: {str(error)[:300]}",
                    "use the Stigmer that exported it, or a newer one",
                ) from error
            data = belonging.SerializeToString()
            more.write(LENGTH.pack(len(data)) + data)


def _message(kind: str) -> Any:
    return getattr(Resource(), BY_NAME[kind].field)


def _events(directory: Path, place: int, item: Item) -> None:
    source = directory / _flat(run_path(item.id, "events.bin"))
    if not source.exists():
        raise Refused(f"the events of {item.id} are missing")
    digest, total = sha256(), 0
    with source.open("rb") as body, (directory / f"{place}.parts").open("w") as parts:
        offset = begun = count = 0
        for data in _split(body, item.id):
            event = data[1]
            digest.update(LENGTH.pack(len(event)) + event)
            if count and offset + data[0] - begun > _PIECE:
                parts.write(f"{begun} {offset - begun} {count}\n")
                begun, count = offset, 0
            offset += data[0]
            count += 1
            total += 1
        if count:
            parts.write(f"{begun} {offset - begun} {count}\n")
    if total != item.events or digest.hexdigest() != item.digest or not total:
        raise Refused(f"the events of {item.id} are not those that were exported")
    source.rename(directory / f"{place}.events")


def _split(body: IO[bytes], run_id: str) -> Iterator[tuple[int, bytes]]:
    """Each event: how many bytes it takes in the batch, and its own in deterministic order."""
    while tag := body.read(1):
        size, shift, head = 0, 0, 1
        while True:
            byte = body.read(1)
            if tag[0] != _TAG or not byte or shift > 28:
                raise Refused(f"the events of {run_id} are damaged")
            size |= (byte[0] & 0x7F) << shift
            shift += 7
            head += 1
            if byte[0] < 0x80:
                break
        data = body.read(size) if size <= _EVENT_LIMIT else b""
        if len(data) != size:
            raise Refused(f"the events of {run_id} are damaged")
        try:
            (event,) = EventBatch.FromString(b"\x0a" + _varint(size) + data).events
        except (DecodeError, ValueError) as error:
            raise Refused(f"the events of {run_id} are damaged") from error
        yield head + size, event.SerializeToString(deterministic=True)


def _varint(number: int) -> bytes:
    found = bytearray()
    while number >= 0x80:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


def _limit() -> None:
    """What this program may take. A limit that is lower already stays."""
    for what, most in (
        (resource.RLIMIT_AS, _MEMORY),
        (resource.RLIMIT_CPU, _CPU_SECONDS),
        (resource.RLIMIT_NOFILE, _FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (bound, bound))


def _say(what: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")


def main(arguments: list[str]) -> int:
    """Do it, and say what came of it."""
    archive, directory = Path(arguments[0]), Path(arguments[1])
    _limit()
    space = os.statvfs(directory)
    try:
        items = unpack(archive, directory, space.f_bavail * space.f_frsize * 9 // 10)
    except Refused as refused:
        _say({"error": str(refused), "remedy": refused.remedy})
        return 1
    except MemoryError:
        _say({"error": "it takes more memory than an archive may", "remedy": "do not trust it"})
        return 1
    _say(
        {
            "items": [
                [each.item.kind, each.item.id, each.item.digest, list(each.item.files), each.name] for each in items
            ]
        }
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
