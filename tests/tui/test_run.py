"""A run with a scripted server: output, transcript, following, searching, writing, stopping."""

import asyncio

import pytest
from textual.pilot import Pilot

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecution
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis.home import Home
from stigmer_tui.app import StigmerApp
from stigmer_tui.screens.run import RunScreen
from stigmer_tui.transcript.run_state import StopState
from tests.support.scripted_backend import ScriptedBackend, line_events
from tests.tui.hostile import HOSTILE
from tests.tui.support import output_event, run_screen, screen_text, settled, typed, until


def running(backend: ScriptedBackend, line: str = "tail -f log", output: bytes = b"") -> str:
    """A run in which a command goes on."""
    events = line_events(line, output=output, finished=False)
    return backend.add_execution(message=line, phase=enums.EXECUTION_IN_PROGRESS, events=events)


def lines(first: int, end: int) -> bytes:
    """Numbered lines."""
    return b"".join(b"line %d\r\n" % number for number in range(first, end))


async def opened(pilot: Pilot[int], app: StigmerApp, execution_id: str) -> RunScreen:
    """The run, read as far as it goes."""
    await until(pilot, lambda: bool(app.connection_words == "" and app.board.feed.window.loaded), "connected")
    app.open_run(execution_id)
    await until(pilot, lambda: isinstance(app.screen, RunScreen) and bool(run_screen(app).feed.state.agent), "the run")
    return run_screen(app)


async def test_output_is_live_and_in_its_place(app: StigmerApp, backend: ScriptedBackend) -> None:
    """Under its command, with how it ended."""
    execution_id = running(backend, "make", b"\x1b[32mcompil")
    async with app.run_test() as pilot:
        screen = await opened(pilot, app, execution_id)
        await until(pilot, lambda: "compil" in screen_text(pilot), "what was printed before")
        backend.emit(execution_id, output_event(b"ing\x1b[0m\r\n10%\r20%\r30%"))
        await until(pilot, lambda: "compiling" in screen_text(pilot), "more of the line")
        assert "30%" in screen_text(pilot)
        assert "10%" not in screen_text(pilot)
        backend.emit(
            execution_id,
            ev.Event(
                tool_call_finished=ev.ToolCallFinished(
                    call_id="call-1", outcome=ev.ToolOutcome.TOOL_OUTCOME_ENDED, exit_code=2
                )
            ),
        )
        await until(pilot, lambda: "✗ exit 2" in screen_text(pilot), "how it ended")
        backend.emit(execution_id, ev.Event(phase_changed=ev.PhaseChanged(phase=enums.EXECUTION_COMPLETED)))
        await until(pilot, lambda: "✓ completed" in screen_text(pilot), "the run's end")
        assert not screen.feed.state.live


async def test_following_is_a_state(app: StigmerApp, backend: ScriptedBackend) -> None:
    """Nobody is moved while reading; what is new is counted; End follows again."""
    execution_id = running(backend, output=lines(0, 100))
    async with app.run_test() as pilot:
        screen = await opened(pilot, app, execution_id)
        await until(pilot, lambda: "line 99" in screen_text(pilot), "the end")
        assert "following" in screen_text(pilot)
        await pilot.press("escape", "pageup")
        await settled(pilot)
        top = screen.output.top
        assert not screen.output.following
        backend.emit(execution_id, output_event(lines(100, 112)))
        await until(pilot, lambda: "+12 new" in screen_text(pilot), "the badge")
        assert screen.output.top == top
        await pilot.press("end")
        await until(pilot, lambda: "line 111" in screen_text(pilot), "the end again")
        assert screen.output.following
        backend.emit(execution_id, output_event(lines(112, 113)))
        await until(pilot, lambda: "line 112" in screen_text(pilot), "it follows")


