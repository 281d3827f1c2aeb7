"""The board with a scripted server: what is shown, what moves, what is asked of the server."""

import pytest

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import CancelRequest, ListExecutionsRequest
from stigmer_apis.errors import InvalidArgument
from stigmer_apis.home import Home
from stigmer_tui.app import StigmerApp
from stigmer_tui.screens.run import RunScreen
from tests.support.scripted_backend import ScriptedBackend, line_events
from tests.tui.hostile import HOSTILE
from tests.tui.support import StoppedClock, output_event, run_screen, screen_text, settled, typed, until


async def test_an_empty_board_explains_itself(app: StigmerApp) -> None:
    """In two lines, with the cursor where one types."""
    async with app.run_test() as pilot:
        await until(pilot, lambda: "Nothing has run yet" in screen_text(pilot), "the explanation")
        assert app.focused is app.board.composer
        assert "…" not in screen_text(pilot).splitlines()[2]


async def test_rows_are_live(app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock) -> None:
    """Phase, last line, exit code, attention; new ones come on top."""
    first = backend.add_execution(message="make test", phase=enums.EXECUTION_IN_PROGRESS)
    async with app.run_test() as pilot:
        await until(pilot, lambda: "▶  shell" in screen_text(pilot), "the row")
        clock.now += 1
        backend.emit(first, *line_events("make test", output=b"3 passed\r\n", exit_code=3))
        await until(pilot, lambda: "3 passed" in screen_text(pilot), "its last line")
        backend.emit(first, ev.Event(phase_changed=ev.PhaseChanged(phase=enums.EXECUTION_COMPLETED)))
        second = backend.add_execution(message="sleep 5", phase=enums.EXECUTION_IN_PROGRESS)
        await until(pilot, lambda: "sleep 5" in screen_text(pilot), "the new row")
        lines = screen_text(pilot).splitlines()
        assert "sleep 5" in lines[2]
        assert lines[3].strip().startswith("✓")
        assert "  3  3 passed" in lines[3]
        backend.emit(second, ev.Event(attention_raised=ev.AttentionRaised(attention_id="a", text="password")))
        await until(pilot, lambda: "1 waits for you" in screen_text(pilot), "what waits")
        assert "▶! shell" in screen_text(pilot)
        backend.remove(first)
        await until(pilot, lambda: "make test" not in screen_text(pilot), "the row is gone")


async def test_the_selection_stays_on_its_run(app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock) -> None:
    """While rows come on top, at the top and in the middle."""
    for number in range(60):
        clock.now += 1
        backend.add_execution(message=f"run {number}")
    async with app.run_test() as pilot:
        table = app.board.table
        await until(pilot, lambda: table.row_count() == 60, "the list")
        await pilot.press("escape", "j", "j")
        for place, name in ((2, "run 57"), (40, "run 22")):
            table.move_cursor(place)
            await settled(pilot)
            assert table.selected is not None
            assert table.selected.subject == name
            before, on_screen = table.row_count(), table.cursor - table.top
            for number in range(3):
                clock.now += 1
                backend.add_execution(message=f"later {number}")
            await until(pilot, lambda before=before: table.row_count() == before + 3, "new rows")
            assert table.selected is not None
            assert table.selected.subject == name
            assert place < 10 or table.cursor - table.top == on_screen


async def test_only_what_is_looked_at_is_fetched(app: StigmerApp, backend: ScriptedBackend) -> None:
    """A long list opens with its first page and jumps to its end with the last one."""
    for number in range(1500):
        backend.add_execution(message=f"run {number}")
    async with app.run_test() as pilot:
        table = app.board.table
        await until(pilot, lambda: table.row_count() == 1500, "the list")
        assert len(app.board.feed.window.rows) == 100
        await pilot.press("escape", "G")
        await until(pilot, lambda: "run 0 " in screen_text(pilot), "the oldest run")
        asked = [call.request for call in backend.calls_of("ListExecutions")]
        assert len(asked) < 8
        assert any(isinstance(request, ListExecutionsRequest) and request.oldest_first for request in asked)
        await pilot.press("g")
        await until(pilot, lambda: "run 1499" in screen_text(pilot), "the newest run")


async def test_filters_are_the_servers(app: StigmerApp, backend: ScriptedBackend) -> None:
    """With the count of matches; enter keeps it, escape takes it away."""
    for number in range(30):
        phase = enums.EXECUTION_FAILED if number % 10 == 0 else enums.EXECUTION_COMPLETED
        backend.add_execution(message=f"build target{number}", phase=phase)
    async with app.run_test() as pilot:
        await until(pilot, lambda: "30 runs" in screen_text(pilot), "the list")
        await pilot.press("escape", "slash")
        await typed(pilot, "phase:failed target2")
        await until(pilot, lambda: "1 of 30 runs match" in screen_text(pilot), "the filtered list")
        await pilot.press("enter")
        await settled(pilot)
        assert app.focused is app.board.table
        backend.add_execution(message="build target20 again", phase=enums.EXECUTION_FAILED)
        await until(pilot, lambda: "2 of 31 runs match" in screen_text(pilot), "a new match")
        await pilot.press("escape")
        await until(pilot, lambda: "31 runs" in screen_text(pilot), "all runs")
        await pilot.press("slash")
        await typed(pilot, "nothing like it")
        await until(pilot, lambda: "No run matches" in screen_text(pilot), "the empty list")


