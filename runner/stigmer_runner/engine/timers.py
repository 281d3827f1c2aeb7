"""The timers of a live run."""

import asyncio
from collections.abc import Callable


class Timers:
    """Calls back with a timer's sequence when it goes off."""

    def __init__(self, fire: Callable[[int], None]) -> None:
        self._fire = fire
        self._loop = asyncio.get_running_loop()
        self._handles: dict[int, asyncio.TimerHandle] = {}

    def arm(self, sequence: int, seconds: float) -> None:
        """Let timer `sequence` go off after so many seconds, at once where that is past."""
        self._handles[sequence] = self._loop.call_later(max(seconds, 0.0), self._gone_off, sequence)

    def cancel(self, sequence: int) -> None:
        """Forget a timer; one that has gone off is passed over."""
        handle = self._handles.pop(sequence, None)
        if handle is not None:
            handle.cancel()

    def stop(self) -> None:
        """Forget all."""
        for sequence in list(self._handles):
            self.cancel(sequence)

    def _gone_off(self, sequence: int) -> None:
        del self._handles[sequence]
        self._fire(sequence)
