"""Waiting for something to become true, with a deadline that is only there so that a failure ends."""

import asyncio
import time
from collections.abc import Callable

DEADLINE_SECONDS = 30.0
"""For liveness alone: generous, because two busy cores may be all there is."""

_POLL_SECONDS = 0.01


async def until(true: Callable[[], object], what: str, *, seconds: float = DEADLINE_SECONDS) -> None:
    """Return once `true()` is; fail, naming `what` was waited for, after `seconds`."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        await asyncio.sleep(_POLL_SECONDS)


def blocked_until(true: Callable[[], object], what: str, *, seconds: float = DEADLINE_SECONDS) -> None:
    """The same without an event loop."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        time.sleep(_POLL_SECONDS)