async def test_searching_the_whole_run(app: StigmerApp, backend: ScriptedBackend) -> None:
    """What is not on the screen is found and counted; n and N go around."""
    execution_id = running(backend, output=lines(0, 3000))
    async with app.run_test() as pilot:
        screen = await opened(pilot, app, execution_id)
        await until(pilot, lambda: "line 2999" in screen_text(pilot), "the end")
        await pilot.press("escape", "slash")
        await typed(pilot, "line 7")
        await pilot.press("enter")
        await until(pilot, lambda: "111 of 111" in screen_text(pilot), "the last match")
        assert "line 799" in screen_text(pilot)
        await pilot.press("n")
        await until(pilot, lambda: " 1 of 111" in screen_text(pilot), "around to the first")
        await pilot.press("N")
        await until(pilot, lambda: "111 of 111" in screen_text(pilot), "and back")
        backend.emit(execution_id, output_event(b"line 7000\r\n"))
        await until(pilot, lambda: " of 112" in screen_text(pilot), "what comes is searched too")
        await pilot.press("escape")
        await settled(pilot)
        assert screen.output.needle is None
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.board, "the second escape leaves")


async def test_landmarks(app: StigmerApp, backend: ScriptedBackend) -> None:
    """From command to command, from error to error, in both panes."""
    events = [
        event
        for n in range(1, 9)
        for event in line_events(f"cmd {n}", output=lines(0, 30), exit_code=int(n % 4 == 0), number=n)
    ]
    execution_id = backend.add_execution(message="cmd 1", phase=enums.EXECUTION_COMPLETED, events=tuple(events))
    async with app.run_test() as pilot:
        screen = await opened(pilot, app, execution_id)
        await until(pilot, lambda: "✓ completed" in screen_text(pilot), "the run")
        await pilot.press("escape", "g", "e")
        await settled(pilot)
        for view in (screen.output, screen.transcript):
            assert view.following or view.landmarks("error")
        assert screen.output.log_rows.block(screen.output.cursor)[0] == screen.output.landmarks("call")[3]
        await pilot.press("t")
        await settled(pilot)
        assert screen.output.cursor == screen.output.landmarks("call")[4]
        await pilot.press("o", "g", "e")
        await settled(pilot)
        assert screen.transcript.has_focus
        assert "exit 1" in screen.transcript.text_of_row(screen.transcript.cursor)
        await pilot.press("E", "E")
        await until(pilot, lambda: "Nothing went wrong further on" in screen_text(pilot), "the first error is the last")


async def test_lines_go_on_in_the_session(app: StigmerApp, backend: ScriptedBackend) -> None:
    """To the run while it runs, as the next run when it has ended; all in one view."""
    execution_id = running(backend, "first")
    session = backend.get(execution_id).resource.spec.session_id
    async with app.run_test() as pilot:
        screen = await opened(pilot, app, execution_id)
        await typed(pilot, "second\n")
        await until(pilot, lambda: "1 queued" in screen_text(pilot), "it queues")
        command = next(event for event in backend.get(execution_id).events if event.HasField("command_issued"))
        backend.emit(
            execution_id,
            ev.Event(
                tool_call_finished=ev.ToolCallFinished(
                    call_id="call-1", outcome=ev.ToolOutcome.TOOL_OUTCOME_ENDED, exit_code=0
                )
            ),
            ev.Event(
                message_started=ev.MessageStarted(
                    message_id="m", type=enums.MESSAGE_HUMAN, command_id=command.command_issued.command_id
                )
            ),
            *line_events("second", output=b"of the second\r\n", number=2)[1:],
            ev.Event(phase_changed=ev.PhaseChanged(phase=enums.EXECUTION_COMPLETED)),
        )
        await until(pilot, lambda: "✓ completed" in screen_text(pilot), "it ended")
        assert "queued" not in screen_text(pilot)
        await typed(pilot, "third\n")
        await until(pilot, lambda: len(backend.calls_of("create")) == 1, "the next run")
        request = backend.calls_of("create")[0].request
        assert isinstance(request, AgentExecution)
        assert (request.spec.session_id, request.spec.message) == (session, "third")
        third = list(backend.executions)[-1]
        await until(pilot, lambda: screen.feed.state.execution_id == third, "it is shown")
        assert "of the second" in screen_text(pilot)


