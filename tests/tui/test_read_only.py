"""Looking on: whatever would change something is refused in words, and an action that nobody thought of counts as a change."""

from dataclasses import replace

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis.home import Home
from stigmer_tui.actions.read_only import REFUSED, WITHOUT_CHANGES, changes
from stigmer_tui.actions.registry import Scope, action_of
from stigmer_tui.app import StigmerApp
from tests.support.scripted_backend import ScriptedBackend, line_events
from tests.tui.support import StoppedClock, screen_text, until


def test_what_nobody_thought_of_is_a_change() -> None:
    """A new action of any place is refused until it is named as looking; where one writes only leaving is not."""
    known = action_of("board.open")
    for scope in Scope:
        assert changes(replace(known, id="place.a_new_one", scope=scope)), scope
    for scope in (Scope.COMPOSER, Scope.APPROVAL, Scope.QUEUE, Scope.FORM, Scope.PUSHING, Scope.EDITING):
        assert changes(replace(known, id="place.open", scope=scope)), scope
        assert not changes(replace(known, id="place.leave", scope=scope)), scope
    for action_id in (
        "pushing.push",
        "editing.save",
        "board.cancel",
        "approval.once",
        "library.edit",
        "settings.unset",
    ):
        assert action_id in WITHOUT_CHANGES, action_id


async def test_it_is_refused_in_words(home: Home, backend: ScriptedBackend, clock: StoppedClock) -> None:
    """By its key and by its name; the server is asked for nothing."""
    backend.add_execution(message="make", phase=enums.EXECUTION_COMPLETED, events=line_events("make"))
    app = StigmerApp(home, clock=clock, start_daemon=False, read_only=True)
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: "1 run" in screen_text(pilot) and app.board.table.has_focus, "the board")
        for key in ("x", "d", "r", "t", "m", "i"):
            app.board.notice.hide()
            await pilot.press(key)
            await until(pilot, lambda: app.board.notice.text == REFUSED, f"{key} is refused")
        assert REFUSED in screen_text(pilot)
        for action_id in WITHOUT_CHANGES:
            app.board.notice.hide()
            app.run_written(action_id)
            assert app.board.notice.text == REFUSED, action_id
    looked = {"GetServerInfo", "ListAttention", "ListExecutions", "Watch"}
    assert {call.method for call in backend.calls} <= looked
