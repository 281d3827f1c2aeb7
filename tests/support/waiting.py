"""Waiting for something to become true, with a bound for a hang."""

import asyncio
from collections.abc import Awaitable, Callable

PATIENCE = 30.0
"""Seconds after which a test that waits has failed: a bound for a hang, not a measure."""


async def eventually(holds: Callable[[], bool] | Callable[[], Awaitable[bool]]) -> None:
    """Wait until `holds()` is true."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = holds()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.005)
