"""Takes files of runs in, within limits, and gives them out again."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from stigmer_apis._generated.stigmer.execution.v1.artifact_service_pb2 import Artifact
from stigmer_apis.errors import InvalidArgument, NotFound, ResourceExhausted
from stigmer_apis.ids import Prefix
from stigmer_apis.protocol import MAX_ARTIFACT_BYTES
from stigmer_backend.artifacts.files import Incoming, left_over, pieces, remove
from stigmer_backend.artifacts.records import artifacts_of, find_artifact, forget_artifact, put_artifact, users_of
from stigmer_backend.executions.tasks import Tasks
from stigmer_backend.resources.catalogue import NewId
from stigmer_backend.resources.lookup import storable
from stigmer_backend.resources.text import quoted, refused_character
from stigmer_backend.store import StateWrite, Store

T = TypeVar("T")

MOST_FILES = 200
"""Files that one execution may hand over."""
MOST_BYTES = 1024 * 1024 * 1024
"""Bytes of all files of one execution."""
LONGEST_NAME = 255
"""Bytes of a name in UTF-8: what file systems take."""

_MEDIA_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}")
PLAIN_BYTES = "application/octet-stream"
"""The media type of a file about which nobody says more."""


@dataclass(frozen=True, slots=True)
class ArtifactLimits:
    """How much is kept."""

    file_bytes: int = MAX_ARTIFACT_BYTES
    files: int = MOST_FILES
    bytes: int = MOST_BYTES


class Artifacts:
    """Keeps files of executions below `folder`, which is made when it is needed."""

    def __init__(
        self,
        folder: Path,
        store: Store,
        tasks: Tasks,
        new_id: NewId,
        micros: Callable[[], int],
        limits: ArtifactLimits | None = None,
    ) -> None:
        self._folder = folder
        self._store = store
        self._tasks = tasks
        self._new = new_id
        self._micros = micros
        self._limits = limits or ArtifactLimits()
        self._lock = asyncio.Lock()
        """Held while bytes get or lose their name: a file is not removed between its place and its record."""

    async def keep(
        self, about: Artifact, data: AsyncIterator[bytes], tell: Callable[[Artifact], Awaitable[None]]
    ) -> Artifact:
        """Keep a file; `about` says whose it is, its name, media type and call. Returns its record.

        The same bytes of the same name from the same execution are the same record. `tell` makes it known once it is kept; where that
        raises, it is not kept. Once all bytes have come it is carried out even when the caller is cancelled. Raises what `tell` raises,
        `InvalidArgument` for a name or size that is not taken, `ResourceExhausted` past the limits of the execution and on a full disk.
        """
        about.name, about.media_type = checked_name(about.name), _checked_media_type(about.media_type)
        await self._store.read_state(lambda state: self._check_room(artifacts_of(state, about.execution_id), 0))
        incoming = Incoming(self._folder)
        try:
            await self._receive(incoming, about.name, data)
        except BaseException:
            await asyncio.shield(asyncio.to_thread(incoming.discard))
            raise
        kept = self._tasks.result(self._commit(incoming, about, tell), f"keep a file of {about.execution_id}")
        return await asyncio.shield(kept)

    def incoming(self) -> Incoming:
        """A file that is taken in without a run's word for it, such as from an archive. `open` it, and `discard` it in the end."""
        return Incoming(self._folder)

    async def place(self, files: Mapping[str, Incoming], commit: Callable[[StateWrite], T]) -> T:
        """Give files their names, by their hashes, which `sync` returned, and carry out `commit`, which records them."""
        async with self._lock:
            for digest, incoming in files.items():
                await asyncio.to_thread(incoming.place, digest)
            return await self._store.write(commit)

    async def _receive(self, incoming: Incoming, name: str, data: AsyncIterator[bytes]) -> None:
        await asyncio.to_thread(incoming.open)
        async for piece in data:
            if incoming.size + len(piece) > self._limits.file_bytes:
                raise InvalidArgument(
                    f"the file {quoted(name)} has more than {self._limits.file_bytes:,} bytes, which is the most for one file",
                    remedy="hand over a part of it, or pack it",
                )
            await asyncio.to_thread(incoming.write, piece)

    async def _commit(
        self, incoming: Incoming, about: Artifact, tell: Callable[[Artifact], Awaitable[None]]
    ) -> Artifact:
        """Bytes, record, word of it: in this order, so that what is told of is there."""
        try:
            digest = await asyncio.to_thread(incoming.sync)
            artifact = Artifact(
                artifact_id=self._new(Prefix.ARTIFACT),
                size=incoming.size,
                hash=digest,
                created_unix_micros=self._micros(),
            )
            artifact.MergeFrom(about)
            async with self._lock:
                await asyncio.to_thread(incoming.place, digest)
                try:
                    kept = await self._store.write(lambda state: self._record(state, artifact))
                    await self._tell(kept, tell, is_new=kept.artifact_id == artifact.artifact_id)
                except Exception:
                    await self._drop([digest])
                    raise
                return kept
        finally:
            await asyncio.to_thread(incoming.discard)

    async def _tell(self, kept: Artifact, tell: Callable[[Artifact], Awaitable[None]], *, is_new: bool) -> None:
        try:
            await tell(kept)
        except Exception:
            if is_new:
                await self._store.write(lambda state: forget_artifact(state, kept.artifact_id))
            raise

    async def find(self, artifact_id: str) -> Artifact:
        """What is known of a file. Raises `NotFound`."""
        found = None
        if storable(artifact_id):
            found = await self._store.read_state(lambda state: find_artifact(state, artifact_id))
        if found is None:
            raise NotFound(
                f"there is no file {quoted(artifact_id)}",
                remedy="`stigmer artifact list` shows those that there are; they go with their run",
            )
        return found

    async def read(self, artifact: Artifact) -> AsyncGenerator[bytes]:
        """Its bytes. Raises `NotFound`, and `DataLoss` at the end where they are not what was kept."""
        source = pieces(self._folder, artifact.hash, artifact.size)
        try:
            while (piece := await asyncio.to_thread(next, source, None)) is not None:
                yield piece
        finally:
            source.close()

    async def remove_unused(self, digests: Sequence[str]) -> None:
        """Remove the bytes of deleted files, but those that another record names."""
        async with self._lock:
            await self._drop(digests)

    async def sweep(self) -> None:
        """Remove what a stop left over: files that were being taken in, and those that no record came to name."""
        async with self._lock:
            await self._drop(await asyncio.to_thread(lambda: list(left_over(self._folder))))

    async def _drop(self, digests: Sequence[str]) -> None:
        """Remove those that no record names. With the lock held."""
        for digest in digests:
            if not await self._store.read_state(lambda state, one=digest: users_of(state, one)):
                await asyncio.to_thread(remove, self._folder, digest)

    def _record(self, state: StateWrite, artifact: Artifact) -> Artifact:
        kept = artifacts_of(state, artifact.execution_id)
        for one in kept:
            if (one.name, one.hash) == (artifact.name, artifact.hash):
                return one
        self._check_room(kept, artifact.size)
        put_artifact(state, artifact)
        return artifact

    def _check_room(self, kept: Sequence[Artifact], size: int) -> None:
        """Raise `ResourceExhausted` where an execution has handed over as much as it may."""
        if len(kept) >= self._limits.files:
            raise ResourceExhausted(
                f"this run has handed over {len(kept)} files, which is the most",
                remedy="pack several files into one archive, in another run",
            )
        total = sum(one.size for one in kept) + size
        if total > self._limits.bytes:
            raise ResourceExhausted(
                f"with this file the run would have handed over {total:,} bytes, and {self._limits.bytes:,} is the most",
                remedy="hand over less, or leave the file in the workspace",
            )


def checked_name(name: str) -> str:
    """The last part of `name`, as a person may be shown it. Raises `InvalidArgument` where it is none."""
    last = name.replace("\\", "/").rpartition("/")[2].strip()
    if last in ("", ".", ".."):
        raise InvalidArgument(f"{quoted(name)} is no name of a file", remedy="name the file")
    bad = refused_character(last)
    if bad:
        raise InvalidArgument(
            f"the name {quoted(last)} holds the character {quoted(bad)}, which no name of a kept file may",
            remedy="give it another name",
        )
    if len(last.encode()) > LONGEST_NAME:
        raise InvalidArgument(
            f"the name {quoted(last)} has more than {LONGEST_NAME} bytes", remedy="give it another name"
        )
    return last


def _checked_media_type(media_type: str) -> str:
    if not media_type:
        return PLAIN_BYTES
    if not _MEDIA_TYPE.fullmatch(media_type):
        raise InvalidArgument(f"{quoted(media_type)} is no media type", remedy="such as text/plain, or leave it out")
    return media_type.lower()
