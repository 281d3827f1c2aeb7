"""The library: lists by kind, filter, document, delete, and the way to a run."""

import asyncio
from typing import TYPE_CHECKING

import pytest
from textual import events
from textual.pilot import Pilot

from stigmer_apis._generated.ai.stigmer.agentic.environment.v1.environment_pb2 import Environment
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import ApiResourceMetadata
from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import (
    DeleteResourceRequest,
    DeleteResourceResponse,
    ListResourcesRequest,
    Resource,
)
from stigmer_tui.app import StigmerApp
from stigmer_tui.manifests.kinds import Kind
from stigmer_tui.screens import library_deleting
from stigmer_tui.screens.editing import EditingScreen
from stigmer_tui.screens.library import LibraryScreen
from stigmer_tui.screens.library_feed import LibraryFeed
from tests.support.scripted_backend import ScriptedBackend
from tests.tui.hostile import HOSTILE
from tests.tui.support import screen_text, settled, typed, until

if TYPE_CHECKING:
    from stigmer_apis.client import Client


def environment(name: str, description: str = "") -> Resource:
    """An environment with a secret, as the server shows it."""
    made = Environment(kind="Environment", metadata=ApiResourceMetadata(name=name, slug=name, id=f"env-{name}"))
    made.metadata.version.id = "3"
    made.spec.description = description
    made.spec.data["TOKEN"].value, made.spec.data["TOKEN"].is_secret = "********", True
    return Resource(environment=made)


async def opened(pilot: Pilot[int], app: StigmerApp) -> LibraryScreen:
    """The library, with its first list."""
    await until(pilot, lambda: app.connection_words == "" and app.board.feed.window.loaded, "connected")
    await pilot.press("f8")
    await until(pilot, lambda: isinstance(app.screen, LibraryScreen) and app.screen.feed.loaded, "the library")
    assert isinstance(app.screen, LibraryScreen)
    return app.screen


def dry_runs(backend: ScriptedBackend) -> list[bool]:
    """Of each delete that was asked for, whether only what would come of it; one that got no answer in time is asked again."""
    requests = [call.request for call in backend.calls_of("DeleteResource")]
    return [isinstance(one, DeleteResourceRequest) and one.dry_run for one in requests]


async def test_lists_by_kind_and_what_is_selected(app: StigmerApp, backend: ScriptedBackend) -> None:
    """Tab goes on; an empty kind says how to begin; a document shows names of fields and masked values."""
    backend.add_agent("reviewer", "Reads changes.")
    backend.resources.add(environment("staging", "Where it is tried."))
    async with app.run_test(size=(140, 30)) as pilot:
        await opened(pilot, app)
        assert "reviewer" in screen_text(pilot)
        assert "Reads changes." in screen_text(pilot)
        await pilot.press("tab")
        await until(pilot, lambda: "None yet" in screen_text(pilot), "no workflows")
        await pilot.press("tab", "tab", "tab")
        await until(pilot, lambda: "staging" in screen_text(pilot), "environments")
        assert "isSecret: true" in screen_text(pilot)
        assert "********" in screen_text(pilot)


async def test_keys_wait_for_the_list_that_they_are_for(
    app: StigmerApp, backend: ScriptedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Typed before the first list is there, and before the one of another kind: each is for an entry of that list."""
    backend.add_agent("author")
    backend.add_agent("reviewer")
    backend.resources.add(environment("staging"))
    gate = asyncio.Event()
    turn_to = LibraryFeed.turn_to

    async def late(feed: LibraryFeed, client: "Client", kind: Kind, text: str) -> None:
        await gate.wait()
        await turn_to(feed, client, kind, text)

    monkeypatch.setattr(LibraryFeed, "turn_to", late)
    async with app.run_test(size=(140, 30)) as pilot:
        await until(pilot, lambda: app.connection_words == "" and app.board.feed.window.loaded, "connected")
        for keys, title in (
            (("f8", "j", "e"), "agent/author"),
            (("tab", "tab", "tab", "tab", "e"), "environment/staging"),
        ):
            gate.clear()
            for key in keys:
                app.post_message(events.Key(key, key if len(key) == 1 else None))
            await until(pilot, lambda: isinstance(app.screen, LibraryScreen) and app.screen.coming, "a list that comes")
            await settled(pilot)
            assert isinstance(app.screen, LibraryScreen)
            gate.set()
            await until(pilot, lambda: isinstance(app.screen, EditingScreen), "edited")
            await until(pilot, lambda title=title: title in screen_text(pilot), title)
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, LibraryScreen), "the library again")


async def test_an_entry_stays_whole_while_the_list_is_fetched_anew(
    app: StigmerApp, backend: ScriptedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is shown can be edited at any moment, also in the one in which something changed on the server."""
    backend.add_agent("reviewer")
    async with app.run_test(size=(140, 30)) as pilot:
        screen = await opened(pilot, app)
        gate, asked = asyncio.Event(), asyncio.Event()
        client = await app.client()
        listed = client.resources.list

        async def late(kind: "ApiResourceKind.ValueType", *args: object, **more: object) -> object:
            asked.set()
            await gate.wait()
            return await listed(kind)

        monkeypatch.setattr(client.resources, "list", late)
        backend.resources.add(environment("staging"))
        await until(pilot, asked.is_set, "fetched anew")
        assert screen.table.selected is not None
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, EditingScreen), "edited")
        gate.set()