async def test_enter_opens_and_escape_comes_back(app: StigmerApp, backend: ScriptedBackend) -> None:
    """Keys typed at once go where they lead."""
    backend.add_execution(message="true", phase=enums.EXECUTION_COMPLETED, events=line_events("true"))
    async with app.run_test() as pilot:
        await until(pilot, lambda: "1 run" in screen_text(pilot), "the list")
        await pilot.press("escape", "enter", "l", "s", "escape")
        await until(pilot, lambda: isinstance(app.screen, RunScreen), "the run")
        await until(pilot, lambda: run_screen(app).composer.text == "ls", "what was typed meanwhile")
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.board, "the board")


async def test_a_line_starts_a_run_and_shows_it(app: StigmerApp, backend: ScriptedBackend) -> None:
    """What is typed before it is there goes to it."""
    async with app.run_test() as pilot:
        await until(pilot, lambda: "Nothing has run" in screen_text(pilot), "the board")
        await typed(pilot, "echo one\necho two\necho thr")
        await until(
            pilot, lambda: len(backend.calls_of("SendMessage")) == 1, "the second line is sent to the first's run"
        )
        await until(pilot, lambda: run_screen(app).composer.text == "echo thr", "what was typed goes on there")
        assert [execution.resource.spec.message for execution in backend.executions.values()] == ["echo one"]
        assert app.board.composer.text == ""


async def test_a_run_that_cannot_start_says_why(app: StigmerApp, backend: ScriptedBackend) -> None:
    """Back on the board, with what was written and how to mend it."""

    async def refuse(_: str) -> None:
        raise InvalidArgument("the workspace /nowhere does not exist", remedy="choose another one with F3")

    backend.on_create = refuse
    async with app.run_test() as pilot:
        await until(pilot, lambda: "Nothing has run" in screen_text(pilot), "the board")
        await typed(pilot, "ls\n")
        await until(pilot, lambda: "/nowhere does not exist" in screen_text(pilot), "the reason")
        assert "choose another one with F3" in screen_text(pilot)
        assert app.screen is app.board
        assert app.board.composer.text == "ls"


async def test_stopping_takes_the_key_twice(app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock) -> None:
    """Within three seconds; a run that has ended is not stopped."""
    execution_id = backend.add_execution(message="sleep 100", phase=enums.EXECUTION_IN_PROGRESS)
    async with app.run_test() as pilot:
        await until(pilot, lambda: "1 running" in screen_text(pilot), "the list")
        await pilot.press("escape", "x")
        await until(pilot, lambda: "press x again" in screen_text(pilot), "the question")
        clock.now += 4
        await pilot.press("x")
        await settled(pilot)
        assert not backend.calls_of("Cancel")
        await pilot.press("x")
        await until(pilot, lambda: "■  shell" in screen_text(pilot), "it is stopped")
        request = backend.calls_of("Cancel")[0].request
        assert isinstance(request, CancelRequest)
        assert request.execution_id == execution_id
        await pilot.press("x")
        await until(pilot, lambda: "has ended" in screen_text(pilot), "nothing to stop")


async def test_the_next_run_that_waits(app: StigmerApp, backend: ScriptedBackend) -> None:
    """One after the other, and around."""
    waiting = ev.Event(attention_raised=ev.AttentionRaised(attention_id="a", text="input"))
    for number in range(5):
        events = (waiting,) if number in (1, 3) else ()
        backend.add_execution(message=f"run {number}", phase=enums.EXECUTION_IN_PROGRESS, events=events)
    async with app.run_test() as pilot:
        table = app.board.table
        await until(pilot, lambda: "2 wait for you" in screen_text(pilot), "the list")
        await pilot.press("escape")
        subjects: list[str] = []
        for _ in range(3):
            await pilot.press("a")
            await settled(pilot)
            assert table.selected is not None
            subjects.append(table.selected.subject)
        assert subjects in (["run 3", "run 1", "run 3"], ["run 1", "run 3", "run 1"])


