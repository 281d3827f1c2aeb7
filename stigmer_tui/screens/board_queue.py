"""Keeps the queue of the board as it stands on the server."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import ExecutionFilter, WatchResponse
from stigmer_apis.errors import StigmerError
from stigmer_tui.widgets.board.queue import Queue

if TYPE_CHECKING:
    from stigmer_apis.client import Client

ITEMS = 300
"""Things that wait, and failures, of which the queue shows each kind; of more there are, only how many."""
SPACING_SECONDS = 0.1
"""Between two fetches, however much changes."""
RETRY_SECONDS = 2.0


class QueueFeed:
    """Asks the server again whenever something that may stand in the queue changed. `shown` is told when it did."""

    def __init__(self, queue: Queue, shown: Callable[[], None]) -> None:
        self._queue = queue
        self._shown = shown
        self._behind = asyncio.Event()
        self._unseen = 0
        self._waits: set[str] = set()
        """Runs that waited when they were last heard of."""

    def fetch_again(self) -> None:
        """It may be another by now."""
        self._behind.set()

    def take(self, change: WatchResponse) -> None:
        """Runs changed."""
        concerned = change.reset or change.unseen != self._unseen
        for row in change.changed:
            waited = row.execution_id in self._waits
            if row.attention_count:
                self._waits.add(row.execution_id)
            else:
                self._waits.discard(row.execution_id)
            concerned = concerned or waited or row.attention_count > 0
        gone = self._waits.intersection(change.removed)
        if concerned or gone:
            self._waits -= gone
            self._behind.set()

    async def follow(self, connected: "Callable[[], Awaitable[Client]]") -> None:
        """Until it is cancelled, from when there is a client."""
        client = await connected()
        while True:
            self._behind.clear()
            try:
                waiting = await client.steering.list_attention(page_size=ITEMS)
                failures = await client.boards.page(ExecutionFilter(unseen=True), page_size=ITEMS)
            except StigmerError:
                await asyncio.sleep(RETRY_SECONDS)
                continue
            self._unseen = int(failures.unseen)
            self._waits = {each.execution.execution_id for each in waiting.waiting}
            self._queue.take(waiting.waiting, int(waiting.total), failures.executions, self._unseen)
            self._shown()
            await asyncio.sleep(SPACING_SECONDS)
            await self._behind.wait()