async def test_the_filter_asks_the_server(app: StigmerApp, backend: ScriptedBackend) -> None:
    """And escape shows all again."""
    for number in range(30):
        backend.add_agent(f"agent-{number}")
    async with app.run_test() as pilot:
        screen = await opened(pilot, app)
        await pilot.press("slash")
        await typed(pilot, "agent-7")
        await pilot.press("enter")
        await until(pilot, lambda: len(screen.feed.entries) == 3, "few are left")
        assert screen.feed.entries[0].name == "agent-7", "what contains it comes first"
        assert any(
            isinstance(call.request, ListResourcesRequest) and call.request.filter.text == "agent-7"
            for call in backend.calls_of("ListResources")
        )
        await pilot.press("escape")
        await until(pilot, lambda: len(screen.feed.entries) == 31, "all of them")
        await pilot.press("slash")
        await typed(pilot, "agt29")
        await until(pilot, lambda: [each.name for each in screen.feed.entries] == ["agent-29"], "by its letters")


async def test_long_lists_are_fetched_as_far_as_one_looks(app: StigmerApp, backend: ScriptedBackend) -> None:
    """The end of what is there leads to more."""
    for number in range(450):
        backend.resources.add(environment(f"e{number:03}"))
    async with app.run_test() as pilot:
        screen = await opened(pilot, app)
        await pilot.press("tab", "tab", "tab", "tab")
        await until(pilot, lambda: len(screen.feed.entries) == 200, "a page")
        assert "450" in screen_text(pilot)
        await pilot.press("G")
        await until(pilot, lambda: len(screen.feed.entries) == 400, "another page")
        await pilot.press("G")
        await until(pilot, lambda: len(screen.feed.entries) == 450, "all of them")


async def test_deleting_takes_two_presses_and_says_what_goes_along(
    app: StigmerApp, backend: ScriptedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one only asks; then it waits, and is taken back or done."""
    monkeypatch.setattr(library_deleting, "UNDO_SECONDS", 2)
    backend.resources.add(environment("staging"))
    backend.resources.along = [DeleteResourceResponse.Dependant(id="x", name="staging-default")]
    async with app.run_test(size=(120, 30)) as pilot:
        screen = await opened(pilot, app)
        await pilot.press("tab", "tab", "tab", "tab")
        await until(pilot, lambda: len(screen.feed.entries) == 1, "the environment")
        await pilot.press("d")
        await until(pilot, lambda: "with it staging-default" in screen_text(pilot), "what goes along")
        await pilot.press("d")
        await until(pilot, lambda: "u keeps it" in screen_text(pilot), "it waits")
        await pilot.press("u")
        await until(pilot, lambda: "staging stays" in screen_text(pilot), "it is kept")
        assert all(dry_runs(backend))
        await pilot.press("d", "d")
        await until(pilot, lambda: "None yet" in screen_text(pilot), "it is gone")
        asked = dry_runs(backend)
        assert asked.count(False) == 1
        assert not asked[-1]


async def test_running_leads_to_the_composer(app: StigmerApp, backend: ScriptedBackend) -> None:
    """With the agent chosen."""
    agent = backend.add_agent("reviewer")
    async with app.run_test() as pilot:
        await opened(pilot, app)
        await pilot.press("r")
        await until(pilot, lambda: app.screen is app.board, "the board")
        assert app.agent == agent.metadata.slug
        assert "reviewer" in screen_text(pilot)
        await typed(pilot, "look at main")
        await pilot.press("enter")
        await until(pilot, lambda: bool(backend.calls_of("create")), "the run")
        assert "look at main" in str(backend.calls_of("create")[0].request)


async def test_a_narrow_screen_shows_one_of_the_two(app: StigmerApp, backend: ScriptedBackend) -> None:
    """Enter reads, escape goes back."""
    backend.add_agent("reviewer")
    async with app.run_test() as pilot:
        screen = await opened(pilot, app)
        await pilot.press("enter")
        await until(pilot, lambda: "metadata:" in screen_text(pilot), "the document")
        assert screen.document.has_focus
        await pilot.press("escape")
        await settled(pilot)
        assert screen.table.has_focus
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.board, "the board")


async def test_names_are_drawn_and_never_obeyed(app: StigmerApp, backend: ScriptedBackend) -> None:
    """Whatever somebody called a thing."""
    sendable = [text for text in HOSTILE if text.encode("utf-8", "replace").decode() == text]
    for number, text in enumerate(sendable):
        made = environment(f"h{number}", text)
        made.environment.metadata.name = text
        backend.resources.add(made)
    async with app.run_test(size=(140, 40)) as pilot:
        await opened(pilot, app)
        await pilot.press("tab", "tab", "tab", "tab")
        await until(pilot, lambda: "h0" in screen_text(pilot), "environments")
        for _ in sendable:
            await pilot.press("j")
        await settled(pilot)
        assert not any(ord(letter) < 32 and letter != "\n" for letter in screen_text(pilot))
