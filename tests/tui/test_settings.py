"""The settings screen: what is set and where it comes from, changed with checks while one writes, taken back byte for byte."""

from dataclasses import replace
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot

from stigmer_apis.config import load
from stigmer_apis.errors import ConfigError
from stigmer_apis.home import Home
from stigmer_tui.app import StigmerApp
from stigmer_tui.screens.settings import SettingsScreen
from stigmer_tui.settings.changing import Changes
from stigmer_tui.settings.entries import Way
from stigmer_tui.settings.keys import key_entries
from stigmer_tui.settings.values import value_entries
from stigmer_tui.text.width import fit
from stigmer_tui.widgets.settings.rows import cells_of, words_of
from tests.support.scripted_backend import ScriptedBackend
from tests.tui.hostile import HOSTILE
from tests.tui.support import screen_text, settled, typed, until
from tests.tui.test_looks import LOOKS, SIZES, same, shown

FILE = """\
# Mine.
tui:
  theme: auto       # follows the terminal
  keymap:
    run.search: ctrl+f, /
backend:
  local:
    llm:
      api_key: sk-very-secret-indeed
"""


async def opened(pilot: Pilot[int], app: StigmerApp, line: str = "settings") -> SettingsScreen:
    """The screen, with everything read."""
    await until(pilot, lambda: app.connection_words == "" and app.board.feed.window.loaded, "connected")
    app.run_written(line)
    await until(pilot, lambda: isinstance(app.screen, SettingsScreen) and app.screen.list.row_count() > 0, "settings")
    screen = app.screen
    assert isinstance(screen, SettingsScreen)
    await until(pilot, lambda: screen.list.has_focus, "focus")
    return screen


def test_every_setting_and_every_key_has_a_row(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """With where it comes from; what the environment says counts before the file, and is said to."""
    home.prepare()
    home.config.write_text(FILE)
    monkeypatch.setenv("LOG_LEVEL", "debug")
    configuration = load(home)
    rows = {row.key: row for row in value_entries(configuration)}
    assert set(rows) | {"tui.keymap"} == set(configuration.values)
    assert (rows["tui.theme"].origin, rows["tui.theme"].way) == ("file, line 3", Way.THEME)
    assert (rows["log.level"].origin, rows["log.level"].over_file) == ("environment, LOG_LEVEL", "LOG_LEVEL")
    assert rows["backend.local.execution.mode"].choices == ("auto", "sandbox", "landlock", "container", "local")
    assert rows["backend.local.execution.mode"].counts
    keys = {row.name: row for row in key_entries(configuration)}
    assert (keys["run.search"].value, keys["run.search"].origin) == ("ctrl+f, /", "file, line 5")
    assert keys["run.next_match"].origin == "default"


def test_secrets_are_never_in_a_row(home: Home) -> None:
    """Neither what is shown, nor what one would begin to write with, nor what is copied."""
    home.prepare()
    home.config.write_text(FILE)
    for row in value_entries(load(home)):
        assert "sk-very" not in repr(row)
    (row,) = [row for row in value_entries(load(home)) if row.key == "backend.local.llm.api_key"]
    assert (row.value, row.written, row.way) == ("********", "", Way.COMMAND)
    assert row.command[:3] == ("secrets", "provider", "set")


@pytest.mark.parametrize(
    ("key", "text", "wrong"),
    [
        ("backend.local.llm.temperature", "3", "from 0 to 2"),
        ("backend.local.llm.temperature", "0.5", ""),
        ("backend.local.execution.mode", "sandboxes", "choose one of auto"),
        ("backend.local.llm.base_url", "ftp://x", "URL"),
        ("log.files", "", "write a value"),
        ("tui.keymap.run.search", "ctrl+f", ""),
        ("tui.keymap.run.search", "nosuchkey+f", "no key"),
        ("tui.keymap.run.search", "ctrl+a", "tmux"),
        ("tui.keymap.run.next_match", "N", "both"),
        ("tui.keymap.app.quit", "none", "must keep a key"),
    ],
)
def test_values_are_checked_as_the_file_is(home: Home, key: str, text: str, wrong: str) -> None:
    """The same words as `stigmer config set`; a key that another action of the place was given is named."""
    home.prepare()
    home.config.write_text("tui:\n  keymap:\n    run.previous_match: N\n")
    configuration = load(home)
    rows = {row.key: row for row in (*value_entries(configuration), *key_entries(configuration))}
    said = rows[key].check(text)
    assert wrong in said if wrong else said == ""


def test_changes_keep_comments_and_are_taken_back(home: Home) -> None:
    """Byte for byte, the last first; not over what somebody else wrote meanwhile."""
    home.prepare()
    home.config.write_text(FILE)
    changes = Changes(home)
    changes.set("tui.title", "false")
    changes.set("log.level", "debug")
    assert "# follows the terminal" in home.config.read_text()
    assert load(home).settings.tui.title is False
    assert changes.undo() == "log.level"
    assert changes.undo() == "tui.title"
    assert home.config.read_text() == FILE
    assert changes.undo() == ""
    changes.unset("tui.theme")
    home.config.write_text(FILE + "# theirs\n")
    with pytest.raises(ConfigError, match="changed elsewhere"):
        changes.undo()
    with pytest.raises(ConfigError, match="no setting"):
        changes.replace(FILE + "# theirs\n", "tui:\n  themee: dark\n")
    assert home.config.read_text().endswith("# theirs\n")


def test_rows_hold_any_text_in_any_width(home: Home) -> None:
    """Nothing but printable characters, whatever stands in the file."""
    home.prepare()
    (row,) = [row for row in value_entries(load(home)) if row.key == "tui.theme"]
    for text in HOSTILE:
        hostile = replace(row, value=text, about=text, origin=text)
        for width in (20, 78, 158):
            drawn = "".join(piece for piece, _ in cells_of(hostile, width))
            assert drawn.isprintable()
            assert all(piece.isprintable() for pieces in words_of(hostile, width) for piece, _ in pieces)
    assert fit("x", 1) == "x"


async def test_a_value_is_changed_checked_and_taken_back(app: StigmerApp, backend: ScriptedBackend, home: Home) -> None:
    """By going through the choices, by writing; wrong ones stay in the line; `u` takes back; `d` takes out."""
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, app)
        screen.list.select("tui.preset")
        await pilot.press("l")
        await until(pilot, lambda: app.settings.tui.preset.value == "vim" or "preset: vim" in config(home), "vim")
        await until(pilot, lambda: "file, line 2" in screen_text(pilot), "where it comes from")
        screen.list.select("backend.local.llm.temperature")
        await pilot.press("enter")
        await typed(pilot, "7")
        await until(pilot, lambda: "from 0 to 2" in screen_text(pilot), "checked")
        await pilot.press("enter")
        assert screen.value_line.has_focus
        await pilot.press("backspace")
        await typed(pilot, "1.5")
        await until(pilot, lambda: "✓ enter writes it" in screen_text(pilot), "right")
        await pilot.press("enter")
        await until(pilot, lambda: "temperature: 1.5" in config(home), "written")
        await pilot.press("u")
        await until(pilot, lambda: "temperature" not in config(home), "taken back")
        screen.list.select("tui.preset")
        await pilot.press("d")
        await until(pilot, lambda: "preset" not in config(home), "taken out")
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.board, "back")


