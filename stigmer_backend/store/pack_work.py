"""Packs as the event loop asks for them: one at a time, on a thread of their own, with the writers' help."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from stigmer_backend.store.errors import NoFiles
from stigmer_backend.store.log_work import LogCall, StandstillCall
from stigmer_backend.store.packer import DatabaseName, Packed, Packer, Usage
from stigmer_backend.store.parts import Parts
from stigmer_backend.store.readers import Readers
from stigmer_backend.store.state_work import StateCall, StateStandstill
from stigmer_backend.store.worker import Worker


class PackWork:
    """Belongs to the event loop that made it."""

    def __init__(self, parts: Parts, log: Worker[LogCall], state: Worker[StateCall], readers: Readers) -> None:
        self._loop = asyncio.get_running_loop()
        self._parts = parts
        self._packer, self._without = parts.packer, parts.without_files
        self._log = log
        self._state = state
        self._readers = readers
        self._thread = ThreadPoolExecutor(1, "store-pack")

    def size(self, name: DatabaseName) -> int:
        """Raises `NoFiles`."""
        return self._known.size(name)

    async def usage(self, name: DatabaseName) -> Usage:
        """Raises `NoFiles`, and what `Packer.usage` raises."""
        packer = self._known
        await self._standstill(name, lambda: packer.settle(name))
        return await self._loop.run_in_executor(self._thread, packer.usage, name)

    async def scrub(self, name: DatabaseName) -> list[str]:
        """Raises `NoFiles`, and what `Packer.scrub` raises."""
        before = set(self._parts.report.damaged_executions)
        if not await self._loop.run_in_executor(self._thread, self._known.scrub, name):
            return []
        lost = await self._loop.run_in_executor(self._thread, self._parts.name_losses)
        await self._log.submit(StandstillCall(lambda: self._parts.log.set_apart(lost)))
        return sorted(lost - before)

    async def pack(self, name: DatabaseName) -> Packed:
        """Raises `NoFiles`, and what `Packer.pack` raises. Who is cancelled does not end a pack: it goes on."""

        def standstill(work: Callable[[], None]) -> None:
            asyncio.run_coroutine_threadsafe(self._standstill(name, work), self._loop).result()

        def fence() -> None:
            asyncio.run_coroutine_threadsafe(self._fence(), self._loop).result()

        return await self._loop.run_in_executor(self._thread, self._known.pack, name, fence, standstill)

    def finish(self) -> None:
        """Give up what is under way, and end the thread. Blocks; not on the event loop's thread, and before the writers end."""
        if self._packer is not None:
            self._packer.end()
        self._thread.shutdown(cancel_futures=True)

    @property
    def _known(self) -> Packer:
        if self._packer is None:
            raise NoFiles(self._without)
        return self._packer

    async def _standstill(self, name: DatabaseName, work: Callable[[], None]) -> None:
        match name:
            case DatabaseName.STATE:
                await self._state.submit(StateStandstill(work))
            case DatabaseName.EVENTS:
                await self._log.submit(StandstillCall(work))

    async def _fence(self) -> None:
        await asyncio.gather(*self._readers.passed())
