"""Waiting for what another task or process does."""

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], object], *, seconds: float = 30.0) -> None:
    """Return once `condition()` is true. Raises `TimeoutError` after `seconds`: a deadline against hanging, not a measure."""
    async with asyncio.timeout(seconds):
        while True:
            if condition():
                return
            await asyncio.sleep(0.01)
