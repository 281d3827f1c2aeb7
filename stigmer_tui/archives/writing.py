"""Puts an archive together, member by member. What is large waits in a temporary file until its size is known."""

import io
import json
import tarfile
import tempfile
import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from hashlib import sha256
from typing import IO, BinaryIO

from google.protobuf.json_format import MessageToDict, MessageToJson
from google.protobuf.message import Message

from stigmer_apis import __version__
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event, EventBatch
from stigmer_tui.archives.layout import (
    FORMAT,
    INDEX,
    LEFT_OUT,
    LENGTH,
    NEEDS,
    Item,
    file_path,
    more_path,
    resource_path,
    run_path,
)

_COPY = 1 << 20
_SPOOL = 8 << 20
_MODE = 0o600


@contextmanager
def written_archive(file: BinaryIO) -> Generator["ArchiveWriter"]:
    """An archive that is written to `file`, whole at the end of the block."""
    with tarfile.open(fileobj=file, mode="w|gz", format=tarfile.PAX_FORMAT) as tar:
        archive = ArchiveWriter(tar)
        yield archive
        archive.finish()


class ArchiveWriter:
    """One archive being written. Use `written_archive`: without its index it is none."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._items: list[Item] = []
        self._members: dict[str, tuple[int, str]] = {}
        self._left_out: list[str] = [*LEFT_OUT]
        self._made = int(time.time())

    def has_file(self, digest: str) -> bool:
        """Whether the bytes with this SHA-256 are in it."""
        return file_path(digest) in self._members

    def add_file(self, data: Iterable[bytes], digest: str) -> None:
        """Bytes that something else names."""
        with tempfile.SpooledTemporaryFile(_SPOOL) as spool:
            for piece in data:
                spool.write(piece)
            self._add(file_path(digest), spool)

    def add_resource(
        self,
        kind: str,
        resource: Message,
        record_id: str,
        files: tuple[str, ...] = (),
        belongings: Sequence[Message] = (),
    ) -> None:
        """A resource, and what belongs to it beside its message; its files first."""
        path = resource_path(kind, record_id)
        self._add_text(path, MessageToJson(resource, indent=2))
        self._items.append(Item(kind, record_id, path, files=files, more=self.add_more(kind, record_id, belongings)))

    @contextmanager
    def run(self, kind: str, run: Message, run_id: str, belongings: Sequence[Message] = ()) -> Generator["RunWriter"]:
        """A run, whose events are taken in the block. One at a time."""
        with tempfile.SpooledTemporaryFile(_SPOOL) as lines, tempfile.SpooledTemporaryFile(_SPOOL) as body:
            yield RunWriter(self, kind, run, run_id, lines, body, belongings)

    def leave_out(self, what: str) -> None:
        """Say in the archive that something is not in it."""
        self._left_out.append(what)

    def finish(self) -> None:
        """Write the index."""
        index = {
            "format": FORMAT,
            "needs": NEEDS,
            "version": __version__,
            "made_unix": self._made,
            "left_out": self._left_out,
            "items": [asdict(item) for item in self._items],
            "members": self._members,
        }
        self._add_text(INDEX, json.dumps(index, indent=1))

    def add_run(self, item: Item, run: Message, lines: IO[bytes], body: IO[bytes]) -> None:
        """A run whose events are there; `RunWriter` calls it."""
        self._add_text(item.path, MessageToJson(run, indent=2))
        self._add(run_path(item.id, "events.jsonl"), lines)
        self._add(run_path(item.id, "events.bin"), body)
        self._items.append(item)

    def add_more(self, kind: str, record_id: str, belongings: Sequence[Message]) -> str:
        """What else belongs to an item, and its path; "" where nothing does."""
        if not belongings:
            return ""
        path = more_path(kind, record_id)
        self._add_text(path, "\n".join(json.dumps(MessageToDict(each)) for each in belongings))
        return path

    def _add_text(self, path: str, text: str) -> None:
        self._add(path, io.BytesIO(text.encode("utf-8", "replace") + b"\n"))

    def _add(self, path: str, content: IO[bytes]) -> None:
        size = content.seek(0, io.SEEK_END)
        content.seek(0)
        digest = sha256()
        while piece := content.read(_COPY):
            digest.update(piece)
        content.seek(0)
        member = tarfile.TarInfo(path)
        member.size, member.mode, member.mtime = size, _MODE, self._made
        self._tar.addfile(member, content)
        if path != INDEX:
            self._members[path] = size, digest.hexdigest()


class RunWriter:
    """The events of one run, on their way into an archive."""

    def __init__(
        self,
        archive: ArchiveWriter,
        kind: str,
        run: Message,
        run_id: str,
        lines: IO[bytes],
        body: IO[bytes],
        belongings: Sequence[Message],
    ) -> None:
        self._archive = archive
        self._kind = kind
        self._belongings = belongings
        self._run = run
        self._id = run_id
        self._lines = lines
        self._body = body
        self._digest = sha256()
        self._count = 0
        self.files: dict[str, str] = {}
        """SHA-256 of the files that its events name, each with the id by which to ask for it."""

    def take(self, events: Iterable[Event]) -> None:
        """The next events."""
        for event in events:
            self._count += 1
            self._lines.write(json.dumps({"seq": self._count, **MessageToDict(event)}).encode() + b"\n")
            self._body.write(EventBatch(events=[event]).SerializeToString())
            data = event.SerializeToString(deterministic=True)
            self._digest.update(LENGTH.pack(len(data)) + data)
            if event.WhichOneof("body") == "artifact_added":
                self.files[event.artifact_added.hash] = event.artifact_added.artifact_id

    def finish(self) -> None:
        """Put it into the archive; its files first."""
        more = self._archive.add_more(self._kind, self._id, self._belongings)
        files = tuple(digest for digest in self.files if self._archive.has_file(digest))
        path = run_path(self._id, "run.json")
        item = Item(self._kind, self._id, path, self._count, self._digest.hexdigest(), files, more)
        self._archive.add_run(item, self._run, self._lines, self._body)
