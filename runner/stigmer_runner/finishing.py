"""Waits for what must come to its end even when the one who waits is cancelled."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def uninterrupted(work: "Coroutine[Any, Any, T]") -> tuple[T, bool]:
    """Run `work` to its end, whatever happens to the caller; whether the caller was cancelled meanwhile.

    A caller that was must let the cancellation through once it has used the result. `work` must be bounded.
    """
    task = asyncio.ensure_future(work)
    interrupted = False
    while not task.done():
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError:
            interrupted = True
    return task.result(), interrupted