async def test_a_run_that_ends_just_then(app: StigmerApp, backend: ScriptedBackend) -> None:
    """The line becomes the next run by itself."""
    execution_id = running(backend, "first")
    async with app.run_test() as pilot:
        await opened(pilot, app, execution_id)
        backend.say(mute=True)
        backend.emit(execution_id, ev.Event(phase_changed=ev.PhaseChanged(phase=enums.EXECUTION_COMPLETED)))
        await typed(pilot, "late\n")
        await until(pilot, lambda: len(backend.calls_of("create")) == 1, "the next run")
        assert "had ended" not in screen_text(pilot)
        backend.say(mute=False)
        await until(pilot, lambda: "late" in screen_text(pilot), "it is shown")


async def test_stopping(app: StigmerApp, backend: ScriptedBackend) -> None:
    """Asked twice, in its states, with what was ended; escape never stops anything."""
    execution_id = running(backend)
    async with app.run_test(size=(110, 24)) as pilot:
        screen = await opened(pilot, app, execution_id)
        await pilot.press("escape", "escape")
        await until(pilot, lambda: app.screen is app.board, "the board")
        assert not backend.calls_of("Cancel")
        screen = await opened(pilot, app, execution_id)
        await pilot.press("ctrl+c")
        await until(pilot, lambda: "press ctrl+c again" in screen_text(pilot), "the question")
        killed = ev.ToolCallFinished(call_id="call-1", outcome=ev.ToolOutcome.TOOL_OUTCOME_CANCELLED)
        killed.killed.add(pid=77, command="sleep 1000")
        backend.cancel = lambda execution_id, reason: _slow_cancel(backend, execution_id)
        await pilot.press("ctrl+c")
        await until(pilot, lambda: screen.feed.state.stop is StopState.STOPPING, "on its way")
        assert "stopping" in screen_text(pilot)
        backend.emit(
            execution_id,
            ev.Event(tool_call_finished=killed),
            ev.Event(phase_changed=ev.PhaseChanged(phase=enums.EXECUTION_CANCELLED)),
        )
        await until(pilot, lambda: "stopped; ended with it: sleep 1000 (77)" in screen_text(pilot), "done")
        assert "■ cancelled" in screen_text(pilot)


def _slow_cancel(backend: ScriptedBackend, execution_id: str) -> str:
    """Stored, and not applied yet."""
    command = ev.CommandIssued(command_id="cmd-1", author="local-user")
    command.cancel.reason = ""
    backend.emit(execution_id, ev.Event(command_issued=command))
    return "cmd-1"


@pytest.mark.parametrize(("width", "both"), [(80, False), (139, False), (140, True)])
async def test_panes_stand_side_by_side_where_there_is_room(
    app: StigmerApp, backend: ScriptedBackend, width: int, both: bool
) -> None:
    """Else one at a time; the other key shows the other."""
    execution_id = running(backend, "make", b"printed\r\n")
    async with app.run_test(size=(width, 30)) as pilot:
        screen = await opened(pilot, app, execution_id)
        await until(pilot, lambda: "printed" in screen_text(pilot), "the output")
        assert bool(screen.transcript.size.width) == both
        await pilot.press("escape", "o")
        await until(pilot, lambda: screen.transcript.has_focus and screen.transcript.size.width > 0, "the transcript")
        assert ("printed" in screen_text(pilot)) == both


async def test_copying(app: StigmerApp, backend: ScriptedBackend) -> None:
    """A line, or the block of a command: text without codes."""
    execution_id = running(backend, "make", b"\x1b[31mred\x1b[0m\r\nlast\x1b]52;c;aGk=\x07 line\r\n")
    async with app.run_test() as pilot:
        await opened(pilot, app, execution_id)
        await until(pilot, lambda: "last line" in screen_text(pilot), "the output")
        await pilot.press("escape", "k", "y")
        await settled(pilot)
        assert app.clipboard == "red"
        await pilot.press("Y")
        await settled(pilot)
        assert app.clipboard == "make\nred\nlast line"
        await pilot.press("o", "k", "Y")
        await settled(pilot)
        assert app.clipboard == "make\nred\nlast line", "the call in the transcript, with what it printed"


