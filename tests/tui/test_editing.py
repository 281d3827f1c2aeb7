"""Editing a resource in place, against the real backend: checked while one writes, never over somebody else's change, new ones, copies."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot

from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis.client import Client
from stigmer_tui.app import StigmerApp
from stigmer_tui.manifests.drafts import draft
from stigmer_tui.manifests.kinds import AGENT, AGENT_INSTANCE, DESCRIBED
from stigmer_tui.manifests.storing import Target, problems_of, read_one
from stigmer_tui.screens.editing import EditingScreen, Subject
from stigmer_tui.screens.library import LibraryScreen
from tests.support.scripted_backend import ScriptedBackend
from tests.support.served_backend import Served, serve_backend
from tests.tui.hostile import HOSTILE
from tests.tui.support import StoppedClock, screen_text, settled, typed, until
from tests.tui.test_looks import LOOKS, SIZES, same, shown


@pytest.fixture
async def served(short_tmp: Path) -> AsyncIterator[Served]:
    """A real backend in memory."""
    async with serve_backend(short_tmp, storage="memory:") as backend:
        yield backend


async def describe(served: Served, description: str) -> None:
    """Somebody applies an agent."""
    async with Client(served.home, start_daemon=False) as client:
        text = draft(AGENT, "reviewer").replace("What it is for, in one line", description)
        await client.resources.apply([read_one(text, Target(AGENT)).resource])


async def description_of(served: Served) -> str:
    """What the server has."""
    async with Client(served.home, start_daemon=False) as client:
        return (await client.resources.get(ApiResourceKind.agent, "reviewer")).agent.spec.description


async def editing(pilot: Pilot[int], app: StigmerApp, key: str) -> EditingScreen:
    """The agent `reviewer` in the library, and there a key that leads to the editor."""
    await until(pilot, lambda: app.connection_words == "" and app.board.feed.window.loaded, "connected")
    app.run_written("agents reviewer")
    await until(pilot, lambda: isinstance(app.screen, LibraryScreen) and "reviewer" in screen_text(pilot), "library")
    await pilot.press(key)
    await until(pilot, lambda: isinstance(app.screen, EditingScreen) and "✓" in screen_text(pilot), "editor")
    assert isinstance(app.screen, EditingScreen)
    return app.screen


async def test_what_is_wrong_is_said_while_one_writes(served: Served) -> None:
    """With its line; nothing is stored before it is mended; then it is."""
    await describe(served, "before")
    app = StigmerApp(served.home, start_daemon=False)
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await editing(pilot, app, "e")
        good = screen.text.text
        screen.text.text = good.replace("description: before", "descriptoin: after")
        await until(pilot, lambda: "1 to mend" in screen_text(pilot), "what is wrong")
        assert "did you mean" in screen_text(pilot)
        await pilot.press("alt+n")
        assert "descriptoin" in screen.text.document.get_line(screen.text.cursor_location[0])
        await pilot.press("alt+s")
        await until(pilot, lambda: "Nothing was stored" in screen_text(pilot), "refused")
        assert await description_of(served) == "before"
        screen.text.text = good.replace("description: before", "description: after")
        await pilot.press("alt+s")
        await until(pilot, lambda: isinstance(app.screen, LibraryScreen), "stored")
        await until(pilot, lambda: "u takes it back" in screen_text(pilot), "it can be taken back")
        assert await description_of(served) == "after"
        await pilot.press("u")
        await until(pilot, lambda: "is as in version 1 again" in screen_text(pilot), "taken back")
    assert await description_of(served) == "before"


async def test_somebody_else_changed_it_meanwhile(served: Served) -> None:
    """Nothing is overwritten; both are shown; with their version it is stored."""
    await describe(served, "before")
    app = StigmerApp(served.home, start_daemon=False)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await editing(pilot, app, "e")
        await describe(served, "theirs")
        screen.text.text = screen.text.text.replace("description: before", "description: mine")
        await pilot.press("alt+s")
        await until(pilot, lambda: "Somebody else changed it" in screen_text(pilot), "a conflict")
        await settled(pilot)
        assert "-  description: theirs" in screen_text(pilot)
        assert "+  description: mine" in screen_text(pilot)
        assert await description_of(served) == "theirs"
        await pilot.press("escape")
        await until(pilot, lambda: "Not saved" in screen_text(pilot), "one escape loses nothing")
        screen.text.text = screen.text.text.replace("id: '1'", "id: '2'")
        await pilot.press("alt+s")
        await until(pilot, lambda: isinstance(app.screen, LibraryScreen), "stored")
    assert await description_of(served) == "mine"


async def test_what_was_not_saved_is_kept(served: Served) -> None:
    """Left by two escapes, it is there again, over the end of the app too; undo gives what is stored; saved, there is no draft any more."""
    await describe(served, "stored")
    app = StigmerApp(served.home, start_daemon=False)
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await editing(pilot, app, "e")
        screen.text.text = screen.text.text.replace("description: stored", "description: written")
        await pilot.press("escape")
        await until(pilot, lambda: "stays here as a draft" in screen_text(pilot), "it is not lost")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, LibraryScreen), "left")
    app = StigmerApp(served.home, start_daemon=False)
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await editing(pilot, app, "e")
        await until(pilot, lambda: "is here again" in screen_text(pilot), "it is said")
        assert "description: written" in screen.text.text
        await pilot.press("ctrl+z")
        assert "description: stored" in screen.text.text
        await pilot.press("ctrl+y")
        await pilot.press("alt+s")
        await until(pilot, lambda: isinstance(app.screen, LibraryScreen), "stored")
        assert await description_of(served) == "written"
        screen = await editing(pilot, app, "e")
        await settled(pilot)
        assert "is here again" not in screen_text(pilot)


async def test_new_ones_and_copies(served: Served) -> None:
    """From a draft, and from what is selected; escape leaves what was not touched."""
    await describe(served, "the first")
    app = StigmerApp(served.home, start_daemon=False)
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await editing(pilot, app, "n")
        assert "new-agent" in screen.text.text
        await pilot.press("escape")
        screen = await editing(pilot, app, "c")
        assert "slug: reviewer-copy" in screen.text.text
        await pilot.press("alt+s")
        await until(pilot, lambda: isinstance(app.screen, LibraryScreen), "stored")
        await until(pilot, lambda: "reviewer-copy" in screen_text(pilot), "a copy")


async def test_what_can_be_written_is_offered(served: Served) -> None:
    """Fields, values, names of what is stored; tab and enter take, escape refuses, and without offers they write."""
    await describe(served, "first")
    app = StigmerApp(served.home, start_daemon=False)
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await editing(pilot, app, "e")
        text = screen.text
        text.text = "apiVersion: agentic.stigmer.ai/v1\nkind: Agent\nspec:\n  instructions: Be careful with it.\n"
        await pilot.press("ctrl+end", "space", "space")
        await typed(pilot, "pol")
        await until(pilot, lambda: text.completing.open, "fields")
        assert "a mapping" in screen_text(pilot)
        await pilot.press("tab")
        await typed(pilot, "prs")
        await until(pilot, lambda: text.completing.open, "fields of it")
        await pilot.press("tab")
        await until(pilot, lambda: "what changes something is asked for" in screen_text(pilot), "values")
        await pilot.press("down", "enter")
        assert text.text.endswith("  policy:\n    preset: ask")
        await pilot.press("enter", "backspace")
        await typed(pilot, "model")
        await until(pilot, lambda: text.completing.open, "fields again")
        await pilot.press("escape")
        assert not text.completing.open
        assert app.screen is screen
        await pilot.press("enter")
        assert text.text.endswith("model\n  ")
        text.text = "kind: AgentInstance\nspec:\n  agent"
        screen = EditingScreen(Subject(AGENT_INSTANCE, "spec:\n  agent:"), app)
        await app.push_screen(screen)
        await pilot.press("ctrl+end", "space")
        await until(pilot, lambda: "reviewer" in screen_text(pilot), "names of agents")
        await typed(pilot, "rvw")
        await until(pilot, lambda: screen.text.offers.offers[0].text == "reviewer", "by some of its letters")
        await pilot.press("tab")
        assert screen.text.text == "spec:\n  agent: reviewer"


async def test_the_server_is_asked_while_one_writes(served: Served) -> None:
    """What only it knows: a reference to nowhere, and a change by somebody else."""
    await describe(served, "first")
    app = StigmerApp(served.home, start_daemon=False)
    async with app.run_test(size=(110, 30)) as pilot:
        screen = await editing(pilot, app, "e")
        good = screen.text.text
        screen.text.text = f"{good}  skillRefs:\n    - nowhere\n"
        await until(pilot, lambda: "names the skill 'nowhere'" in screen_text(pilot), "a reference to nowhere")
        await pilot.press("alt+n")
        assert "nowhere" in screen.text.document.get_line(screen.text.cursor_location[0])
        screen.text.text = good.replace("description: first", "description: mine")
        await until(pilot, lambda: "can be stored" in screen_text(pilot), "mended")
        await describe(served, "theirs")
        screen.text.text += "\n"
        await until(pilot, lambda: "somebody else changed it" in screen_text(pilot), "a change by somebody else")


def test_every_draft_and_any_text_can_be_checked() -> None:
    """A draft is right as it stands; what is no document says so."""
    for kind in DESCRIBED:
        assert problems_of(draft(kind, "one"), Target(kind)) == ()
    two = f"{draft(AGENT, 'one')}---\n{draft(AGENT, 'two')}"
    assert "2 documents" in problems_of(two, Target(AGENT))[0].what
    assert "not agent/other" in problems_of(draft(AGENT, "one"), Target(AGENT, slug="other"))[0].what
    for text in (*HOSTILE[:12], "", "\ud800", "a: " * 1000):
        assert problems_of(text, Target(AGENT))


@SIZES
@LOOKS
async def test_the_editor(
    app: StigmerApp,
    backend: ScriptedBackend,
    clock: StoppedClock,
    snapshot: SnapshotAssertion,
    size: tuple[int, int],
    light: bool,
) -> None:
    """With something wrong."""
    text = draft(AGENT, "reviewer").replace("  description:", "  descriptoin:")
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.connection_words == "" and app.board.feed.window.loaded, "connected")
        await app.push_screen(EditingScreen(Subject(AGENT, text, "agt-01m7z9xn279k5nypd3dv66e4vt", "reviewer"), app))
        await shown(pilot, app, light, "1 to mend")
        assert same(app, snapshot)
