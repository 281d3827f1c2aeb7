"""The frame: commands, the leader key, jump labels, back and forward, tabs."""

import re

from textual import events
from textual.app import ComposeResult

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_tui.app import StigmerApp
from stigmer_tui.screens.board import BoardScreen
from stigmer_tui.screens.command import CommandScreen
from stigmer_tui.screens.help import HelpScreen
from stigmer_tui.screens.library import LibraryScreen
from stigmer_tui.screens.page import Page
from stigmer_tui.screens.run import RunScreen
from stigmer_tui.screens.workstation import WorkstationScreen
from stigmer_tui.widgets.notice import Notice
from stigmer_tui.widgets.tab_strip import TabStrip
from tests.support.scripted_backend import ScriptedBackend, line_events
from tests.tui.support import run_screen, screen_text, settled, typed, until


async def test_commands_lead_anywhere(app: StigmerApp, backend: ScriptedBackend) -> None:
    """Typed fast, right after the colon; a place with words, a run, an action by its id; a wrong one names the nearest and stays."""
    done = backend.add_execution(message="true", phase=enums.EXECUTION_COMPLETED, events=line_events("true"))
    backend.add_execution(message="false", phase=enums.EXECUTION_FAILED, events=line_events("false"))
    async with app.run_test() as pilot:
        await until(pilot, lambda: "2 runs" in screen_text(pilot), "the list")
        await pilot.press("escape")
        await pilot.press("colon", *"runs", "space", *"failed", "enter")
        await until(pilot, lambda: app.board.filter_line.value == "phase:failed", "the filter")
        assert "failed" in screen_text(pilot)
        await pilot.press("colon", *"rnus", "enter")
        await until(pilot, lambda: "did you mean `runs`?" in screen_text(pilot), "the nearest")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, BoardScreen), "the board")
        await pilot.press("colon")
        await typed(pilot, f"run {done}")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, RunScreen), "the run")
        await pilot.press("escape", "colon")
        await typed(pilot, "run.search")
        await pilot.press("enter")
        await until(pilot, lambda: app.focused is not None and app.focused.id == "search", "the search line")
        assert app.commands.lines == ["runs failed", f"run {done}", "run.search"]


async def test_a_command_typed_at_once_where_one_writes(app: StigmerApp, backend: ScriptedBackend) -> None:
    """All of its keys came before the first was looked at: none is written into the composer, none is lost, and nothing is run."""
    async with app.run_test() as pilot:
        await until(pilot, lambda: "Nothing has run" in screen_text(pilot), "the board")
        for _ in range(3):
            for name, letter in (("colon", ":"), *((letter, letter) for letter in "doctor")):
                app.post_message(events.Key(name, letter))
            app.post_message(events.Paste(" "))
            app.post_message(events.Key("enter", "\r"))
            await until(pilot, lambda: "sandbox" in screen_text(pilot), "what works on this machine")
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, BoardScreen), "the board")
            assert app.board.composer.text == ""
        assert backend.executions == {}


async def test_commands_are_completed_and_remembered(app: StigmerApp, backend: ScriptedBackend) -> None:
    """tab takes what is marked, names come from the server, up is the history."""
    async with app.run_test() as pilot:
        await until(pilot, lambda: "Nothing has run" in screen_text(pilot), "the board")
        await pilot.press("escape", "colon", *"th", "tab")
        await until(pilot, lambda: "dusk" in screen_text(pilot), "the themes")
        await pilot.press(*"dus", "tab", "enter")
        await until(pilot, lambda: app.theme == "dusk", "the theme")
        await pilot.press("escape", "colon", "up")
        await until(pilot, lambda: "theme dusk" in screen_text(pilot), "the history")
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, CommandScreen), "left")


