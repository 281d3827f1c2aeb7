"""A run into a file from the app, and how often a text is found in all runs of a session."""

import json
import os
from pathlib import Path

import pytest

from stigmer_apis.home import Home
from stigmer_tui.app import StigmerApp
from tests.support.require import require_tool
from tests.support.scripted_backend import ScriptedBackend
from tests.support.workstation import new_workstation
from tests.tui.real_terminal import real_terminal
from tests.tui.support import until
from tests.tui.test_run import opened, running


async def test_a_run_is_written_as_the_name_says(
    app: StigmerApp, backend: ScriptedBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page, all events, a recording; the name offered is the run's; nothing is written over, and every refusal says what to do."""
    monkeypatch.chdir(tmp_path)
    run = running(backend, "make all")
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await opened(pilot, app, run)
        line = screen.exporting.line
        said: list[str] = []
        say = app.say

        def saying(text: str, *, wrong: bool = False) -> None:
            said.append(text)
            say(text, wrong=wrong)

        monkeypatch.setattr(app, "say", saying)

        async def export(name: str, says: str) -> None:
            said.clear()
            screen.set_focus(screen.output)
            await pilot.press("S")
            await until(pilot, lambda: line.display, "the line")
            if name:
                line.value = str(tmp_path / name)
            await pilot.press("enter")
            await until(pilot, lambda: says in " ".join(said), f"{name}: {says}")
            assert screen.output.has_focus

        await export("", "Exported")
        assert "make all" in (tmp_path / "make-all.md").read_text()
        await export("", "is there already")
        await export("run.html", "Exported")
        await until(pilot, (tmp_path / "run.html").exists, "the page")
        assert "<html" in (tmp_path / "run.html").read_text()
        await export("run.json", "Exported")
        await until(pilot, (tmp_path / "run.json").exists, "the events")
        assert json.loads((tmp_path / "run.json").read_text())
        await export("run.cast", "Exported")
        await until(pilot, (tmp_path / "run.cast").exists, "the recording")
        assert json.loads((tmp_path / "run.cast").read_text().splitlines()[0])["version"] == 2
        await export("run.txt", "end it with")
        await export("nowhere/run.md", "cannot be written")
        assert sorted(os.listdir(tmp_path)) == ["make-all.md", "run.cast", "run.html", "run.json"]


async def test_all_runs_of_a_session_are_counted() -> None:
    """What the server finds in the runs before counts too."""
    require_tool("bwrap")
    with new_workstation() as workstation:
        home = Home(root=workstation.home, run=workstation.home / "run")
        async with real_terminal(home, columns=110, rows=30) as terminal:
            await terminal.shows("Nothing has run yet")
            for number in range(2):
                terminal.send(f"for i in 1 2 3; do echo nee''dle {number}; done\r")
                await terminal.shows(f"needle {number}")
                await terminal.until(
                    lambda: "✓ completed" in terminal.text and "a line sent" not in terminal.text, "the end"
                )
            terminal.send("\x1b")
            await terminal.shows("/ search")
            terminal.send("/needle\r")
            await terminal.shows("of 6")
            await terminal.until(lambda: " 0 in the run" not in terminal.text, "all are counted")
            terminal.send("\x11")
            assert await terminal.ended() == 0
