"""The doctor: every check at once, each with a deadline; what was found is drawn and never obeyed."""

import asyncio
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.geometry import Size

from stigmer_apis.home import Home
from stigmer_tui.app import StigmerApp
from stigmer_tui.checks import examining
from stigmer_tui.checks.examining import examine
from stigmer_tui.checks.finding import Finding, Health, absent, bad, good
from stigmer_tui.checks.machine import check_home, check_sockets
from stigmer_tui.screens.doctor import DoctorScreen, rows_of
from tests.support.scripted_backend import ScriptedBackend
from tests.tui.hostile import HOSTILE
from tests.tui.support import screen_text, until
from tests.tui.test_looks import LOOKS, SIZES, same, shown

FOUND = (
    good("home", "/home/ada/.stigmer, 73.9 GB free"),
    bad("settings", "3 set", "log.levle is no setting: did you mean log.level?"),
    good("store", "1204 executions, 88.1 MB"),
    absent("ollama", "Ollama is not reachable at http://127.0.0.1:11434", "Start it with `ollama serve`."),
    good("terminal", "80x24, xterm"),
)


async def test_a_check_that_hangs_is_said_to_hang(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others answer; the order stays; nothing waits for ever."""
    home.prepare()

    async def hangs() -> list[Finding]:
        await asyncio.Event().wait()
        return []

    monkeypatch.setattr(examining, "check_ollama", hangs)
    found = await examine(home, None, deadline=0.2)
    by_subject = {each.subject: each for each in found}
    assert by_subject["ollama"].health is Health.BAD
    assert by_subject["home"].health is Health.GOOD
    assert by_subject["pty"].health is Health.GOOD
    assert [each.subject for each in found][:2] == ["home", "settings"]


def test_what_is_wrong_says_how_to_mend_it(tmp_path: Path) -> None:
    """A home that is a file; sockets that are not there, or are open to others."""
    (tmp_path / "file").touch()
    (found,) = check_home(Home(root=tmp_path / "file", run=tmp_path / "run"))
    assert found.health is Health.BAD
    assert found.remedy
    home = Home(root=tmp_path / "h", run=tmp_path / "r")
    home.prepare()
    home.operator_socket.touch(0o666)
    home.operator_socket.chmod(0o666)
    opened, missing = check_sockets(home)
    assert "open to others" in opened.detail
    assert "stigmer server restart" in missing.remedy


def test_rows_hold_everything_in_any_width() -> None:
    """Nothing is cut, and no control code comes through."""
    for width in (1, 20, 60, 200):
        for text in HOSTILE:
            drawn = "".join(piece for row in rows_of(bad("x", text, text), width) for piece, _ in row)
            assert drawn.isprintable()
    rows = rows_of(FOUND[3], 40)
    assert "".join(piece for row in rows for piece, _ in row).replace(" ", "").count("ollamaserve") == 1


async def test_the_daemon_is_asked(app: StigmerApp, backend: ScriptedBackend) -> None:
    """What it says of itself stands there; r looks again; y copies how to mend; escape goes back."""
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.connection_words == "" and app.board.feed.window.loaded, "connected")
        app.run_written("doctor")
        await until(pilot, lambda: "daemon" in screen_text(pilot) and "pty" in screen_text(pilot), "findings")
        await pilot.press("Y")
        assert "home" in app.clipboard
        assert "terminal" in app.clipboard
        await pilot.press("r", "y")
        await until(pilot, lambda: "looking" not in screen_text(pilot), "again")
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.board, "back")


async def test_what_is_found_is_shown_while_more_is_looked_for(
    app: StigmerApp, backend: ScriptedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One check that takes long hides none of the others."""
    gate = asyncio.Event()

    async def late() -> list[Finding]:
        await gate.wait()
        return [good("ollama", "it answers at last")]

    monkeypatch.setattr(examining, "check_ollama", late)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.connection_words == "" and app.board.feed.window.loaded, "connected")
        app.run_written("doctor")
        await until(pilot, lambda: "pty" in screen_text(pilot) and "looking …" in screen_text(pilot), "what is known")
        gate.set()
        await until(pilot, lambda: "it answers at last" in screen_text(pilot), "the last one")
        await until(pilot, lambda: "looking …" not in screen_text(pilot), "and no more")


@SIZES
@LOOKS
async def test_the_doctor(
    app: StigmerApp,
    backend: ScriptedBackend,
    snapshot: SnapshotAssertion,
    monkeypatch: pytest.MonkeyPatch,
    size: tuple[int, int],
    light: bool,
) -> None:
    """Something to mend, something absent, the rest well."""

    async def found(home: Home, client: object, told: object) -> list[Finding]:
        return list(FOUND)

    monkeypatch.setattr("stigmer_tui.screens.doctor.examine", found)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.connection_words == "" and app.board.feed.window.loaded, "connected")
        app.run_written("doctor")
        await until(pilot, lambda: isinstance(app.screen, DoctorScreen), "the doctor")
        await shown(pilot, app, light, "1 to mend")
        assert app.size == Size(*size)
        assert same(app, snapshot)