async def test_hostile_output_and_events(app: StigmerApp, backend: ScriptedBackend) -> None:
    """In both panes, searched for, copied: text."""
    execution_id = running(backend, "\n".join(text.encode("utf-8", "replace").decode() for text in HOSTILE))
    for text in HOSTILE:
        backend.emit(execution_id, output_event(text.encode("utf-8", "replace") + b"\x1b[?1049l\r\n"))
        backend.emit(
            execution_id,
            ev.Event(
                note_added=ev.NoteAdded(text=text.encode("utf-8", "replace").decode(), author="[@click=app.quit]")
            ),
        )
    async with app.run_test(size=(160, 150)) as pilot:
        screen = await opened(pilot, app, execution_id)
        await until(pilot, lambda: "touch /tmp/owned" in screen_text(pilot), "all of it")
        assert "\x1b" not in app.export_screenshot()
        rows = [
            (row, line.index("[@click"))
            for row, line in enumerate(screen_text(pilot).splitlines())
            if "[@click" in line
        ]
        for row, column in rows[:: max(1, len(rows) // 10)]:
            await pilot.click(offset=(column + 5, row))
        await settled(pilot)
        assert app.screen is screen


async def test_events_that_were_lost_are_forgotten(app: StigmerApp, backend: ScriptedBackend) -> None:
    """After a power cut the run shows what there is, not what was."""
    execution_id = running(backend, "make", b"kept\r\n")
    kept = len(backend.get(execution_id).events)
    async with app.run_test() as pilot:
        await opened(pilot, app, execution_id)
        backend.emit(execution_id, output_event(b"lost\r\n"))
        await until(pilot, lambda: "lost" in screen_text(pilot), "before")
        backend.rewind(execution_id, kept)
        await until(pilot, lambda: "lost" not in screen_text(pilot) and "kept" in screen_text(pilot), "after")


async def test_a_broken_connection_loses_and_doubles_nothing(app: StigmerApp, backend: ScriptedBackend) -> None:
    """Each line once."""
    execution_id = running(backend, "make")
    async with app.run_test(size=(80, 60)) as pilot:
        await opened(pilot, app, execution_id)
        for round_number in range(4):
            backend.emit(execution_id, output_event(lines(round_number * 5, round_number * 5 + 5)))
            await backend.drop_connections()
        await until(pilot, lambda: "line 19" in screen_text(pilot), "the end")
        shown = [line.strip() for line in screen_text(pilot).splitlines() if line.strip().startswith("line ")]
        assert shown == [f"line {number}" for number in range(20)]


async def test_an_unknown_run(app: StigmerApp, backend: ScriptedBackend) -> None:
    """Says so, in words."""
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.board.feed.window.loaded, "connected")
        app.open_run("aex-nothing")
        await until(pilot, lambda: "there is no execution aex-nothing" in screen_text(pilot), "the error")


async def test_a_line_is_sent_though_its_screen_is_left(app: StigmerApp, backend: ScriptedBackend) -> None:
    """However fast somebody leaves: the run, or the app."""
    arrived = asyncio.Event()

    async def slow(_: str) -> None:
        await asyncio.sleep(0.3)
        arrived.set()

    backend.on_create = slow
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.board.feed.window.loaded, "connected")
        await typed(pilot, "echo first\n")
        await until(pilot, lambda: isinstance(app.screen, RunScreen), "the run's screen")
        app.pop_screen()
        await until(pilot, lambda: len(backend.executions) == 1 and arrived.is_set(), "it is started all the same")
        await settled(pilot)
        assert app.screen is app.board
        await typed(pilot, "echo second\n")
        await until(pilot, lambda: isinstance(app.screen, RunScreen), "the run's screen")
        await pilot.press("ctrl+q")
        await until(pilot, lambda: len(backend.executions) == 2, "it is started before the app leaves")


async def test_a_line_that_cannot_be_sent_any_more_is_a_draft(
    home: Home, app: StigmerApp, backend: ScriptedBackend
) -> None:
    """Nobody answers, the person leaves: what was written is there the next time."""
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.board.feed.window.loaded, "connected")
        await backend.stop()
        await typed(pilot, "precious\n")
        await until(pilot, lambda: isinstance(app.screen, RunScreen), "the run's screen")
        await app.action_quit()
        assert app.board.composer.text == "precious"