async def test_back_and_forward(app: StigmerApp, backend: ScriptedBackend) -> None:
    """Like a browser, also where a screen was left by its own key, and deeper than screens are kept."""
    ids = [backend.add_execution(message=f"echo {number}") for number in range(10)]
    async with app.run_test() as pilot:
        await until(pilot, lambda: "10 runs" in screen_text(pilot), "the list")
        await pilot.press("escape", "f8")
        await until(pilot, lambda: isinstance(app.screen, LibraryScreen), "the library")
        await pilot.press("alt+left")
        await until(pilot, lambda: isinstance(app.screen, BoardScreen), "the board")
        await pilot.press("alt+right")
        await until(pilot, lambda: isinstance(app.screen, LibraryScreen), "the library again")
        for execution_id in ids:
            app.open_run(execution_id)
            await settled(pilot)
        await until(pilot, lambda: run_screen(app).feed.state.execution_id == ids[-1], "the last run")
        assert len(app.screen_stack) <= 8
        for execution_id in reversed(ids[:-1]):
            app.pop_screen()
            await until(
                pilot,
                lambda wanted=execution_id: (
                    isinstance(app.screen, RunScreen) and run_screen(app).feed.state.execution_id == wanted
                ),
                execution_id,
            )
        app.pop_screen()
        await until(pilot, lambda: isinstance(app.screen, LibraryScreen), "the library at last")
        app.pop_screen()
        await until(pilot, lambda: isinstance(app.screen, BoardScreen), "the board at last")


async def test_tabs(app: StigmerApp, backend: ScriptedBackend) -> None:
    """No strip for one; a dot where something goes on; each has a way back of its own; closing the last page closes the tab."""
    live = backend.add_execution(
        message="make", phase=enums.EXECUTION_IN_PROGRESS, events=line_events("make", finished=False)
    )
    async with app.run_test() as pilot:
        await until(pilot, lambda: "1 running" in screen_text(pilot), "the list")
        assert not app.board.tab_strip.display
        await pilot.press("escape", "alt+t")
        await until(pilot, lambda: isinstance(app.screen, RunScreen), "the run in a tab")
        await until(pilot, lambda: "2●" in run_screen(app).tab_strip.text, "activity")
        assert run_screen(app).feed.state.execution_id == live
        await pilot.press("escape", "alt+1")
        await until(pilot, lambda: isinstance(app.screen, BoardScreen), "the first tab")
        assert "1 runs" in screen_text(pilot).splitlines()[0]
        backend.move(live, enums.EXECUTION_COMPLETED)
        await until(
            pilot,
            lambda: "2 shell: make" in screen_text(pilot),
            "no activity any more, and no id where a name is known",
        )
        await pilot.press("space", "2")
        await until(pilot, lambda: isinstance(app.screen, RunScreen), "the second tab, by the leader key")
        await pilot.press("alt+k")
        await until(pilot, lambda: isinstance(app.screen, BoardScreen), "closed")
        app.run_written("tab agents")
        await until(pilot, lambda: isinstance(app.screen, LibraryScreen), "the library in a tab")
        assert "2 " in app.screen.query_one(TabStrip).text
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, BoardScreen), "left, and closed with it")
        assert not app.board.tab_strip.display


async def test_the_leader_key(app: StigmerApp, backend: ScriptedBackend) -> None:
    """Who knows the way sees nothing; who waits sees where the keys lead; a space where one writes is a space."""
    async with app.run_test() as pilot:
        await until(pilot, lambda: "Nothing has run" in screen_text(pilot), "the board")
        await pilot.press(*"echo", "space", *"x")
        assert app.board.composer.text == "echo x"
        await pilot.press("escape", "space", "l")
        await until(pilot, lambda: isinstance(app.screen, LibraryScreen), "the library")
        await pilot.press("space")
        await until(pilot, lambda: "library" in screen_text(pilot) and "+tabs" in screen_text(pilot), "the panel")
        await pilot.press("m")
        await until(pilot, lambda: "filter" in screen_text(pilot), "what the place can do")
        await pilot.press("slash")
        await until(pilot, lambda: app.focused is not None and app.focused.id == "library-filter", "the filter")
        await pilot.press("escape", "space", "Z")
        await until(pilot, lambda: "Nothing lies behind space Z" in screen_text(pilot), "nothing there")


