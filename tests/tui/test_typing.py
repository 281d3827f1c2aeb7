"""What is typed faster than the app can show: each key does what it does when typed slowly, and none is lost."""

from itertools import chain
from pathlib import Path

from textual import events

import stigmer_tui
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis.home import Home
from stigmer_tui.app import StigmerApp
from stigmer_tui.frame.last_place import PLACES
from stigmer_tui.screens.board import BoardScreen
from stigmer_tui.screens.doctor import DoctorScreen
from stigmer_tui.screens.help import HelpScreen
from stigmer_tui.screens.run import RunScreen
from stigmer_tui.terminal.escape_keys import WordKey
from stigmer_tui.widgets.command.palette import Palette
from tests.support.scripted_backend import ScriptedBackend, line_events
from tests.tui.support import StoppedClock, run_screen, screen_text, settled, until

_NAMES = {":": "colon", " ": "space", "?": "question_mark", "\r": "enter", "/": "slash"}


def at_once(app: StigmerApp, text: str) -> None:
    """Type it all before the app looks at the first key."""
    for letter in text:
        app.post_message(events.Key(_NAMES.get(letter, letter), letter))


async def test_behind_what_leads_elsewhere(app: StigmerApp) -> None:
    """A command, the help of the place that it leads to, out of both, and back to what was there: all in one go."""
    async with app.run_test() as pilot:
        await until(pilot, lambda: "Nothing has run" in screen_text(pilot), "the board")
        at_once(app, ":doctor\r?")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen), "the help")
        assert isinstance(app.screen_stack[-2], DoctorScreen)
        app.post_message(events.Key("escape", "\x1b"))
        app.post_message(events.Key("escape", "\x1b"))
        at_once(app, ":settings\r")
        app.post_message(events.Key("escape", "\x1b"))
        at_once(app, "hello")
        await until(pilot, lambda: app.board.composer.text == "hello", "written where one began")
        assert isinstance(app.screen, BoardScreen)


async def test_behind_jumps(app: StigmerApp, backend: ScriptedBackend) -> None:
    """Jumps through a long run, and the help: the help comes, and the place is where the jumps lead one by one."""
    numbered = (line_events(f"echo {each}", exit_code=each % 2, number=each) for each in range(30))
    execution_id = backend.add_execution(
        message="long", phase=enums.EXECUTION_COMPLETED, events=tuple(chain.from_iterable(numbered))
    )
    app.open_first(execution_id)
    async with app.run_test() as pilot:
        await until(pilot, lambda: "echo 29" in screen_text(pilot), "the run")
        screen = run_screen(app)
        screen.set_focus(screen.transcript)
        for key in "gtttteemm":
            await pilot.press(key)
            await settled(pilot)
        slowly = screen.transcript.cursor
        await pilot.press("G")
        at_once(app, "gtttteemm?")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen), "the help")
        assert screen.transcript.cursor == slowly


async def test_escape_and_b(app: StigmerApp) -> None:
    """As shells have it where one writes, and alt+b everywhere else."""
    async with app.run_test() as pilot:
        await until(pilot, lambda: "Nothing has run" in screen_text(pilot), "the board")
        at_once(app, "one two")
        app.post_message(WordKey("b"))
        at_once(app, "x")
        await until(pilot, lambda: app.board.composer.text == "one xtwo", "a word back")
        app.board.composer.write("")
        at_once(app, ":doctor\r")
        await until(pilot, lambda: isinstance(app.screen, DoctorScreen), "elsewhere")
        app.post_message(WordKey("b"))
        await until(pilot, lambda: isinstance(app.screen, BoardScreen), "the board again")


