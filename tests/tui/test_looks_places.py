"""What places and their states look like that have no other picture: history, pushing a skill, the palette, lists that are empty or wrong."""

from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.stigmer.resource.v1 import resource_service_pb2 as rs
from stigmer_tui.app import StigmerApp
from stigmer_tui.screens.run import RunScreen
from stigmer_tui.screens.workflow import WorkflowScreen
from tests.support.scripted_backend import ScriptedBackend
from tests.tui import workflow_scripts as script
from tests.tui.pictures import SMALL, pictures
from tests.tui.support import MOMENT, StoppedClock, screen_text, until
from tests.tui.test_looks import add, add_three_agents, fill
from tests.tui.test_workflow_view import stored

_HOUR = 3600
BEFORE = "You review code.\nBe brief.\n"
AFTER = "You review code.\nBe brief, and name the line.\nNever change files.\n"


async def connected(pilot: Pilot[int], app: StigmerApp) -> None:
    """The list is there."""
    await until(pilot, lambda: app.connection_words == "" and app.board.feed.window.loaded, "connected")


async def test_the_history(
    app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock, snapshot: SnapshotAssertion
) -> None:
    """Versions, and what has changed since the selected one."""
    add_three_agents(backend, "3", AFTER)
    for number, (author, event, message, text) in enumerate(
        (
            ("local-user", "restored", "", AFTER),
            ("ci", "updated", "shorter answers", BEFORE),
            ("local-user", "created", "", AFTER),
        )
    ):
        resource = rs.Resource(agent=backend.agents[1])
        resource.agent.spec.instructions = text
        backend.resources.past.append(
            rs.ListVersionsResponse.Version(
                version_id=str(3 - number),
                time_unix_micros=int((MOMENT - 5 * _HOUR * (number + 1)) * 1e6),
                author=author,
                event=event,
                message=message,
                resource=resource,
            )
        )
    async with app.run_test(size=SMALL) as pilot:
        await connected(pilot, app)
        app.run_written("agents reviewer")
        await until(pilot, lambda: "as a stranger" in screen_text(pilot), "the library")
        await pilot.press("H")
        await until(pilot, lambda: "3 versions" in screen_text(pilot), "versions")
        await pilot.press("j")
        await pictures(pilot, app, snapshot, "since version 2")


@pytest.mark.parametrize("state", ["nowhere", "chosen"])
async def test_pushing_a_skill(
    app: StigmerApp,
    backend: ScriptedBackend,
    snapshot: SnapshotAssertion,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    state: str,
) -> None:
    """Where to look, and what would be pushed."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "project" / "digging" / "tools").mkdir(parents=True)
    (tmp_path / "project" / "digging" / "tools" / "spade.sh").write_text("#!/bin/sh\n")
    (tmp_path / "project" / "docs").mkdir()
    manifest = "---\nname: digging\ndescription: How to dig\n---\nDig.\n"
    (tmp_path / "project" / "digging" / "SKILL.md").write_text(manifest)
    app.workspace = tmp_path / "project"
    async with app.run_test(size=SMALL) as pilot:
        await connected(pilot, app)
        app.run_written("skills")
        await until(pilot, lambda: "n chooses one" in screen_text(pilot), "none yet")
        await pilot.press("n")
        await until(pilot, lambda: "docs/" in screen_text(pilot), "folders")
        if state != "nowhere":
            await pilot.press("tab")
        words = {"nowhere": "Choose a folder", "chosen": "enter pushes it"}[state]
        await until(pilot, lambda: words in screen_text(pilot), words)
        await pictures(pilot, app, snapshot, words)


@pytest.mark.parametrize("written", ["", "rev"])
async def test_the_palette(
    app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock, snapshot: SnapshotAssertion, written: str
) -> None:
    """Everything that works here; what fits some letters, the best first."""
    add_three_agents(backend, "3", AFTER)
    fill(backend, clock)
    add(backend, clock, 30, 31, "review what changed since Monday", enums.EXECUTION_IN_PROGRESS)
    clock.now = MOMENT
    async with app.run_test(size=SMALL) as pilot:
        await connected(pilot, app)
        await pilot.press("escape")
        await pilot.press("ctrl+p", *written)
        words = "Reads a change" if written else "Show only runs"
        await until(pilot, lambda: words in screen_text(pilot), words)
        await pictures(pilot, app, snapshot, words)


@pytest.mark.parametrize("place", ["library", "document", "definition", "input", "tabs", "views", "order"])
async def test_a_place(
    app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock, snapshot: SnapshotAssertion, place: str
) -> None:
    """Without anything in it, with something whole, with something to write into."""
    workflow = stored(script.ORDERS)
    workflow.workflow.metadata.id = "wfl-01m7xzs8a00000000000000001"
    if place != "library":
        add_three_agents(backend, "3", AFTER)
        fill(backend, clock)
        clock.now = MOMENT
    command, keys, words = {
        "library": ("skills", (), "None yet"),
        "document": ("agents reviewer", ("enter",), "name the line"),
        "definition": ("workflow orders", (), "press r to run it"),
        "input": ("run orders", tuple('{"shop"'), "Run orders with this input"),
        "tabs": ("tab agents", (), "2 library"),
        "views": ("runs", ("w",), "needs:me"),
        "order": ("runs", ("s",), "what used most tokens"),
    }[place]
    if place in ("definition", "input"):
        backend.resources.add(workflow)
    async with app.run_test(size=SMALL) as pilot:
        await connected(pilot, app)
        await pilot.press("escape")
        app.run_written(command)
        before = {"document": "as a stranger", "input": words, "views": "runs", "order": "runs"}.get(place, words)
        await until(pilot, lambda: before in screen_text(pilot), before)
        await pilot.press(*keys)
        await until(pilot, lambda: words in screen_text(pilot), words)
        await pictures(pilot, app, snapshot, words)


async def test_what_a_workflow_was(
    app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock, snapshot: SnapshotAssertion
) -> None:
    """The tree at a moment that is over."""
    run = backend.workflows.add(script.ORDERS, *script.orders_until_asked(MOMENT), name="orders")
    async with app.run_test(size=SMALL) as pilot:
        await connected(pilot, app)
        app.open_run(run)
        await until(pilot, lambda: isinstance(app.screen, WorkflowScreen) and "ship" in screen_text(pilot), "its tasks")
        await pilot.press("ctrl+t")
        await until(pilot, lambda: "REPLAY" in screen_text(pilot), "its time")
        await pictures(pilot, app, snapshot, "REPLAY")


async def test_beside_each_other(
    app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock, snapshot: SnapshotAssertion
) -> None:
    """The list, and the selected run."""
    fill(backend, clock)
    clock.now = MOMENT
    async with app.run_test(size=SMALL) as pilot:
        await connected(pilot, app)
        await pilot.press("escape", "G", "alt+d")
        await until(pilot, lambda: isinstance(app.screen, RunScreen), "the run")
        await until(pilot, lambda: "Resolving deltas" in screen_text(pilot), "what it printed")
        await pictures(pilot, app, snapshot, "alt+i goes there")
