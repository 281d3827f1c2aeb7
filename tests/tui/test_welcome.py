"""How one begins: what an empty list says, the commands that it names, and a colon where nothing is written."""

import asyncio

import pytest

from stigmer_tui.actions.commands import understand
from stigmer_tui.app import StigmerApp
from stigmer_tui.screens.command import CommandScreen
from stigmer_tui.widgets.board.welcome import MOST, welcome
from tests.support.scripted_backend import ScriptedBackend
from tests.tui.support import screen_text, settled, typed, until


@pytest.mark.parametrize("model", [True, False])
@pytest.mark.parametrize("shell", [True, False])
def test_every_command_that_it_names_is_one(model: bool, shell: bool) -> None:
    """And its lines have room in 80 columns, or are not there where the screen is low."""
    lines = welcome(shell=shell, model=model, rows=18)
    assert len(lines) <= MOST
    for line in lines:
        assert len("".join(text for text, _ in line)) <= 78
        first = line[0][0].strip()
        if first.startswith(":"):
            understand(first[1:])
    assert len(welcome(shell=shell, model=model, rows=4)) == 2
    assert len(welcome(shell=shell, model=None, rows=18)) == 2


async def test_the_commands_of_the_beginning(
    app: StigmerApp, backend: ScriptedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A colon leads to them; they get the terminal; what means nothing is said."""
    ran: list[tuple[str, ...]] = []

    async def run(*words: str) -> None:
        await asyncio.sleep(0)
        ran.append(words)

    monkeypatch.setattr(app, "run_command", run)
    async with app.run_test() as pilot:
        await until(pilot, lambda: "Agents need a model" in screen_text(pilot), "how to begin")
        await typed(pilot, "a:")
        await settled(pilot)
        assert app.board.composer.text == "a:"
        app.board.composer.write("")
        await pilot.press("colon")
        await until(pilot, lambda: isinstance(app.screen, CommandScreen), "the command line")
        await typed(pilot, "key anthropic")
        await pilot.press("enter")
        await until(pilot, lambda: ran == [("secrets", "provider", "set", "anthropic")], "the key is asked for")
        for line in ("demo", "pull qwen3"):
            app.run_written(line)
        await until(pilot, lambda: ran[1:] == [("demo",), ("models", "pull", "qwen3")], "the others")
        app.run_written("key nobody")
        await until(pilot, lambda: "Name whose key it is" in screen_text(pilot), "refused")
        assert len(ran) == 3