async def test_keys_panes_and_columns(app: StigmerApp, backend: ScriptedBackend, home: Home) -> None:
    """A key is given, the filter finds an action by its words; panes go through three; columns are asked for on the board."""
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, app, "settings keys run.search")
        screen.list.select("tui.keymap.run.search")
        await pilot.press("enter")
        screen.value_line.value = "ctrl+f, /"
        await pilot.press("enter")
        await until(pilot, lambda: "run.search" in config(home), "written")
        assert load(home).settings.tui.keymap.entries[0].keys == "ctrl+f, /"
        await pilot.press("escape", "tab")
        await settled(pilot)
        screen.list.select("run.panes")
        await pilot.press("l")
        await until(pilot, lambda: "under" in (home.root / "layout.json").read_text(), "under")
        screen.list.select("board.columns")
        await pilot.press("enter")
        await until(pilot, lambda: "Columns, from left to right" in screen_text(pilot), "columns")


async def test_a_broken_file_is_said_and_mended(
    app: StigmerApp, backend: ScriptedBackend, home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The line is named; the whole file goes to the editor, and is written only where it is understood."""
    home.prepare()
    home.config.write_text("log:\n  levle: debug\n")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.connection_words == "" and app.board.feed.window.loaded, "connected")
        app.run_written("settings")
        await until(pilot, lambda: "did you mean log.level" in screen_text(pilot), "said")
        given: list[str] = []
        answers = ["log:\n  levels: debug", "log:\n  level: debug"]

        async def edit(text: str) -> str | None:
            given.append(text)
            return answers.pop(0)

        monkeypatch.setattr(app, "edit", edit)
        await pilot.press("ctrl+g")
        await until(pilot, lambda: "Nothing was written" in screen_text(pilot), "refused")
        await pilot.press("ctrl+g")
        await until(pilot, lambda: config(home) == "log:\n  level: debug\n", "written")
        assert given[1] == "log:\n  levels: debug\n"


def config(home: Home) -> str:
    """What stands in the file."""
    return home.config.read_text() if home.config.exists() else ""


@SIZES
@LOOKS
async def test_the_settings(
    app: StigmerApp,
    backend: ScriptedBackend,
    home: Home,
    snapshot: SnapshotAssertion,
    size: tuple[int, int],
    light: bool,
) -> None:
    """Some set, one about to be."""
    home.prepare()
    home.config.write_text("tui:\n  preset: vim\n  notifications:\n    done: false\n")
    app.settings.read()
    app.take_settings()
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot, app)
        screen.list.select("tui.progress")
        await pilot.press("enter")
        screen.value_line.value = "sometimes"
        await until(pilot, lambda: "choose one of" in screen_text(pilot), "checked")
        await shown(pilot, app, light, "choose one of")
        assert same(app, snapshot)
