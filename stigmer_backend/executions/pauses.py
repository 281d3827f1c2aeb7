"""Pauses between attempts while the disk is full: each twice as long as the last, up to a limit."""

import asyncio

from stigmer_backend.executions.options import ExecutionOptions


class Pauses:
    """One row of attempts."""

    def __init__(self, options: ExecutionOptions) -> None:
        self._next = options.retry_seconds
        self._limit = options.retry_limit_seconds

    async def next(self) -> None:
        """Wait before the next attempt."""
        await asyncio.sleep(self._next)
        self._next = min(self._next * 2, self._limit)
