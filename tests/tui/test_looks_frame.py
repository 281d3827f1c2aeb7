"""What the frame looks like: every theme, the command line, the leader key's panel, the help, the list of themes, tabs and jump labels."""

import pytest
from syrupy.assertion import SnapshotAssertion

from stigmer_tui.app import StigmerApp
from stigmer_tui.screens.board import BoardScreen
from stigmer_tui.screens.run import RunScreen
from stigmer_tui.theme.palettes import LOOKS
from tests.support.scripted_backend import ScriptedBackend
from tests.tui.support import StoppedClock, screen_text, settled, until
from tests.tui.test_looks import fill, same


@pytest.mark.parametrize("name", list(LOOKS))
async def test_every_theme(
    app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock, snapshot: SnapshotAssertion, name: str
) -> None:
    """The board in it, with the leader key's panel over it."""
    fill(backend, clock)
    app.theme = name
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: "runs" in screen_text(pilot).splitlines()[0], "the list")
        await pilot.press("escape", "space")
        await until(pilot, lambda: "+tabs" in screen_text(pilot), "the panel")
        assert same(app, snapshot)


SMALL, LARGE = (80, 24), (160, 48)


@pytest.mark.parametrize(
    ("what", "size", "light"),
    [
        *((what, SMALL, False) for what in ("command", "wrong", "leader", "help", "themes", "jump", "tabs")),
        *((what, LARGE, True) for what in ("command", "help", "tabs")),
    ],
    ids=str,
)
async def test_over_the_board(
    app: StigmerApp,
    backend: ScriptedBackend,
    clock: StoppedClock,
    snapshot: SnapshotAssertion,
    what: str,
    size: tuple[int, int],
    light: bool,
) -> None:
    """What lies over it."""
    fill(backend, clock)
    app.theme = "light" if light else "dark"
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "runs" in screen_text(pilot).splitlines()[0], "the list")
        await pilot.press("escape")
        await settled(pilot)
        match what:
            case "command":
                await pilot.press("colon", *"ru")
                await until(pilot, lambda: "Open a run by its id" in screen_text(pilot), "completions")
            case "wrong":
                await pilot.press("colon", *"rnus", "enter")
                await until(pilot, lambda: "did you mean" in screen_text(pilot), "what is wrong")
            case "leader":
                await pilot.press("space", "t")
                await until(pilot, lambda: "new tab" in screen_text(pilot), "the panel")
            case "help":
                await pilot.press("question_mark")
                await until(pilot, lambda: "esc closes" in screen_text(pilot), "the help")
            case "themes":
                app.choose_theme("")
                await until(pilot, lambda: "enter takes it" in screen_text(pilot), "the themes")
            case "jump":
                await pilot.press("f")
                await until(pilot, lambda: " s " in screen_text(pilot), "the labels")
            case _:
                await pilot.press("alt+t")
                await until(pilot, lambda: isinstance(app.screen, RunScreen), "a tab")
                await pilot.press("alt+1")
                await until(pilot, lambda: isinstance(app.screen, BoardScreen), "the first one")
                await until(pilot, lambda: screen_text(pilot).startswith(" 1 runs"), "the strip")
        await settled(pilot)
        assert same(app, snapshot)
