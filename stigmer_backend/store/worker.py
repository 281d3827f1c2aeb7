"""Threads made for blocking work, and the way back to the event loop.

A `Worker` takes waiting commands in groups, as many as came while it was busy, so that a busy store groups its syncs by itself
and an idle one never lingers. Each command has a future of the event loop; answers of a group go back in one call.
"""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Generic, Protocol, TypeVar

from stigmer_backend.store.errors import DISK_REMEDY, StoreClosed, StoreError, StoreLost, StoreStopped

C = TypeVar("C")


class Failure:
    """Whether the store has stopped, and why. The first reason stands."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reason: str | None = None
        self._remedy = DISK_REMEDY
        self._listeners: list[Callable[[str], None]] = []

    @property
    def reason(self) -> str | None:
        """Why the store stopped, or None while it runs."""
        return self._reason

    def listen(self, listener: Callable[[str], None]) -> None:
        """Call `listener` with the reason, on the failing thread, when the store stops."""
        self._listeners.append(listener)

    def stop(self, reason: str, remedy: str = DISK_REMEDY) -> None:
        """Stop the store for `reason`; `remedy` is what a person can do."""
        with self._lock:
            if self._reason is not None:
                return
            self._reason, self._remedy = reason, remedy
        for listener in self._listeners:
            listener(reason)

    def error(self) -> StoreError:
        """What a call is refused with: the reason of the stop, or that the store is closed."""
        return StoreClosed() if self._reason is None else StoreStopped(self._reason, self._remedy)


class Captured:
    """Runs a block and keeps its exception, to be handed to whoever waits for it."""

    def __init__(self) -> None:
        self.error: BaseException | None = None

    def __enter__(self) -> "Captured":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self.error = error
        return True


@dataclass(slots=True)
class Waiting(Generic[C]):
    """A command and the future of whoever waits for its answer."""

    command: C
    future: asyncio.Future[object]
    answer: object = None
    error: BaseException | None = None

    def settle(self) -> None:
        """Give the answer; on the event loop's thread. Somebody who was cancelled meanwhile is not told."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.answer)


class Work(Protocol[C]):
    """What a worker does with its commands. All of it runs on the worker's thread."""

    def handle(self, group: list[Waiting[C]]) -> None:
        """Carry out the commands in order. An exception that leaves it stops the store."""
        ...

    def due(self) -> float | None:
        """Seconds until `idle` wants to run if nothing else comes, or None."""
        ...

    def idle(self) -> None:
        """Do what was put off."""
        ...

    def unanswered(self) -> list[Waiting[C]]:
        """Commands that were handled and not yet answered; asked for when the worker ends."""
        ...


class Worker(Generic[C]):
    """One thread, its queue, and its work."""

    def __init__(
        self, name: str, work: Work[C], loop: asyncio.AbstractEventLoop, failure: Failure, group_calls: int = 1
    ) -> None:
        self._work = work
        self._loop = loop
        self._failure = failure
        self._group_calls = group_calls
        self._queue: SimpleQueue[Waiting[C] | None] = SimpleQueue()
        self._gate = threading.Lock()
        self._open = True
        self._busy = False
        self._name = name
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    @property
    def backlog(self) -> int:
        """Commands that wait, and one more while some are being carried out."""
        return self._queue.qsize() + self._busy

    def submit(self, command: C) -> asyncio.Future[object]:
        """Queue a command; on the event loop's thread. Raises `StoreClosed` or `StoreStopped`."""
        waiting = self.prepare(command)
        if not self.enqueue(waiting):
            raise self._failure.error()
        return waiting.future

    def prepare(self, command: C) -> Waiting[C]:
        """A command for `enqueue`, with a future for its answer; on the event loop's thread."""
        return Waiting(command, self._loop.create_future())

    def enqueue(self, waiting: Waiting[C]) -> bool:
        """Queue a prepared command; False if the worker takes no more. From any thread."""
        with self._gate:
            if not self._open or self._failure.reason is not None:
                return False
            self._queue.put(waiting)
            return True

    def finish(self) -> None:
        """Carry out what is queued, then end the thread. Blocks."""
        with self._gate:
            if self._open:
                self._open = False
                self._queue.put(None)
        self._thread.join()

    def answer(self, group: list[Waiting[C]]) -> None:
        """Hand the answers of `group` to the event loop, and count as free again: who is answered may ask at once."""
        self._busy = False
        self._loop.call_soon_threadsafe(_settle, group)

    def _run(self) -> None:
        group: list[Waiting[C]] = []
        with Captured() as captured:
            while self._take(group):
                self._busy = True
                self._work.handle(group)
                group.clear()
            self._work.idle()
        if captured.error is not None:
            self._failure.stop(_words(self._name, captured.error), _remedy(captured.error))
        self._refuse(group + self._work.unanswered())

    def _take(self, group: list[Waiting[C]]) -> bool:
        """Fill `group` with what waits, at least one command; False at the end."""
        while not group:
            try:
                first = self._queue.get(timeout=self._work.due())
            except Empty:
                self._work.idle()
                continue
            if first is None:
                return False
            group.append(first)
        while len(group) < self._group_calls:
            try:
                following = self._queue.get_nowait()
            except Empty:
                break
            if following is None:
                self._queue.put(None)
                break
            group.append(following)
        return True

    def _refuse(self, group: list[Waiting[C]]) -> None:
        """Tell everybody who still waits that the store is closed or has stopped."""
        with self._gate:
            self._open = False
            while True:
                try:
                    waiting = self._queue.get_nowait()
                except Empty:
                    break
                if waiting is not None:
                    group.append(waiting)
        for waiting in group:
            waiting.error = self._failure.error()
        if group:
            self.answer(list(group))


def _settle(group: list[Waiting[C]]) -> None:
    for waiting in group:
        waiting.settle()


def _words(name: str, error: BaseException) -> str:
    if isinstance(error, StoreLost):
        return str(error)
    return f"{name} failed: {error}" if isinstance(error, OSError | StoreError) else f"{name} failed: {error!r}"


def _remedy(error: BaseException) -> str:
    return error.remedy if isinstance(error, StoreLost) else DISK_REMEDY
