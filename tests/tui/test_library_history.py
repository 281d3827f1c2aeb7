"""The history of a resource, against the real backend: versions, differences, restoring and taking that back."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from textual.pilot import Pilot

from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis.client import Client
from stigmer_tui.app import StigmerApp
from stigmer_tui.manifests.drafts import draft
from stigmer_tui.manifests.kinds import AGENT
from stigmer_tui.manifests.storing import Target, read_one
from stigmer_tui.screens.library import LibraryScreen
from stigmer_tui.screens.library_history import HistoryScreen
from tests.support.served_backend import Served, serve_backend
from tests.tui.support import screen_text, until


@pytest.fixture
async def served(short_tmp: Path) -> AsyncIterator[Served]:
    """A real backend in memory."""
    async with serve_backend(short_tmp, storage="memory:") as backend:
        yield backend


async def describe(served: Served, *descriptions: str) -> None:
    """Somebody applies an agent again and again."""
    async with Client(served.home, start_daemon=False) as client:
        for description in descriptions:
            resource = read_one(draft(AGENT, "reviewer"), Target(AGENT)).resource
            resource.agent.spec.description = description
            await client.resources.apply([resource])


async def now(served: Served) -> tuple[str, str]:
    """Version and description."""
    async with Client(served.home, start_daemon=False) as client:
        agent = (await client.resources.get(ApiResourceKind.agent, "reviewer")).agent
        return agent.metadata.version.id, agent.spec.description


async def history(pilot: Pilot[int], app: StigmerApp) -> HistoryScreen:
    """That of the agent `reviewer`, by the key of the library."""
    await until(pilot, lambda: app.connection_words == "" and app.board.feed.window.loaded, "connected")
    app.run_written("agents reviewer")
    await until(pilot, lambda: isinstance(app.screen, LibraryScreen) and "reviewer" in screen_text(pilot), "library")
    await pilot.press("H")
    await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and "v1" in screen_text(pilot), "history")
    assert isinstance(app.screen, HistoryScreen)
    return app.screen


@pytest.mark.parametrize("size", [(80, 24), (180, 48)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_versions_and_what_is_different(served: Served, size: tuple[int, int]) -> None:
    """Newest first; of an old one what has changed since, or what it changed; a change meanwhile is there at once."""
    await describe(served, "the first", "the second", "the third")
    app = StigmerApp(served.home, start_daemon=False)
    async with app.run_test(size=size) as pilot:
        screen = await history(pilot, app)
        assert "3 versions" in screen_text(pilot)
        assert "description: the second" in screen_text(pilot), "what the newest changed"
        await pilot.press("G")
        await until(pilot, lambda: "since version 1" in screen_text(pilot), "the difference to the present")
        assert "description: the first" in screen_text(pilot)
        assert "description: the third" in screen_text(pilot)
        assert "description: the second" not in screen_text(pilot)
        await pilot.press("c")
        await until(pilot, lambda: "in version 1, the first" in screen_text(pilot), "what it changed")
        await describe(served, "the fourth")
        await until(pilot, lambda: "4 versions" in screen_text(pilot), "a change meanwhile")
        assert screen.list.cursor == 3, "the selected version stays selected"
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, LibraryScreen), "back")


async def test_restoring_and_taking_it_back(served: Served) -> None:
    """Nothing is lost: each is a version more."""
    await describe(served, "the first", "the second")
    app = StigmerApp(served.home, start_daemon=False)
    async with app.run_test(size=(120, 30)) as pilot:
        await history(pilot, app)
        await pilot.press("u")
        await until(pilot, lambda: "Nothing was restored here" in screen_text(pilot), "nothing to take back")
        await pilot.press("r")
        await until(pilot, lambda: "is the present one" in screen_text(pilot), "nothing to do")
        await pilot.press("j", "r")
        await until(pilot, lambda: "u takes it back" in screen_text(pilot), "restored")
        assert await now(served) == ("3", "the first")
        await pilot.press("u")
        await until(pilot, lambda: "4 versions" in screen_text(pilot), "taken back")
        assert await now(served) == ("4", "the second")
        await pilot.press("G", "r", "u")
        await until(pilot, lambda: "6 versions" in screen_text(pilot), "restored and taken back at once")
        assert await now(served) == ("6", "the second")
        await describe(served, "\x1b]0;owned\x07[b]bold[/b]")
        await until(pilot, lambda: "[b]bold[/b]" in screen_text(pilot), "drawn and not obeyed")
        assert "\x1b" not in screen_text(pilot)
