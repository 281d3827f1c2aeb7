"""Where one writes: what is offered, what is folded, what waits, the editor."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis.home import Home
from stigmer_tui.app import StigmerApp
from stigmer_tui.terminal.editor import edited
from stigmer_tui.widgets.composer.folding import FOLDED_CHARACTERS, FOLDED_ROWS, Folds
from tests.support.scripted_backend import ScriptedBackend
from tests.tui.support import run_screen, screen_text, settled, typed, until


@pytest.fixture
def workspace(app: StigmerApp, tmp_path: Path) -> Path:
    """Where new sessions work."""
    for path in ("src/board.py", "src/board_rows.py", "docs/with space.md"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("")
    app.workspace = tmp_path
    return tmp_path


async def test_files_are_completed(app: StigmerApp, workspace: Path) -> None:
    """After an @: fuzzy, chosen with the arrows, taken with tab or enter, left with escape. A shell gets the path itself."""
    app.agent = "reviewer"
    async with app.run_test() as pilot:
        composer = app.board.composer
        await typed(pilot, "see @brd")
        await until(pilot, lambda: "src/board_rows.py" in screen_text(pilot), "the offers")
        await pilot.press("down", "enter")
        await settled(pilot)
        assert composer.text == "see @src/board_rows.py "
        assert not composer.offers.display
        await typed(pilot, "@wspc")
        await until(pilot, lambda: composer.offers.display, "the offers")
        await pilot.press("tab")
        await settled(pilot)
        assert composer.text == 'see @src/board_rows.py @"docs/with space.md" '
        app.agent = "shell"
        await typed(pilot, "@wspc")
        await until(pilot, lambda: composer.offers.display, "the offers")
        await pilot.press("tab")
        await settled(pilot)
        assert composer.text.endswith(" 'docs/with space.md' ")
        await typed(pilot, "@b")
        await until(pilot, lambda: composer.offers.display, "the offers")
        await pilot.press("escape")
        await settled(pilot)
        assert not composer.offers.display
        assert app.focused is composer, "escape took the offers away, and nothing else"


async def test_the_history_is_searched(app: StigmerApp) -> None:
    """By letters; the same key goes on to the next line, escape has what was written before."""
    for line in ("make test", "git status", "make bench"):
        app.history.add(line)
    async with app.run_test() as pilot:
        composer = app.board.composer
        await typed(pilot, "mk")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "make bench" in screen_text(pilot), "the newest comes first")
        await pilot.press("ctrl+r", "enter")
        await settled(pilot)
        assert composer.text == "make test"
        await pilot.press("ctrl+r")
        await typed(pilot, "xyz")
        await pilot.press("escape")
        await settled(pilot)
        assert composer.text == "make test"


def test_what_is_long_is_folded() -> None:
    """At the limit it is not; what is folded is sent whole."""
    folds = Folds()
    rows = "\n".join("x" for _ in range(FOLDED_ROWS))
    assert folds.fold(rows) == rows
    assert folds.fold("x" * FOLDED_CHARACTERS) == "x" * FOLDED_CHARACTERS
    first, second = folds.fold(rows + "\n"), folds.fold("y" * (FOLDED_CHARACTERS + 1))
    assert first == f"[pasted {FOLDED_ROWS + 1} lines, 0.1 kB #1]"
    assert folds.unfold(f"a {first} b {second}") == f"a {rows}\n b {'y' * (FOLDED_CHARACTERS + 1)}"


async def test_a_megabyte_is_pasted_and_sent_whole(app: StigmerApp, backend: ScriptedBackend) -> None:
    """It stands as a few words; the draft and the message have all of it."""
    long = "0123456789abcde\n" * 65_536
    async with app.run_test() as pilot:
        composer = app.board.composer
        await typed(pilot, "cat <<E ")
        app.post_message(events.Paste(long))
        await until(pilot, lambda: "[pasted 65,537 lines, 1.0 MB #1]" in composer.text, "it is folded")
        assert composer.whole_text == f"cat <<E {long}"
        await pilot.press("enter")
        await until(pilot, lambda: len(backend.calls_of("create")) == 1, "it runs")
        (execution,) = backend.executions.values()
        assert execution.resource.spec.message == f"cat <<E {long}"


async def test_the_editor_has_the_text(
    app: StigmerApp, home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What is saved stands where one writes; an editor that ends with a failure changes nothing."""
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\ngrep -q fail "$1" && exit 1\nprintf "second row\\n" >> "$1"\n')
    editor.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(editor))
    assert edited("first\n") == "first\nsecond row"
    assert edited("fail") is None


