"""The daemon looks at its own memory: it warns of much, and gives back what the C library holds without need."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import count

import psutil

from stigmer_backend.daemon.allocator import give_back

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """How the daemon looks at its own memory."""

    seconds: float = 10.0
    """How often."""
    give_back: int = 2
    """After each so many looks what is free is given back to the system."""
    many: int = 512 << 20
    """From this many bytes on, each doubling is worth a warning."""


class OwnMemory:
    """What this process takes, as the system counts it."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._taken = 0

    @property
    def taken(self) -> int:
        """In bytes; as of the last look where no file can be opened to look again."""
        try:
            self._taken = self._process.memory_info().rss
        except (OSError, psutil.Error):
            return self._taken
        return self._taken

    async def watch(self, looking: Looking, told: Callable[[int], Awaitable[None]]) -> None:
        """Look again and again, and tell each time how much it is."""
        warned = looking.many // 2
        for number in count(1):
            await asyncio.sleep(looking.seconds)
            if number % looking.give_back == 0:
                await asyncio.to_thread(give_back)
            taken = self.taken
            if taken >= 2 * warned:
                warned = taken
                _log.warning(
                    "the daemon takes %d MiB of memory, with %d threads", taken >> 20, threading.active_count()
                )
            await told(taken)
