"""The board's list over a real backend: what takes long to look for, groups, orders, what was not seen."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import CancelRequest
from stigmer_apis.client import Client
from stigmer_backend.executions.options import ExecutionOptions
from stigmer_tui.screens.board_feed import BoardFeed
from stigmer_tui.widgets.board.rows import Section
from stigmer_tui.widgets.board.view import View
from stigmer_tui.widgets.board.window import BoardWindow
from tests.support.served_backend import Served, serve_backend
from tests.tui.support import StoppedClock, cancelled


class Shown:
    """Told when there is something to draw."""

    def __init__(self) -> None:
        self._told = asyncio.Event()
        self.totals: list[tuple[int, bool]] = []
        self.feed: BoardFeed | None = None

    def __call__(self) -> None:
        """Something is new."""
        self._told.set()
        if self.feed is not None:
            self.totals.append((self.feed.window.total, self.feed.window.total_is_lower_bound))

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until it holds."""
        async with asyncio.timeout(20):
            while not holds():
                self._told.clear()
                await self._told.wait()


@pytest.fixture
async def served(short_tmp: Path) -> AsyncGenerator[Served]:
    """A backend whose filtered lists look at eight rows at most, for one answer."""
    async with serve_backend(short_tmp, options=ExecutionOptions(scan_rows=8)) as backend:
        yield backend


@asynccontextmanager
async def feeding(served: Served, clock: StoppedClock) -> AsyncGenerator[tuple[BoardFeed, Shown]]:
    """A feed that runs."""
    shown = Shown()
    feed = BoardFeed(BoardWindow(), shown, clock, lambda _: None)
    shown.feed = feed
    async with Client(served.home, start_daemon=False) as client:
        running = asyncio.create_task(feed.run(client))
        try:
            await shown.until(lambda: feed.window.loaded)
            yield feed, shown
        finally:
            await cancelled(running)


async def test_a_search_goes_on_to_the_end(served: Served, clock: StoppedClock) -> None:
    """Answer by answer, with more and more found; all of them can be gone to."""
    for number in range(40):
        await served.run(f"number {number}")
    async with feeding(served, clock) as (feed, shown):
        feed.show(View(filter="number 1"))
        await shown.until(lambda: feed.looking)
        await shown.until(lambda: not feed.looking)
        assert (feed.window.total, feed.window.total_is_lower_bound) == (11, False)
        subjects = [feed.window.rows[place].subject for place in range(11)]
        assert subjects == [*(f"number {number}" for number in range(19, 9, -1)), "number 1"]
        assert any(bounded and total < 11 for total, bounded in shown.totals)


async def test_a_search_is_ended_by_the_person(served: Served, clock: StoppedClock) -> None:
    """What was found stays, and the count says that there may be more."""
    for number in range(40):
        await served.run(f"number {number}")
    async with feeding(served, clock) as (feed, shown):
        feed.show(View(filter="number 1"))
        await shown.until(lambda: feed.looking)
        assert feed.stop_looking()
        found = feed.window.total
        feed.look_at(0, 10)
        await asyncio.sleep(0.1)
        assert not feed.looking
        assert feed.window.total_is_lower_bound
        assert feed.window.total <= max(found, 11)


async def test_groups_and_their_runs(served: Served, clock: StoppedClock) -> None:
    """A group's runs are fetched when it is unfolded; a new run is counted in its group."""
    first = await served.run("one")
    await served.run("two", session_id=first.spec.session_id)
    await served.run("three")
    async with feeding(served, clock) as (feed, shown):
        feed.show(View(group="session"))
        await shown.until(lambda: feed.rows.sections is not None)
        sections = feed.rows.sections
        assert sections is not None
        assert [int(section.head.total) for section in sections] == [1, 2]
        assert feed.rows.total == 2
        feed.rows.fold(sections[1], False)
        feed.look_at(0, 20)
        await shown.until(lambda: sections[1].window.loaded)
        assert [getattr(feed.rows.at(place), "subject", "") for place in (2, 3)] == ["two", "one"]
        assert isinstance(feed.rows.at(0), Section)
        await served.run("four", session_id=first.spec.session_id)
        await shown.until(lambda: feed.rows.total == 5)
        assert getattr(feed.rows.at(2), "subject", "") == "four"


async def test_another_order_is_kept_while_runs_change(served: Served, clock: StoppedClock) -> None:
    """What changes comes to its place; the oldest first from the oldest on."""
    made = [(await served.run(f"run {number}")).metadata.id for number in range(5)]
    async with feeding(served, clock) as (feed, shown):
        feed.show(View(sort="oldest"))
        await shown.until(lambda: feed.window.rows[0].subject == "run 0")
        feed.show(View(sort="changed"))
        await shown.until(lambda: feed.window.rows[0].subject == "run 4")
        await served.stubs.service.Cancel(CancelRequest(execution_id=made[1]), metadata=served.stubs.metadata)
        await shown.until(lambda: feed.window.rows[0].subject == "run 1")
        assert feed.window.total == 5
