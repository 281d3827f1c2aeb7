"""The time bar in the app: by keys and by the mouse to any moment, playing, along with a run that goes on."""

from textual.events import MouseDown

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_tui.app import StigmerApp
from stigmer_tui.screens.moments import MomentsScreen
from stigmer_tui.screens.run import RunScreen
from tests.support.scripted_backend import ScriptedBackend, line_events
from tests.tui.support import StoppedClock, output_event, run_screen, screen_text, until


async def test_going_back(app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock) -> None:
    """What was not known yet is not shown; hostile output is harmless; at the end it goes along; escape is back at the run."""
    execution_id = backend.add_execution(message="make", phase=enums.EXECUTION_IN_PROGRESS)
    for event in line_events(
        "make", output=b"\x1b]52;c;aGk=\x07first\x9b\xc2\x9b31m \xe2\x80\xaedeceiving\r\n", exit_code=2
    ):
        clock.now += 10
        backend.emit(execution_id, event)
    for event in line_events("sleep 9", output=b"second\r\n", number=2, finished=False):
        clock.now += 10
        backend.emit(execution_id, event)
    async with app.run_test(size=(80, 24)) as pilot:
        app.open_run(execution_id)
        await until(
            pilot, lambda: isinstance(app.screen, RunScreen) and bool(run_screen(app).feed.state.terminals), "run"
        )
        await pilot.press("ctrl+t")
        await until(pilot, lambda: "REPLAY" in screen_text(pilot) and "second" in screen_text(pilot), "the end")
        await pilot.press("home")
        await until(pilot, lambda: "second" not in screen_text(pilot), "the beginning")
        await pilot.press("e")
        await until(pilot, lambda: "first" in screen_text(pilot), "the error")
        assert "second" not in screen_text(pilot)
        assert not any(character in screen_text(pilot) for character in "\x1b\x9b\u202e")
        await pilot.press("e")
        await until(pilot, lambda: "Nothing went wrong after" in screen_text(pilot), "no other one")
        await pilot.press("o")
        await until(pilot, lambda: "exit 2" in screen_text(pilot), "the transcript")
        assert "sleep 9" not in screen_text(pilot)
        await pilot.press("o", "end")
        await until(pilot, lambda: "second" in screen_text(pilot), "the end again")
        backend.emit(execution_id, output_event(b"third\r\n", 2))
        await until(pilot, lambda: "third" in screen_text(pilot), "what came meanwhile")
        screen = app.screen
        assert isinstance(screen, MomentsScreen)
        screen.bar.post_message(MouseDown(screen.bar, 0, 1, 0, 0, 1, False, False, False))
        await until(pilot, lambda: "third" not in screen_text(pilot), "where the mouse points")
        await pilot.press("plus", "plus", "plus", "plus", "plus", "plus", "plus", "space")
        await until(pilot, lambda: "100x" in screen_text(pilot), "playing")
        await until(pilot, lambda: "third" in screen_text(pilot), "played to its end")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, RunScreen), "back")
        await pilot.press("ctrl+t")
        await until(pilot, lambda: isinstance(app.screen, MomentsScreen), "there again")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, RunScreen), "back again")
        await pilot.press("escape", "escape")
        await until(pilot, lambda: app.screen is app.board, "the list")
