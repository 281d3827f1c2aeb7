"""What is written: history, drafts, several rows."""

import json
import stat
from pathlib import Path

import pytest

from stigmer_apis.home import Home
from stigmer_tui.app import StigmerApp
from stigmer_tui.widgets.composer.drafts import Drafts
from stigmer_tui.widgets.composer.history import KEPT, LONGEST, History, Recall
from stigmer_tui.widgets.prompt_line import PromptLine
from tests.support.scripted_backend import ScriptedBackend
from tests.tui.support import screen_text, settled, typed, until


def test_history_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    """0600; repeats, blanks and what begins with a space are not kept."""
    path = tmp_path / "history.jsonl"
    history = History(path)
    for line in ("make", "make", " secret", "   ", "two\nrows", "make"):
        history.add(line)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert History(path).lines == ["make", "two\nrows", "make"]


def test_history_is_bounded(tmp_path: Path) -> None:
    """In lines and in their length; the file too."""
    path = tmp_path / "history.jsonl"
    path.write_bytes(b"".join(json.dumps(f"line {n}").encode() + b"\n" for n in range(3 * KEPT)))
    history = History(path)
    assert history.lines[0] == f"line {2 * KEPT}"
    assert len(path.read_bytes().splitlines()) == KEPT
    history.add("x" * (LONGEST + 1))
    assert history.lines[-1].startswith("xx")
    assert History(path).lines[-1] == f"line {3 * KEPT - 1}"


def test_a_torn_history_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    """And one that cannot be written stops nobody."""
    path = tmp_path / "history.jsonl"
    path.write_bytes(b'"one"\n{"not": "a line"}\n"torn\n\xff\xfe\n"two"\n')
    assert History(path).lines == ["one", "two"]
    History(tmp_path / "missing" / "history.jsonl").add("line")


def test_recalling_goes_back_and_forth(tmp_path: Path) -> None:
    """What was being written comes back at the end."""
    history = History(tmp_path / "h")
    history.lines = ["one", "two"]
    recall = Recall(history)
    assert recall.newer() is None
    assert [recall.older("draft"), recall.older("two"), recall.older("one")] == ["two", "one", None]
    assert [recall.newer(), recall.newer(), recall.newer()] == ["two", "draft", None]


def test_drafts_are_found_again(tmp_path: Path) -> None:
    """0600, by their places; empty ones are forgotten; a torn file is empty."""
    path = tmp_path / "drafts.json"
    drafts = Drafts(path)
    drafts.put("board", "half a li")
    drafts.put("aex-1", "gone")
    drafts.put("aex-1", "")
    drafts.save()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (Drafts(path).get("board"), Drafts(path).get("aex-1")) == ("half a li", "")
    path.write_bytes(b'["not", "drafts"]')
    assert Drafts(path).get("board") == ""
    path.write_bytes(b"{torn")
    assert Drafts(path).get("board") == ""


async def test_several_rows_and_the_history(app: StigmerApp, backend: ScriptedBackend) -> None:
    """Enter sends, other keys and a backslash begin another row; up and down move in rows first, then in the history."""
    async with app.run_test() as pilot:
        composer = app.board.composer
        assert app.focused is composer
        await typed(pilot, "echo one \\\ntwo")
        await pilot.press("alt+enter")
        await typed(pilot, "three")
        await pilot.press("ctrl+o")
        await settled(pilot)
        assert composer.text == "echo one \\\ntwo\nthree\n"
        assert composer.size.height == 4
        await pilot.press("enter")
        await until(pilot, lambda: len(backend.calls_of("create")) == 1, "it runs")
        assert composer.text == ""
        await until(pilot, lambda: app.screen is not app.board, "the run is shown")
        await pilot.press("up")
        await until(pilot, lambda: "three" in screen_text(pilot), "the history of all composers")


async def test_control_c_clears_and_never_leaves(app: StigmerApp) -> None:
    """With nothing written it says how to leave."""
    async with app.run_test() as pilot:
        await typed(pilot, "something")
        await pilot.press("ctrl+c")
        await settled(pilot)
        assert app.board.composer.text == ""
        await pilot.press("ctrl+c")
        await until(pilot, lambda: "ctrl+q leaves" in screen_text(pilot), "the hint")


async def test_a_paste_is_text(app: StigmerApp) -> None:
    """Line breaks in it send nothing; codes in it reach no terminal."""
    async with app.run_test() as pilot:
        composer = app.board.composer
        composer.insert("rm -rf /tmp/x\nrm -rf /tmp/y\n\x1b[31m")
        await settled(pilot)
        assert composer.text.count("\n") == 2
        assert "\x1b[31m" not in app.export_screenshot()


async def test_a_draft_survives_the_app(home: Home, backend: ScriptedBackend, app: StigmerApp) -> None:
    """What was not sent is there the next time."""
    async with app.run_test() as pilot:
        await typed(pilot, "not sent yet")
        await settled(pilot)
    again = StigmerApp(home, start_daemon=False)
    async with again.run_test() as pilot:
        await settled(pilot)
        assert again.board.composer.text == "not sent yet"


@pytest.mark.parametrize("choice", ["", "directory", "missing", "file"])
async def test_the_workspace_is_chosen_and_shown(
    choice: str, app: StigmerApp, backend: ScriptedBackend, tmp_path: Path
) -> None:
    """One that is no directory is refused, with words."""
    (tmp_path / "directory").mkdir()
    (tmp_path / "file").write_text("")
    async with app.run_test(size=(160, 24)) as pilot:
        await until(pilot, lambda: "each session's own directory" in screen_text(pilot), "the default")
        await pilot.press("f3")
        app.board.query_one("#workspace", PromptLine).value = str(tmp_path / choice) if choice else ""
        await pilot.press("enter")
        await settled(pilot)
        if choice in ("missing", "file"):
            assert "is no directory" in screen_text(pilot)
            assert app.workspace is None
            return
        assert app.focused is app.board.composer
        await typed(pilot, "ls\n")
        await until(pilot, lambda: bool(backend.calls_of("create")), "it runs")
        options = next(iter(backend.executions.values())).resource.spec.options
        assert options.workspace == (str(tmp_path / choice) if choice else "")
        assert options.client.columns > 60