async def test_a_page_that_comes_over_the_palette(app: StigmerApp) -> None:
    """It ends the palette, which is there again when it is asked for."""
    async with app.run_test() as pilot:
        await until(pilot, lambda: "Nothing has run" in screen_text(pilot), "the board")
        for _ in range(2):
            await pilot.press("ctrl+p")
            await until(pilot, lambda: isinstance(app.screen, Palette), "the palette")
            app.run_written("doctor")
            await until(pilot, lambda: isinstance(app.screen, DoctorScreen), "the page")
            assert len(app.screen_stack) == 2
            app.pop_screen()
            await until(pilot, lambda: isinstance(app.screen, BoardScreen), "the board")


async def test_the_terminal_is_left_behind_a_key(app: StigmerApp) -> None:
    """Keys that wait for a place do not bring back a terminal that was left behind them: what fails then is told."""
    async with app.run_test() as pilot:
        await until(pilot, lambda: "Nothing has run" in screen_text(pilot), "the board")
        at_once(app, ":doctor\r")
        app.post_message(events.AppBlur())
        await until(pilot, lambda: not app.looked_at, "known before its turn")
        await until(pilot, lambda: isinstance(app.screen, DoctorScreen), "where the command leads")
        await settled(pilot)
        assert not app.app_focus
        await pilot.press("down")
        assert app.looked_at


async def test_a_workflow_that_there_is_not(app: StigmerApp) -> None:
    """It is said, and one stays where one was."""
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: "Nothing has run" in screen_text(pilot), "the board")
        at_once(app, ":run naught\r")
        await until(pilot, lambda: "There is no workflow naught" in screen_text(pilot), "that there is none")
        assert isinstance(app.screen, BoardScreen)


async def test_who_began_to_write_stays(home: Home, clock: StoppedClock, backend: ScriptedBackend) -> None:
    """Where the workstation opens the last place again: what is typed before goes where it was typed, and keeps one there."""
    execution_id = backend.add_execution(message="make", phase=enums.EXECUTION_COMPLETED, events=line_events("make"))
    app = StigmerApp(home, clock=clock, start_daemon=False)
    app.memory.put(PLACES, [f"run {execution_id}"])
    async with app.run_test() as pilot:
        at_once(app, "ls")
        await until(pilot, lambda: "1 run" in screen_text(pilot), "the board")
        await until(pilot, lambda: app.board.composer.text == "ls", "written")
        assert app.screen is app.board


async def test_keys_for_the_board_are_not_the_last_place_s(
    home: Home, clock: StoppedClock, backend: ScriptedBackend
) -> None:
    """Typed in the moment in which the last place comes, they start nothing there."""

    class Typist(StigmerApp):
        """Types just then."""

        CSS_PATH = Path(stigmer_tui.__file__).parent / "app.tcss"

        def run_written(self, line: str) -> None:
            super().run_written(line)
            at_once(self, "ls\r")

    execution_id = backend.add_execution(message="make", phase=enums.EXECUTION_COMPLETED, events=line_events("make"))
    app = Typist(home, clock=clock, start_daemon=False)
    app.memory.put(PLACES, [f"run {execution_id}"])
    async with app.run_test() as pilot:
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and "exit 0" in screen_text(pilot), "the run")
        await pilot.press("x")
        await until(pilot, lambda: run_screen(app).composer.text == "x", "what is typed from then on is its")
        assert list(backend.executions) == [execution_id]


async def test_out_of_a_branch(app: StigmerApp, backend: ScriptedBackend) -> None:
    """Back to the run that it was made from, at the place where one was, and from there to the list."""
    first, second = (
        backend.add_execution(message=word, phase=enums.EXECUTION_COMPLETED, events=line_events(word))
        for word in ("first", "second")
    )
    async with app.run_test() as pilot:
        await until(pilot, lambda: "2 runs" in screen_text(pilot), "the board")
        app.open_run(first)
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and "exit 0" in screen_text(pilot), "the run")
        before = run_screen(app)
        await pilot.press("escape")
        app.open_run(second)
        await until(pilot, lambda: app.screen is not before and "second" in screen_text(pilot), "the branch")
        for key in ("escape", "q"):
            await pilot.press(key)
        await until(pilot, lambda: app.screen is before, "the run again")
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, BoardScreen), "the list")