async def test_a_lost_connection_is_said_and_mended(app: StigmerApp, backend: ScriptedBackend) -> None:
    """What was shown stays; what happened meanwhile is there afterwards."""
    backend.add_execution(message="make test", phase=enums.EXECUTION_IN_PROGRESS)
    async with app.run_test(size=(120, 24)) as pilot:
        await until(pilot, lambda: "make test" in screen_text(pilot), "the list")
        await backend.stop()
        await until(pilot, lambda: "✗" in screen_text(pilot), "the loss")
        assert "make test" in screen_text(pilot)
        backend.add_execution(message="meanwhile")
        await backend.start()
        await until(pilot, lambda: "meanwhile" in screen_text(pilot), "what happened meanwhile")
        await until(pilot, lambda: "✗" not in screen_text(pilot), "nothing is wrong any more")


async def test_ages_go_on(app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock) -> None:
    """Relative in the list, exact for the selected run."""
    backend.add_execution(message="true")
    async with app.run_test() as pilot:
        await until(pilot, lambda: "now" in screen_text(pilot), "a new run")
        clock.now += 125
        await until(pilot, lambda: " 2m" in screen_text(pilot), "its age")
        assert "2026-11-21 02:43:20" in screen_text(pilot)


@pytest.mark.parametrize(
    "size", [(20, 5), (1, 1), (24, 8), (40, 10), (59, 24), (60, 24), (100, 30), (160, 48), (300, 100)]
)
async def test_any_size(app: StigmerApp, backend: ScriptedBackend, size: tuple[int, int]) -> None:
    """Small ones show less, none breaks anything; and back again."""
    backend.add_execution(
        message="make test", phase=enums.EXECUTION_COMPLETED, events=line_events("make test", output=b"x" * 200)
    )
    async with app.run_test() as pilot:
        await until(pilot, lambda: "1 run" in screen_text(pilot), "the list")
        await pilot.resize_terminal(*size)
        await settled(pilot)
        app.open_run(next(iter(backend.executions)))
        await until(
            pilot, lambda: isinstance(app.screen, RunScreen) and len(run_screen(app).output.log_rows) > 0, "the run"
        )
        await pilot.press("escape", "o", "o", "question_mark")
        await settled(pilot)
        await pilot.resize_terminal(80, 24)
        await pilot.press("escape", "escape")
        await until(pilot, lambda: "1 run" in screen_text(pilot), "the board as it was")


async def test_hostile_names_do_nothing(home: Home, backend: ScriptedBackend, app: StigmerApp) -> None:
    """No markup, no action when clicked, no code in what is drawn; in every column."""
    for number, text in enumerate(HOSTILE):
        harmless = text.encode("utf-8", "replace").decode()
        events = (*line_events(harmless), output_event(text.encode("utf-8", "replace")))
        failed = ev.Event(phase_changed=ev.PhaseChanged(phase=enums.EXECUTION_FAILED, reason=harmless))
        backend.add_agent(harmless)
        backend.add_execution(
            message=harmless,
            agent=harmless,
            session_id=f"s{number}",
            phase=enums.EXECUTION_IN_PROGRESS,
            events=(*events, failed),
        )
    async with app.run_test(size=(160, len(HOSTILE) + 10)) as pilot:
        await until(pilot, lambda: f"{len(HOSTILE)} runs" in screen_text(pilot), "the list")
        assert "\x1b" not in app.export_screenshot()
        for row, line in enumerate(screen_text(pilot).splitlines()):
            if "[@click" in line:
                await pilot.click(offset=(line.index("[@click") + 20, row))
        await settled(pilot)
        assert app.is_running
        assert "[@click=app.quit]" in screen_text(pilot)


async def test_few_widgets(app: StigmerApp, backend: ScriptedBackend) -> None:
    """Whatever is shown: the terminal's focus coming and going restyles each of them."""
    for number in range(200):
        backend.add_execution(message=f"run {number}")
    async with app.run_test(size=(200, 60)) as pilot:
        await until(pilot, lambda: "200 runs" in screen_text(pilot), "the list")
        app.open_run(next(iter(backend.executions)))
        await until(pilot, lambda: isinstance(app.screen, RunScreen), "the run")
        assert sum(len(screen.query("*")) for screen in app.screen_stack) < 100


async def test_the_mouse(app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock) -> None:
    """A click selects, two open, the wheel and the bar scroll."""
    for number in range(200):
        clock.now += 1
        backend.add_execution(message=f"run {number}")
    async with app.run_test() as pilot:
        table = app.board.table
        await until(pilot, lambda: "200 runs" in screen_text(pilot), "the list")
        await pilot.click(table, offset=(10, 3))
        await settled(pilot)
        assert table.selected is not None
        assert table.selected.subject == "run 196"
        await pilot.mouse_down(table, offset=(table.size.width - 1, table.size.height - 1))
        await pilot.mouse_up(table, offset=(table.size.width - 1, table.size.height - 1))
        await until(pilot, lambda: "run 0 " in screen_text(pilot), "the end")
        await pilot.click(table, offset=(10, 3), times=2)
        await until(pilot, lambda: isinstance(app.screen, RunScreen), "the run")
