"""The thread that starts processes.

It lives as long as its sandbox, because "die with parent" (`PR_SET_PDEATHSIG`) means the thread that made the child:
were it a thread of a pool that shrinks, the end of that thread would end commands. Starting also blocks for a
millisecond or two, which is no business of an event loop.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_T = TypeVar("_T")


class Spawner:
    """One thread and what it is asked to do, in order."""

    def __init__(self, prepare: Callable[[], None]) -> None:
        """`prepare` runs first, in the thread: for what children inherit from the thread that makes them."""
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="sandbox-spawner", initializer=prepare)

    async def run(self, job: Callable[[], _T]) -> _T:
        """Run `job` in the thread and return what it returns. It runs to its end whatever becomes of the caller."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, job)

    def close(self) -> None:
        """End the thread; what it started "with die with parent" ends with it."""
        self._executor.shutdown()
