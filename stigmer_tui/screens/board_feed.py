"""Brings the list of runs to the board: pages for what is on the screen, and what changes, from the moment that the list shows."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING

from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import (
    ExecutionFilter,
    ListExecutionsResponse,
    WatchResponse,
)
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionSummary
from stigmer_apis.errors import StigmerError
from stigmer_tui.theme.phases import LIVE
from stigmer_tui.widgets.board.window import PAGE, BoardWindow

if TYPE_CHECKING:
    from stigmer_apis.client import Client

REFETCH_SECONDS = 0.25
"""Between two fetches of what is on the screen, where rows moved in ways that changes alone do not tell."""
FILTERED_REFETCH_SECONDS = 1.0
"""The same under a filter, where only the server knows what belongs to the list."""
RETRY_SECONDS = 1.0
"""After a fetch that failed."""
_LIVE_SHOWN = 1000


class BoardFeed:
    """Fills a `BoardWindow`. `shown` is told whenever there is something new to draw."""

    def __init__(self, window: BoardWindow, shown: Callable[[], None]) -> None:
        self.window = window
        self.live: dict[str, ExecutionSummary] = {}
        """Runs that have not ended, whatever the filter."""
        self.error: StigmerError | None = None
        """Why the list cannot be fetched."""
        self._shown = shown
        self._first, self._last = 0, PAGE
        self._urgent = asyncio.Event()
        """A person waits for rows."""
        self._behind = asyncio.Event()
        """Rows on the screen may have moved."""

    def look_at(self, first: int, last: int) -> None:
        """These places are on the screen."""
        self._first, self._last = first, last
        if self.window.loaded and self.window.missing_page(first, last) is not None:
            self._urgent.set()

    def filter_by(self, wanted: ExecutionFilter) -> None:
        """Show another list."""
        self.window.set_filter(wanted)
        self._first, self._last = 0, PAGE
        self._urgent.set()

    async def run(self, client: "Client") -> None:
        """Until it is cancelled. Raises nothing that mends itself."""
        await self._fetch_live(client)
        await self._fetch(client)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_fetching(client))
            tasks.create_task(self._watch(client))

    async def _watch(self, client: "Client") -> None:
        async with aclosing(client.watch(self.window.revision)) as changes:
            async for change in changes:
                self._take(change)
                if change.reset:
                    await self._fetch_live(client)

    def _take(self, change: WatchResponse) -> None:
        self.window.take_changes(change)
        for row in change.changed:
            if row.phase in LIVE:
                self.live[row.execution_id] = row
            else:
                self.live.pop(row.execution_id, None)
        for execution_id in change.removed:
            self.live.pop(execution_id, None)
        if self.window.stale:
            self._behind.set()
        self._shown()

    async def _keep_fetching(self, client: "Client") -> None:
        """Fetch at once what a person waits for, what moved only every so often."""
        while True:
            pause = FILTERED_REFETCH_SECONDS if self.window.filtered else REFETCH_SECONDS
            if self.error is not None:
                pause = RETRY_SECONDS
            await self._wait(pause)
            await self._fetch(client)

    async def _wait(self, pause: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._urgent.wait()
        if not self._urgent.is_set() and self.error is None:
            async with asyncio.TaskGroup() as either:
                waits = [either.create_task(event.wait()) for event in (self._urgent, self._behind)]
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                for task in waits:
                    task.cancel()
        self._urgent.clear()
        self._behind.clear()

    async def _fetch_live(self, client: "Client") -> None:
        try:
            response = await client.list_executions(ExecutionFilter(phases=sorted(LIVE)), page_size=_LIVE_SHOWN)
        except StigmerError as error:
            self.error = error
            return
        self.live = {row.execution_id: row for row in response.executions}

    async def _fetch(self, client: "Client") -> None:
        """Pages until everything on the screen is known and certain."""
        window = self.window
        while True:
            anew = window.stale or not window.loaded
            page = self._first // PAGE if anew else window.missing_page(self._first, self._last)
            if page is None:
                return
            wanted, start = window.filter, max(0, page) * PAGE
            try:
                response = await self._page(client, start, anew=anew)
            except StigmerError as error:
                self.error = error
                self._shown()
                return
            self.error = None
            if wanted is not window.filter:
                continue
            if anew:
                window.take_first(response, start)
            else:
                window.take_page(response, start)
            self._shown()
            if not response.executions:
                self._first = 0
                return

    async def _page(self, client: "Client", start: int, *, anew: bool) -> ListExecutionsResponse:
        """The page at a place; from the end of the list where that is nearer."""
        window = self.window
        if anew or window.total_is_lower_bound or start < window.total // 2:
            return await client.list_executions(window.filter, page_size=PAGE, skip=start)
        size = min(PAGE, window.total - start)
        response = await client.list_executions(
            window.filter, page_size=size, skip=window.total - start - size, oldest_first=True
        )
        rows = list(reversed(response.executions))
        del response.executions[:]
        response.executions.extend(rows)
        return response