async def test_jump_labels(app: StigmerApp, backend: ScriptedBackend) -> None:
    """A letter on every row and on what one writes into; the letter goes there."""
    for number in range(5):
        backend.add_execution(message=f"echo {number}")
    async with app.run_test() as pilot:
        await until(pilot, lambda: "5 runs" in screen_text(pilot), "the list")
        await pilot.press("escape", "f")
        await until(pilot, lambda: " a " in screen_text(pilot) and " d " in screen_text(pilot), "the labels")
        await pilot.press("d")
        await until(pilot, lambda: app.board.table.cursor == 2, "the third row")
        await pilot.press("f", "h")
        await until(pilot, lambda: app.focused is app.board.composer, "the composer")


async def test_the_palette_finds_runs_agents_and_sessions(app: StigmerApp, backend: ScriptedBackend) -> None:
    """By some letters; text of others is text."""
    execution_id = backend.add_execution(message="[@click=app.quit]deploy[/] the site")
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: "1 run" in screen_text(pilot), "the list")
        await pilot.press("ctrl+p")
        await typed(pilot, "deploy site")
        await until(pilot, lambda: "[@click=app.quit]deploy[/] the site" in screen_text(pilot), "the run")
        await pilot.press("enter")
        await until(
            pilot,
            lambda: isinstance(app.screen, RunScreen) and run_screen(app).feed.state.execution_id == execution_id,
            "the run is open",
        )


async def test_what_the_palette_finds_stands_in_one_order(app: StigmerApp, backend: ScriptedBackend) -> None:
    """The best first, of equals what the registry and the server have first; letters that are scattered over a sentence or an id are no find."""
    for number in range(4):
        backend.add_execution(message=f"review number {number}")
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: "4 runs" in screen_text(pilot), "the list")

        def found() -> list[str]:
            return re.findall(r"run +shell  review number (\d)", screen_text(pilot))

        await pilot.press("ctrl+p", *"review")
        await until(pilot, lambda: len(found()) == 4, "the runs")
        assert found() == ["3", "2", "1", "0"]
        assert "To the shell" not in screen_text(pilot), "its words have these letters, scattered"


async def test_the_help_runs_what_it_explains(app: StigmerApp, backend: ScriptedBackend) -> None:
    """Enter on a line does it; the keys are those of the keymap."""
    async with app.run_test() as pilot:
        await until(pilot, lambda: "Nothing has run" in screen_text(pilot), "the board")
        await pilot.press("escape", "f1", "j")
        await until(pilot, lambda: "enter does it" in screen_text(pilot), "the help")
        await pilot.press("k", "enter")
        await until(pilot, lambda: isinstance(app.screen, BoardScreen), "done")
        await pilot.press("f1", "pagedown", *["j"] * 60)
        await until(pilot, lambda: "enter does it" in screen_text(pilot), "the help again")


async def test_zooming(app: StigmerApp, backend: ScriptedBackend) -> None:
    """The whole screen for what has the focus; the same key gives it back."""
    execution_id = backend.add_execution(message="true", phase=enums.EXECUTION_COMPLETED, events=line_events("true"))
    async with app.run_test() as pilot:
        await until(pilot, lambda: "1 run" in screen_text(pilot), "the list")
        app.open_run(execution_id)
        await until(pilot, lambda: isinstance(app.screen, RunScreen), "the run")
        await pilot.press("escape", "alt+z")
        await until(pilot, lambda: app.screen.maximized is not None, "zoomed")
        await until(pilot, lambda: "what this session is to do" not in screen_text(pilot), "alone")
        await pilot.press("alt+z")
        await until(pilot, lambda: "what this session is to do" in screen_text(pilot), "as it was")


class FailingScreen(WorkstationScreen):
    """A place whose own code fails at a key."""

    def __init__(self) -> None:
        super().__init__()
        self.notice = Notice()
        self.trouble = Notice()

    def compose(self) -> ComposeResult:
        """Almost nothing."""
        yield self.trouble
        yield self.notice

    def on_key(self) -> None:
        """Fail."""
        raise RuntimeError("the place fails")


