"""Background tasks with an owner, and bells that wake who waits."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import TypeVar

from stigmer_backend.store import StoreClosed, StoreStopped

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Bell:
    """Wakes everybody who waits for it, each time it rings. Who waits looks first: nothing happens between look and wait."""

    __slots__ = ("__weakref__", "_waiting")

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[bool]] = set()

    def ring(self) -> None:
        """Wake everybody."""
        waiting, self._waiting = self._waiting, set()
        for future in waiting:
            _settle(future, True)

    async def wait(self, timeout: float | None = None) -> bool:
        """Wait until it rings; False when `timeout` seconds passed first."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bool] = loop.create_future()
        self._waiting.add(future)
        late = None if timeout is None else loop.call_later(timeout, _settle, future, False)
        try:
            return await future
        finally:
            self._waiting.discard(future)
            if late is not None:
                late.cancel()


def _settle(future: "asyncio.Future[bool]", rang: bool) -> None:
    if not future.done():
        future.set_result(rang)


class Tasks:
    """Owns tasks that outlive the call that began them. `close` ends them all; none is left behind.

    What a background task did not foresee ends nothing by itself: it is logged and told by `failed`, whose owner stops the daemon. That the
    store stopped is told by the store.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[object]] = set()
        self._failed: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()

    def start(self, work: Coroutine[object, object, object], name: str) -> None:
        """Run `work` in the background."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def result(self, work: Coroutine[object, object, T], name: str) -> "asyncio.Task[T]":
        """Run `work` to its end even when whoever waits for its result is cancelled; wait with `asyncio.shield`."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._answered)
        return task

    async def failed(self) -> BaseException:
        """Wait until a background task fails."""
        return await asyncio.shield(self._failed)

    async def close(self) -> None:
        """Cancel every task and wait for its end."""
        while self._tasks:
            tasks = list(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._tasks.difference_update(tasks)
        self._failed.cancel()

    def _answered(self, task: "asyncio.Task[T]") -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()

    def _ended(self, task: "asyncio.Task[object]") -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is None or isinstance(error, StoreStopped | StoreClosed):
            return
        _log.error("the background task %s failed", task.get_name(), exc_info=error)
        if not self._failed.done():
            self._failed.set_result(error)
