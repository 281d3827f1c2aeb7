"""Text that streams: the first piece goes at once, what follows is put together for some milliseconds."""

import asyncio
from collections.abc import Callable

SPACING = 0.02
"""Seconds between two events of one text."""
MUCH = 16 * 1024
"""Characters that do not wait."""


class Pieces:
    """Puts pieces of one text together. `give` is called with what goes on."""

    def __init__(self, give: Callable[[str], None]) -> None:
        self._give = give
        self._held: list[str] = []
        self._length = 0
        self._timer: asyncio.TimerHandle | None = None

    def take(self, text: str) -> None:
        """More text."""
        if not text:
            return
        self._held.append(text)
        self._length += len(text)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SPACING, self._due)
            self.flush()
        elif self._length >= MUCH:
            self.flush()

    def flush(self) -> None:
        """Let go what is held."""
        if self._held:
            text = "".join(self._held)
            self._held.clear()
            self._length = 0
            self._give(text)

    def close(self) -> None:
        """Let go what is held; nothing more comes."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.flush()

    def _due(self) -> None:
        self._timer = None
        if self._held:
            self._timer = asyncio.get_running_loop().call_later(SPACING, self._due)
            self.flush()
