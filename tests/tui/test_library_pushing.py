"""Pushing a skill from the library, against the real backend: choosing, what keeps it from it, the result, its versions."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from textual.pilot import Pilot

from stigmer_tui.app import StigmerApp
from stigmer_tui.completion.folders import folders_at
from stigmer_tui.screens.library import LibraryScreen
from stigmer_tui.screens.library_history import HistoryScreen
from stigmer_tui.screens.library_pushing import PushScreen
from tests.support.served_backend import Served, serve_backend
from tests.tui.hostile import HOSTILE
from tests.tui.support import screen_text, settled, typed, until


@pytest.fixture
async def served(short_tmp: Path) -> AsyncIterator[Served]:
    """A real backend in memory."""
    async with serve_backend(short_tmp, storage="memory:") as backend:
        yield backend


def write_skill(folder: Path, body: str = "Dig.") -> Path:
    """A folder that can be pushed."""
    folder.mkdir(exist_ok=True)
    (folder / "SKILL.md").write_text(f"---\nname: {folder.name}\ndescription: How to dig\n---\n{body}\n")
    return folder


async def pushing(pilot: Pilot[int], app: StigmerApp) -> PushScreen:
    """By the key of the library."""
    await until(pilot, lambda: app.connection_words == "" and app.board.feed.window.loaded, "connected")
    app.run_written("skills")
    await until(
        pilot, lambda: isinstance(app.screen, LibraryScreen) and "n chooses one" in screen_text(pilot), "none yet"
    )
    await pilot.press("n")
    await until(pilot, lambda: isinstance(app.screen, PushScreen), "the place to push")
    assert isinstance(app.screen, PushScreen)
    return app.screen


async def test_choosing_and_pushing(served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a few letters; its files and limits are shown; what is pushed has versions; the same again makes none."""
    monkeypatch.chdir(tmp_path)
    skill = write_skill(tmp_path / "digging")
    (skill / "tools").mkdir()
    (skill / "tools" / "spade.sh").write_text("#!/bin/sh\n")
    (skill / "left.log").write_text("left out")
    (skill / ".skillignore").write_text("*.log\n")
    (tmp_path / "other").mkdir()
    app = StigmerApp(served.home, start_daemon=False)
    async with app.run_test(size=(110, 30)) as pilot:
        screen = await pushing(pilot, app)
        await until(pilot, lambda: "digging/" in screen_text(pilot), "folders")
        assert "10,000 files" in screen_text(pilot)
        await pilot.press("tab")
        await until(pilot, lambda: "2 files" in screen_text(pilot), "what would be pushed")
        assert screen.source.value == "digging/"
        assert "tools/spade.sh" in screen_text(pilot)
        assert "left.log" not in screen_text(pilot)
        await pilot.press("tab")
        await typed(pilot, "stable")
        await pilot.press("enter")
        await until(
            pilot, lambda: isinstance(app.screen, LibraryScreen) and "created: version" in screen_text(pilot), "pushed"
        )
        write_skill(skill, "Dig deeper.")
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, PushScreen), "again")
        await typed(pilot, "digging/")
        await until(pilot, lambda: "✓ digging" in screen_text(pilot), "read")
        await pilot.press("enter")
        await until(pilot, lambda: "updated: version" in screen_text(pilot), "pushed again")
        await pilot.press("H")
        await until(
            pilot, lambda: isinstance(app.screen, HistoryScreen) and "2 versions" in screen_text(pilot), "versions"
        )
        await until(
            pilot, lambda: "tag stable" in screen_text(pilot) and "Dig deeper." in screen_text(pilot), "what changed"
        )


async def test_what_keeps_it_from_being_pushed(served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No description, no ZIP, nothing there: said, and nothing is pushed; any name is drawn and not obeyed."""
    monkeypatch.chdir(tmp_path)
    nameless = tmp_path / "nameless"
    nameless.mkdir()
    (nameless / "SKILL.md").write_text("nothing in front")
    (tmp_path / "broken.zip").write_bytes(b"no zip")
    strange = write_skill(tmp_path / "strange")
    for number, text in enumerate(HOSTILE[:8]):
        name = "".join(letter for letter in text if letter.isprintable() and letter not in "/\\")[:40]
        (strange / f"{number}{name}").write_text("x")
    app = StigmerApp(served.home, start_daemon=False)
    async with app.run_test(size=(110, 30)) as pilot:
        screen = await pushing(pilot, app)

        def told() -> str:
            return "".join(each.what for each in screen.problems.problems) + screen_text(pilot)

        for written, said in (
            ("nameless", "no front matter"),
            ("broken.zip", "is no ZIP that can be read"),
            ("nowhere", "Nothing here is a skill"),
        ):
            screen.source.value = written
            await until(pilot, lambda said=said: said in told(), said)
            await pilot.press("enter")
            await until(pilot, lambda: "nothing to push yet" in screen_text(pilot), "refused")
        screen.source.value = str(strange)
        await until(pilot, lambda: "✓ strange" in screen_text(pilot), "names of any kind")
        await settled(pilot)
        assert not any(ord(letter) < 32 and letter != "\n" for letter in screen_text(pilot))


def test_folders_are_found_as_a_shell_finds_them(tmp_path: Path) -> None:
    """Skills first; hidden ones where a dot is written; nothing where nothing can be read."""
    for name in ("alpha", "beta", ".hidden"):
        (tmp_path / name).mkdir()
    write_skill(tmp_path / "zeta")
    (tmp_path / "packed.zip").touch()
    (tmp_path / "file.txt").touch()
    assert [each.path for each in folders_at("", tmp_path, 10)] == ["packed.zip", "zeta/", "alpha/", "beta/"]
    assert [each.path for each in folders_at("bt", tmp_path, 10)] == ["beta/"]
    assert [each.path for each in folders_at(".h", tmp_path, 10)] == [".hidden/"]
    assert [each.path for each in folders_at(f"{tmp_path}/zet", Path("/"), 10)] == [f"{tmp_path}/zeta/"]
    assert folders_at("nowhere/x", tmp_path, 10) == []
    assert folders_at("\x00", tmp_path, 10) == []
