"""What a daemon sees to by itself: every byte is looked at, runs that are to go by its settings go, and databases of which more than half is dead are packed."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from stigmer_backend.maintenance.retiring import Retiring
from stigmer_backend.store import DatabaseName, NoFiles, PackAbandoned, Store, StoreDamaged, StoreFull

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class TendingOptions:
    """When it looks, in seconds, and at what, in bytes."""

    first_seconds: float = 60.0
    """After the start."""
    every_seconds: float = 600.0
    least_bytes: int = 32 << 20
    """A smaller database is left as it is."""
    dead_part: float = 0.5
    """More than this of a database has to be dead."""
    scrub_seconds: float = 24 * 3600.0
    """So long after the end of one look at every byte the next begins; the first at the start, since a saved index keeps an opening from looking."""


class Tending:
    """Looks after a store's databases."""

    def __init__(
        self,
        store: Store,
        options: TendingOptions | None = None,
        retiring: Retiring | None = None,
        on_lost: Callable[[list[str]], None] = lambda executions: None,
    ) -> None:
        """`on_lost` is told of executions whose events were found to be lost."""
        self._store = store
        self._retiring = retiring
        self._options = options or TendingOptions()
        self._on_lost = on_lost
        self._looked: dict[DatabaseName, int] = {}

    async def scrub(self) -> None:
        """For ever: look at every byte, and say in the log, once, what is damaged."""
        while True:
            for name in DatabaseName:
                told = set(self._store.report.lines())
                try:
                    lost = await self._store.scrub(name)
                except NoFiles:
                    return
                except (StoreDamaged, PackAbandoned, OSError) as error:
                    _log.error("%s could not be looked at: %s", name.value, error)
                    continue
                for line in self._store.report.lines():
                    if line not in told:
                        _log.error("%s", line)
                self._on_lost(lost)
            await asyncio.sleep(self._options.scrub_seconds)

    async def run(self) -> None:
        """For ever. What goes wrong with a pack is told in the log, and tried again another time."""
        await asyncio.sleep(self._options.first_seconds)
        while True:
            await self._retire()
            for name in DatabaseName:
                try:
                    await self.look(name)
                except NoFiles:
                    return
                except (StoreFull, StoreDamaged, PackAbandoned, OSError) as error:
                    _log.warning("%s was not packed: %s", name.value, error)
            await asyncio.sleep(self._options.every_seconds)

    async def _retire(self) -> None:
        if self._retiring is None:
            return
        try:
            gone = await self._retiring.once()
        except (StoreFull, StoreDamaged) as error:
            _log.warning("runs that are to go by the settings stay for now: %s", error)
            return
        if gone:
            _log.info("deleted %d runs, as the settings say", gone)

    async def look(self, name: DatabaseName) -> bool:
        """Pack the database if that is worth it; whether it was. It is looked into only when it has changed since."""
        size = self._store.size_of(name)
        if size < self._options.least_bytes or size == self._looked.get(name):
            return False
        usage = await self._store.usage(name)
        self._looked[name] = usage.size
        if usage.dead <= usage.size * self._options.dead_part:
            return False
        packed = await self._store.pack(name)
        self._looked[name] = packed.after
        _log.info("packed %s: %d bytes are %d now", name.value, packed.before, packed.after)
        return True