async def test_a_place_that_fails_is_left(app: StigmerApp, backend: ScriptedBackend) -> None:
    """Back to where one was, and it is said; the app goes on."""
    app.home.prepare()
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: "Nothing has run" in screen_text(pilot), "the board")
        app.open_page(Page("failing", "failing", FailingScreen))
        await until(pilot, lambda: isinstance(app.screen, FailingScreen), "the place")
        await pilot.press("x")
        await until(pilot, lambda: "This place failed" in screen_text(pilot), "said")
        assert isinstance(app.screen, BoardScreen)
        assert "the place fails" in app.crash.path.read_text()
        await pilot.press("escape", "f8")
        await until(pilot, lambda: isinstance(app.screen, LibraryScreen), "another place")


async def test_the_mouse_takes_completions_and_tabs(app: StigmerApp, backend: ScriptedBackend) -> None:
    """A click on one."""
    backend.add_execution(message="true", phase=enums.EXECUTION_COMPLETED, events=line_events("true"))
    async with app.run_test() as pilot:
        await until(pilot, lambda: "1 run" in screen_text(pilot), "the list")
        await pilot.press("escape", "colon", *"age")
        await until(pilot, lambda: "Browse agents." in screen_text(pilot), "the completions")
        await pilot.click("#completions", offset=(3, 1))
        await until(pilot, lambda: ":agents" in screen_text(pilot), "taken")
        await pilot.press("escape", "escape", "alt+t")
        await until(pilot, lambda: isinstance(app.screen, RunScreen), "a tab")
        await pilot.click("TabStrip", offset=(2, 0))
        await until(pilot, lambda: isinstance(app.screen, BoardScreen), "the first tab")


async def test_the_last_line_leads_to_help_and_does_what_is_clicked(app: StigmerApp, backend: ScriptedBackend) -> None:
    """However narrow it is; elsewhere a click does nothing."""
    backend.add_execution(message="make test")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "1 run" in screen_text(pilot), "the list")
        assert screen_text(pilot).endswith("f1 help")
        await pilot.press("escape")
        await until(pilot, lambda: screen_text(pilot).endswith("ctrl+p actions   ? help"), "letters are keys")
        line = screen_text(pilot).splitlines()[-1]
        await pilot.click(offset=(line.index("filter"), 23))
        await until(pilot, lambda: app.focused is app.board.filter_line, "the filter")
        await pilot.press("escape")
        await until(pilot, lambda: screen_text(pilot).endswith("? help"), "the list again")
        await pilot.click(offset=(line.index("ctrl+p") - 2, 23))
        await settled(pilot)
        assert isinstance(app.screen, BoardScreen)
        await pilot.click(offset=(line.index("? help"), 23))
        await until(pilot, lambda: isinstance(app.screen, HelpScreen), "the help")
        await pilot.press("escape")
        await pilot.resize_terminal(30, 20)
        await until(pilot, lambda: screen_text(pilot).endswith("? help"), "and where there is little room")
        assert "ctrl+p" not in screen_text(pilot).splitlines()[-1]


async def test_alt_with_a_letter_is_no_letter_where_one_writes(app: StigmerApp, backend: ScriptedBackend) -> None:
    """What works everywhere works in the composer and in a search line too, and writes nothing."""
    async with app.run_test() as pilot:
        await until(pilot, lambda: "Nothing has run" in screen_text(pilot), "the board")
        await typed(pilot, "ab")
        app.post_message(events.Key("alt+l", "l"))
        await until(pilot, lambda: isinstance(app.screen, LibraryScreen), "the library")
        await pilot.press("slash")
        await until(pilot, lambda: app.focused is not None and app.focused.id == "library-filter", "the filter")
        app.post_message(events.Key("alt+b", "b"))
        await until(pilot, lambda: isinstance(app.screen, BoardScreen), "the board again")
        assert app.board.composer.text == "ab"


async def test_what_was_left_may_fail(app: StigmerApp, backend: ScriptedBackend) -> None:
    """A palette that is left while it still looks for something ends nothing: nobody sees it any more."""
    async with app.run_test() as pilot:
        await until(pilot, lambda: "Nothing has run" in screen_text(pilot), "the board")
        for _ in range(12):
            app.action_command_palette()
            await pilot.pause()
            app.post_message(events.Key("a", "a"))
            app.post_message(events.Key("escape", None))
            await pilot.pause()
        await until(pilot, lambda: isinstance(app.screen, BoardScreen), "the board again")
