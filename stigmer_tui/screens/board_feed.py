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
from stigmer_tui.text.times import Clock
from stigmer_tui.theme.phases import LIVE
from stigmer_tui.widgets.board.query import filter_of
from stigmer_tui.widgets.board.rates import Rates
from stigmer_tui.widgets.board.rows import BoardRows
from stigmer_tui.widgets.board.view import OLDEST, SORTS, View
from stigmer_tui.widgets.board.window import FOUND, PAGE, BoardWindow

if TYPE_CHECKING:
    from stigmer_apis.client import Client

REFETCH_SECONDS = 0.25
"""Between two fetches of what is on the screen, where rows moved in ways that changes alone do not tell."""
FILTERED_REFETCH_SECONDS = 1.0
"""The same under a filter, where only the server knows what belongs to the list."""
RETRY_SECONDS = 1.0
"""After a fetch that failed."""
SHOWN_GROUPS = 500
"""Groups that are fetched; of more there are, the list says so."""
_LIVE_SHOWN = 1000
_LOOKED_FOR = 1000
"""Rows of one answer while more is looked for."""


class BoardFeed:
    """Fills the rows of the board. `shown` is told whenever there is something new to draw, `changed` what changed."""

    def __init__(
        self, window: BoardWindow, shown: Callable[[], None], clock: Clock, changed: Callable[[WatchResponse], None]
    ) -> None:
        self.window = window
        self.rows = BoardRows(window)
        self.rates = Rates()
        self.view = View()
        self.live: dict[str, ExecutionSummary] = {}
        """Runs that have not ended, whatever the filter."""
        self.unseen = 0
        """Failures that nobody has seen."""
        self.looking = False
        """Whether more is looked for, further than one answer goes."""
        self.error: StigmerError | None = None
        """Why the list cannot be fetched."""
        self._shown = shown
        self._clock = clock
        self._changed = changed
        self._first, self._last = 0, PAGE
        self._token = ""
        """Where what is looked for goes on."""
        self._found = 0
        self._urgent = asyncio.Event()
        """A person waits for rows."""
        self._behind = asyncio.Event()
        """Rows on the screen may have moved."""

    def row_of(self, execution_id: str) -> ExecutionSummary | None:
        """What is known of a run: that it goes on, or what the list has."""
        place = self.window.place_of(execution_id)
        return self.live.get(execution_id) or (None if place is None else self.window.rows.get(place))

    def look_at(self, first: int, last: int) -> None:
        """These places are on the screen."""
        self._first, self._last = first, last
        if any(
            window.missing_page(low, high) is not None or not window.loaded
            for window, low, high in self.rows.windows(first, last)
            if window.loaded or self.rows.sections is not None
        ):
            self._urgent.set()

    def show(self, view: View) -> None:
        """Show another list."""
        if (view.filter, view.group, view.sort) != (self.view.filter, self.view.group, self.view.sort):
            self.stop_looking()
            self.window.set_filter(filter_of(view.filter), view.sort)
            if view.group != self.view.group or not view.group:
                self.rows.ungroup()
            self._first, self._last = 0, PAGE
            self._urgent.set()
        self.view = view

    def stop_looking(self) -> bool:
        """Look no further for what the filter wants. Whether anything was looked for."""
        looked, self.looking, self._token = self.looking, False, ""
        return looked

    def fetch_again(self) -> None:
        """What is on the screen may be wrong."""
        for window in self.rows.all_windows():
            window.stale = True
        self.window.stale = True
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
        self.rows.take_changes(change)
        self.rates.take(change.changed, self._clock())
        self.unseen = int(change.unseen)
        for row in change.changed:
            if row.phase in LIVE:
                self.live[row.execution_id] = row
            else:
                self.live.pop(row.execution_id, None)
        for execution_id in change.removed:
            self.live.pop(execution_id, None)
        if self.rows.sections is not None or any(window.stale for window in self.rows.all_windows()):
            self.window.stale = self.window.stale or self.rows.sections is not None
            self._behind.set()
        self._changed(change)
        self._shown()

    async def _keep_fetching(self, client: "Client") -> None:
        """Fetch at once what a person waits for, what moved only every so often."""
        while True:
            pause = FILTERED_REFETCH_SECONDS if self.window.filtered or self.view.group else REFETCH_SECONDS
            if self.error is not None:
                pause = RETRY_SECONDS
            if self.looking and not self._urgent.is_set():
                await self._look_further(client)
                continue
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
        self.unseen = int(response.unseen)
        self.rates.take(response.executions, self._clock())

    async def _fetch(self, client: "Client") -> None:
        """Groups where they are wanted, and pages until everything on the screen is known and certain."""
        self._urgent.clear()
        try:
            if self.view.group:
                await self._fetch_groups(client)
            for window, first, last in list(self.rows.windows(self._first, self._last)):
                await self._fill(client, window, first, last)
        except StigmerError as error:
            self.error = error
        else:
            self.error = None
        self._shown()

    async def _fetch_groups(self, client: "Client") -> None:
        view = self.view
        if self.rows.sections is not None and not self.window.stale:
            return
        response = await client.boards.groups(
            filter_of(view.filter), view.group_by, label=view.label, page_size=SHOWN_GROUPS
        )
        if view is self.view or (view.filter, view.group) == (self.view.filter, self.view.group):
            self.window.stale, self.window.loaded = False, True
            self.rows.take_groups(response, view.sort)

    async def _fill(self, client: "Client", window: BoardWindow, first: int, last: int) -> None:
        while True:
            anew = window.stale or not window.loaded
            page = first // PAGE if anew else window.missing_page(first, last)
            if page is None:
                return
            wanted, sort, start = window.filter, window.sort, max(0, page) * PAGE
            response = await self._page(client, window, start, anew=anew)
            if wanted is not window.filter or sort != window.sort:
                if window is not self.window:
                    return
                continue
            if anew:
                was_other = not window.loaded or window.is_other
                window.take_first(response, start)
                if was_other and window is self.window:
                    self._begin_looking(response)
            else:
                window.take_page(response, start)
            self._shown()
            if not response.executions:
                if window is self.window:
                    self._first = 0
                return

    async def _page(self, client: "Client", window: BoardWindow, start: int, *, anew: bool) -> ListExecutionsResponse:
        """The page at a place; from the end of the list where that is nearer."""
        boards, order = client.boards, SORTS[window.sort][0]
        oldest = window.sort == OLDEST
        if order or anew or window.total_is_lower_bound or start < window.total // 2:
            return await boards.page(window.filter, page_size=PAGE, skip=start, order=order, oldest_first=oldest)
        size = min(PAGE, window.total - start)
        response = await boards.page(
            window.filter, page_size=size, skip=window.total - start - size, oldest_first=not oldest
        )
        rows = list(reversed(response.executions))
        del response.executions[:]
        response.executions.extend(rows)
        return response

    # What takes long to look for.

    def _begin_looking(self, response: ListExecutionsResponse) -> None:
        self._token = response.next_page_token if response.total_is_lower_bound else ""
        self._found = len(response.executions)
        self.looking = bool(self._token) and bool(self.window.filter.text)

    async def _look_further(self, client: "Client") -> None:
        """One answer more. It ends with what there is, with enough, or by the person."""
        token, window, wanted = self._token, self.window, self.window.filter
        try:
            response = await client.boards.page(
                wanted, page_size=_LOOKED_FOR, page_token=token, oldest_first=window.sort == OLDEST
            )
        except StigmerError as error:
            self.error = error
            self.looking = False
            return
        if token != self._token or wanted is not window.filter:
            return
        window.take_found(response, self._found)
        self._found += len(response.executions)
        self._token = response.next_page_token
        self.looking = bool(self._token) and self._found < FOUND
        if not self._token:
            window.total, window.total_is_lower_bound = self._found, False
        self._shown()
