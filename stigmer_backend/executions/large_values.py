"""Values of runs that are too large for the history of a cluster. Files named by their hash, below a folder for each execution, as long as that lives."""

import asyncio
import shutil
from collections.abc import AsyncGenerator, AsyncIterator, Container
from pathlib import Path

from stigmer_apis.errors import FailedPrecondition, InvalidArgument, NotFound, ResourceExhausted
from stigmer_backend.artifacts.files import Incoming, pieces, place_of
from stigmer_backend.resources.text import quoted

LARGEST = 64 * 1024 * 1024
"""Bytes of one value."""
MOST_BYTES = 1024 * 1024 * 1024
"""Bytes of all values of one execution."""


class LargeValues:
    """Keeps them below `folder`, which is made when it is needed. Who may ask is the caller's matter."""

    def __init__(self, folder: Path, *, largest: int = LARGEST, most: int = MOST_BYTES) -> None:
        self._folder = folder
        self._largest = largest
        self._most = most
        self._sizes: dict[str, int] = {}
        """Bytes that each execution has kept since the start."""

    async def keep(self, execution_id: str, data: AsyncIterator[bytes]) -> tuple[str, int]:
        """Keep a value of an execution, and return its hash and its size, in bytes.

        The same bytes are kept once. Raises `InvalidArgument` for one that is too large, `ResourceExhausted` past what an execution may keep and on
        a full disk.
        """
        incoming = Incoming(self._folder / execution_id)
        try:
            await asyncio.to_thread(incoming.open)
            async for piece in data:
                self._check(execution_id, incoming.size + len(piece))
                await asyncio.to_thread(incoming.write, piece)
            digest = await asyncio.to_thread(incoming.sync)
            if not await asyncio.to_thread(place_of(self._folder / execution_id, digest).exists):
                await asyncio.to_thread(incoming.place, digest)
                self._sizes[execution_id] = self._sizes.get(execution_id, 0) + incoming.size
            return digest, incoming.size
        finally:
            await asyncio.shield(asyncio.to_thread(incoming.discard))

    async def read(self, execution_id: str, digest: str) -> AsyncGenerator[bytes]:
        """Its bytes. Raises `NotFound`, and `DataLoss` at the end where they are not what was kept."""
        place = place_of(self._folder / execution_id, digest)
        try:
            size = (await asyncio.to_thread(place.stat)).st_size
        except FileNotFoundError as error:
            raise NotFound(
                f"{execution_id} has no value {quoted(digest)}",
                remedy="values go with the end of their run: start a new one",
            ) from error
        source = pieces(self._folder / execution_id, digest, size)
        try:
            while (piece := await asyncio.to_thread(next, source, None)) is not None:
                yield piece
        finally:
            source.close()

    async def forget(self, execution_id: str) -> None:
        """Remove what an execution kept."""
        self._sizes.pop(execution_id, None)
        await asyncio.to_thread(shutil.rmtree, self._folder / execution_id, ignore_errors=True)

    async def sweep(self, living: Container[str]) -> None:
        """Remove what executions that have ended left over."""
        for name in await asyncio.to_thread(lambda: [each.name for each in self._folder.glob("*")]):
            if name not in living:
                await self.forget(name)

    def _check(self, execution_id: str, size: int) -> None:
        if size > self._largest:
            raise InvalidArgument(
                f"a value has more than {self._largest:,} bytes, which is the most that a run hands from task to task",
                remedy="write it to a file of the workspace, and hand its name on",
            )
        if self._sizes.get(execution_id, 0) + size > self._most:
            raise ResourceExhausted(
                f"the values of {execution_id} have more than {self._most:,} bytes together",
                remedy="write what is large to files of the workspace, and hand their names on",
            )


def ended(execution_id: str) -> FailedPrecondition:
    """Why nothing is kept for it."""
    return FailedPrecondition(f"{quoted(execution_id)} is no execution that runs", remedy="stop the run in Temporal")