@asynccontextmanager
async def three_messages_wait(app: StigmerApp, backend: ScriptedBackend) -> AsyncGenerator[Pilot[int]]:
    """A run is open that has not taken `one`, `two` and `three` yet; one writes."""
    execution_id = backend.add_execution(message="go", agent="coder")
    backend.move(execution_id, ExecutionPhase.EXECUTION_IN_PROGRESS)
    for text in ("one", "two", "three"):
        backend.send(execution_id, text)
    async with app.run_test() as pilot:
        app.open_run(execution_id)
        await until(pilot, lambda: "queued  one" in screen_text(pilot), "what waits")
        run_screen(app).set_focus(run_screen(app).composer)
        yield pilot


async def test_what_waits_is_changed(app: StigmerApp, backend: ScriptedBackend) -> None:
    """Taken back to write on, put in another order, sent at once; each message is there once."""
    async with three_messages_wait(app, backend) as pilot:
        screen = run_screen(app)

        def waiting() -> list[str]:
            return list(screen.feed.state.queued.values())

        await pilot.press("alt+up")
        await until(pilot, lambda: screen.composer.text == "three", "it is written on")
        assert waiting() == ["one", "two"]
        await pilot.press("ctrl+c", "alt+q", "J")
        await until(pilot, lambda: "queued  two" in screen_text(pilot) and waiting() == ["two", "one"], "the order")
        await pilot.press("d")
        await until(pilot, lambda: waiting() == ["two"] and " one" not in screen_text(pilot), "one was withdrawn")
        await pilot.press("n")
        await until(pilot, lambda: len(backend.calls_of("SendMessage")) == 3, "it was sent at once")
        last = backend.calls_of("SendMessage")[-1].request
        assert getattr(last, "now", False)


async def test_what_was_withdrawn_comes_back(app: StigmerApp, backend: ScriptedBackend) -> None:
    """To its place among the others; where none waits any more, to where one writes."""
    async with three_messages_wait(app, backend) as pilot:
        screen = run_screen(app)

        def waiting() -> list[str]:
            return list(screen.feed.state.queued.values())

        await pilot.press("alt+q", "u")
        await until(pilot, lambda: "No message was withdrawn" in screen_text(pilot), "nothing to take back")
        await pilot.press("down", "d")
        await until(pilot, lambda: "u brings it back" in screen_text(pilot), "withdrawn")
        assert waiting() == ["one", "three"]
        await pilot.press("u")
        await until(pilot, lambda: waiting() == ["one", "two", "three"], "it is where it was")
        for left in (2, 1, 0):
            await pilot.press("d")
            await until(pilot, lambda left=left: len(waiting()) == left, "one less")
        await until(pilot, lambda: "alt+up brings it back" in screen_text(pilot), "the last one")
        await until(pilot, lambda: screen.composer.has_focus, "where one writes")
        await pilot.press("alt+up")
        await until(pilot, lambda: screen.composer.text in ("one", "two", "three"), "it is written on")


async def test_a_line_for_the_shell(app: StigmerApp, backend: ScriptedBackend) -> None:
    """With another agent chosen, `$` is a command line all the same."""
    async with app.run_test() as pilot:
        app.agent = "reviewer"
        app.board.composer.write("$ ls -l")
        await pilot.press("enter")
        await until(pilot, lambda: len(backend.calls_of("create")) == 1, "it runs")
        (execution,) = backend.executions.values()
        assert execution.resource.spec.message == "ls -l"
        await until(pilot, lambda: app.screen is not app.board, "the run is shown")
        assert run_screen(app).feed is not None
