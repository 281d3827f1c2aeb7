"""Two places beside each other: both live, one with the keys; a decision is as whole in a half as it is alone."""

import pytest
from textual import events

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_tui.app import StigmerApp
from stigmer_tui.screens.board import BoardScreen
from stigmer_tui.screens.library import LibraryScreen
from stigmer_tui.screens.run import RunScreen
from stigmer_tui.screens.workstation import WorkstationScreen
from stigmer_tui.widgets.beside import Beside
from tests.support.scripted_backend import ScriptedBackend, line_events
from tests.tui.support import output_event, screen_text, settled, until


def halves(text: str) -> tuple[str, str]:
    """What stands on the left and on the right of the line between."""
    lines = [line.partition("│") for line in text.splitlines()]
    return "\n".join(line[0] for line in lines), "\n".join(line[2] for line in lines)


async def test_two_places_beside_each_other(app: StigmerApp, backend: ScriptedBackend) -> None:
    """The selected run beside the list; what it prints is seen while one works in the list; the keys go to and fro; one alone again."""
    run = backend.add_execution(
        message="make",
        phase=enums.EXECUTION_IN_PROGRESS,
        events=line_events("make", output=b"first\r\n", finished=False),
    )
    async with app.run_test(size=(160, 40)) as pilot:
        await until(pilot, lambda: "1 run" in screen_text(pilot), "the list")
        await pilot.press("escape", "alt+d")
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and "first" in screen_text(pilot), "the run")
        await until(pilot, lambda: "1 run" in halves(screen_text(pilot))[0], "the list on the left")
        left, right = halves(screen_text(pilot))
        assert "first" in right
        assert "alt+i goes there" in left
        assert not any(widget.has_focus for widget in app.board.query("*")), "no cursor where no key arrives"
        assert all(len(line) <= 80 for line in left.splitlines())
        await pilot.press("escape", "alt+i")
        await until(pilot, lambda: isinstance(app.screen, BoardScreen), "back to the list")
        await until(pilot, lambda: app.board.focused is not None, "the keys are the list's")
        backend.emit(run, output_event(b"second\r\n"))
        await until(pilot, lambda: "second" in halves(screen_text(pilot))[1], "what it prints meanwhile")
        assert app.screen.size.width == 80
        await pilot.press("alt+z")
        await until(pilot, lambda: "alt+i" not in screen_text(pilot), "the whole screen")
        assert app.screen.size.width == 160
        await pilot.press("alt+z")
        await until(pilot, lambda: "second" in screen_text(pilot), "both again")
        beside = app.screen.query_one(Beside)
        beside.post_message(events.Click(beside, 10, 10, 0, 0, 1, False, False, False))
        await until(pilot, lambda: isinstance(app.screen, RunScreen), "a click goes there")
        await pilot.press("alt+d")
        await until(pilot, lambda: "alt+i goes there" not in screen_text(pilot), "one alone")
        assert app.screen.size.width == 160
        assert len(app.tab_words()) == 2


async def test_what_a_command_leads_to_beside_this(app: StigmerApp, backend: ScriptedBackend) -> None:
    """In another size it is laid out anew; where there is no room, the place with the keys stands alone; closing a tab ends it."""
    backend.add_execution(message="true", phase=enums.EXECUTION_COMPLETED, events=line_events("true"))
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: "1 run" in screen_text(pilot), "the list")
        app.run_written("split agents")
        await until(pilot, lambda: isinstance(app.screen, LibraryScreen), "the library")
        await until(pilot, lambda: "1 run" in halves(screen_text(pilot))[0], "beside the list")
        assert app.screen.has_class("-narrow")
        await pilot.resize_terminal(79, 24)
        await until(pilot, lambda: "a command line" not in screen_text(pilot), "no room")
        assert app.screen.size.width == 79
        await pilot.resize_terminal(240, 30)
        await until(pilot, lambda: "a command line" in halves(screen_text(pilot))[0], "room again")
        assert app.screen.has_class("-wide")
        await pilot.press("alt+k")
        await until(pilot, lambda: isinstance(app.screen, BoardScreen), "closed")
        await settled(pilot)
        assert app.screen.size.width == 240
        assert "│" not in screen_text(pilot)


async def test_going_to_and_fro_comes_to_rest(
    app: StigmerApp, backend: ScriptedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two runs beside each other, gone between faster than they are drawn: sizes do not chase each other."""
    run = backend.add_execution(
        message="make", phase=enums.EXECUTION_IN_PROGRESS, events=line_events("make", output=b"x\r\n", finished=False)
    )
    told: list[object] = []
    resized = WorkstationScreen.on_resize

    def counted(screen: WorkstationScreen, event: events.Resize) -> None:
        told.append(screen)
        resized(screen, event)

    monkeypatch.setattr(WorkstationScreen, "on_resize", counted)
    async with app.run_test(size=(160, 40)) as pilot:
        await until(pilot, lambda: "1 run" in screen_text(pilot), "the list")
        app.open_run(run)
        await until(pilot, lambda: isinstance(app.screen, RunScreen), "the run")
        app.open_tab(())
        await until(pilot, lambda: len(app.tab_words()) == 2, "twice")
        await pilot.press("alt+d", *["alt+i"] * 7)
        await until(pilot, lambda: "alt+i goes there" in screen_text(pilot), "beside each other")
        seen = len(told)
        await pilot.pause(0.3)
        assert len(told) <= seen + 4
        await pilot.press("alt+d")
        await until(pilot, lambda: "alt+i goes there" not in screen_text(pilot), "alone")
