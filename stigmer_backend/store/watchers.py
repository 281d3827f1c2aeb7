"""Who waits for something to move: futures of the event loop, woken from the writers' threads."""

import asyncio
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

from stigmer_backend.store.errors import StoreError


class Watchers:
    """Futures by name. Whoever waits registers first and looks second, so that no move in between is missed."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: dict[str, set[asyncio.Future[None]]] = {}
        self._end: Callable[[], StoreError] | None = None

    @contextmanager
    def watch(self, name: str) -> Generator[asyncio.Future[None]]:
        """A future that is done when `name` moves. Raises, here or in the future, what `end` was given."""
        if self._end is not None:
            raise self._end()
        future: asyncio.Future[None] = self._loop.create_future()
        self._waiting.setdefault(name, set()).add(future)
        try:
            yield future
        finally:
            waiting = self._waiting.get(name)
            if waiting is not None:
                waiting.discard(future)
                if not waiting:
                    del self._waiting[name]
            future.cancel()

    def moved(self, names: Sequence[str]) -> None:
        """Wake those who wait for `names`. From any thread."""
        if names and self._waiting:
            self._loop.call_soon_threadsafe(self._wake, names)

    def end(self, error: Callable[[], StoreError]) -> None:
        """Wake everybody with an error, now and from now on. On the event loop's thread."""
        self._end = error
        for waiting in self._waiting.values():
            for future in waiting:
                if not future.done():
                    future.set_exception(error())

    def _wake(self, names: Sequence[str]) -> None:
        for name in names:
            for future in self._waiting.get(name, ()):
                if not future.done():
                    future.set_result(None)
