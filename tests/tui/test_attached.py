"""Attached within the app: keys, pastes and the mouse are the program's; the chord comes back; nothing else reads a key."""

import pytest
from textual import events
from textual.pilot import Pilot

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis.protocol import SESSION_SHELL
from stigmer_tui.app import StigmerApp
from stigmer_tui.screens.attached import AttachedScreen
from stigmer_tui.screens.run import RunScreen
from stigmer_tui.widgets.terminal_view import TerminalView
from tests.support.scripted_backend import ScriptedBackend, line_events
from tests.tui.support import output_event, run_screen, screen_text, until


async def attached(app: StigmerApp, backend: ScriptedBackend, pilot: Pilot[int], output: bytes = b"$ ") -> str:
    """A run of `bash`, and the person at it; its id."""
    execution_id = backend.add_execution(
        message="bash", phase=enums.EXECUTION_IN_PROGRESS, events=line_events("bash", output=output, finished=False)
    )
    app.open_run(execution_id)
    await until(pilot, lambda: isinstance(app.screen, RunScreen) and bool(run_screen(app).feed.state.terminals), "run")
    await pilot.press("escape", "enter")
    await until(pilot, lambda: " ATTACHED " in screen_text(pilot), "attached")
    await until(pilot, lambda: isinstance(app.focused, TerminalView) and bool(backend.terminals), "the keyboard is its")
    return execution_id


def sent(backend: ScriptedBackend) -> bytes:
    """What the program got."""
    return bytes(backend.terminals[0].input)


async def test_every_key_is_the_programs(app: StigmerApp, backend: ScriptedBackend) -> None:
    """Those that mean something elsewhere in the app too; a paste; the chord twice is one of its keys."""
    async with app.run_test() as pilot:
        execution_id = await attached(app, backend, pilot)
        keys = (
            "ctrl+q",
            "ctrl+p",
            "tab",
            "shift+tab",
            "up",
            "f1",
            "f4",
            "ctrl+c",
            "ctrl+z",
            "escape",
            "q",
            "question_mark",
            "space",
            "colon",
            "enter",
            "ctrl+up",
            "alt+a",
            "delete",
            "f9",
            "ctrl+t",
        )
        await pilot.press(*keys)
        app.post_message(events.Paste("a\nb"))
        await pilot.press("ctrl+right_square_bracket", "ctrl+right_square_bracket", "d")
        wanted = b"\x11\x10\t\x1b[Z\x1b[A\x1bOP\x1bOS\x03\x1a\x1bq? :\r\x1b[1;5A\x1ba\x1b[3~\x1b[20~\x14a\rb\x1dd"
        await until(pilot, lambda: sent(backend) == wanted, f"the keys, not {sent(backend)!r}")
        backend.emit(execution_id, output_event(b"\x1b[?1h\x1b[?2004h"))
        view = app.screen.query_one(TerminalView)
        await until(pilot, lambda: view.emulator is not None and view.emulator.modes.bracketed_paste, "modes")
        await pilot.press("up", "home")
        app.post_message(events.Paste("c\x1b[201~d"))
        wanted += b"\x1bOA\x1bOH\x1b[200~c[201~d\x1b[201~"
        await until(pilot, lambda: sent(backend) == wanted, f"the keys, not {sent(backend)!r}")
        await pilot.press("ctrl+right_square_bracket", "d")
        await until(pilot, lambda: isinstance(app.screen, RunScreen), "back")
        assert "Left the terminal" in screen_text(pilot)
        assert sent(backend) == wanted
        detached = [event for event in backend.get(execution_id).events if event.HasField("terminal_detached")]
        assert len(detached) == 1


async def test_the_mouse_is_the_programs_where_it_wants_it(app: StigmerApp, backend: ScriptedBackend) -> None:
    """By the coordinates of its own screen; the wheel is arrow keys for a full-screen program that does not ask."""
    async with app.run_test(size=(80, 24)) as pilot:
        execution_id = await attached(app, backend, pilot, b"\x1b[?1049h\x1b[2J\x1b[Hfull")
        await until(pilot, lambda: "full" in screen_text(pilot), "its screen")
        await pilot.hover("#terminal", offset=(5, 3))
        screen = app.screen
        assert isinstance(screen, AttachedScreen)
        screen.terminal.post_message(events.MouseScrollUp(screen.terminal, 5, 3, 0, 0, 0, False, False, False))
        await until(pilot, lambda: sent(backend) == b"\x1b[A" * 3, "arrows")
        backend.emit(execution_id, output_event(b"\x1b[?1002;1006h"))
        view = screen.terminal
        await until(pilot, lambda: view.emulator is not None and view.emulator.modes.sgr_mouse, "modes")
        await pilot.mouse_down("#terminal", offset=(5, 3))
        await pilot.hover("#terminal", offset=(7, 3))
        await pilot.mouse_up("#terminal", offset=(7, 3))
        wanted = b"\x1b[<0;6;4M\x1b[<32;8;4M\x1b[<0;8;4m"
        await until(pilot, lambda: sent(backend).endswith(wanted), f"the mouse, not {sent(backend)!r}")


async def test_it_has_the_size_of_the_view(app: StigmerApp, backend: ScriptedBackend) -> None:
    """At first and later; its answers to what a program asks go to it, those to what was asked before do not."""
    async with app.run_test(size=(100, 30)) as pilot:
        execution_id = await attached(app, backend, pilot, b"\x1b[6n$ ")
        assert backend.terminals[0].size == (100, 29)
        await pilot.resize_terminal(60, 20)
        await until(pilot, lambda: backend.terminals[0].size == (60, 19), "another size")
        assert sent(backend) == b""
        backend.emit(execution_id, output_event(b"\x1b[6n"))
        await until(pilot, lambda: sent(backend) == b"\x1b[1;3R", "the answer")


async def test_earlier_output(app: StigmerApp, backend: ScriptedBackend) -> None:
    """The wheel and shift+pageup show it all; typing there leads back, and the program gets nothing of it."""
    lines = b"".join(b"line %d\r\n" % number for number in range(1000))
    async with app.run_test(size=(80, 24)) as pilot:
        await attached(app, backend, pilot, lines)
        await until(pilot, lambda: "line 999" in screen_text(pilot), "the end")
        await pilot.press("shift+pageup")
        await until(pilot, lambda: "EARLIER OUTPUT" in screen_text(pilot), "scrolled back")
        await until(pilot, lambda: "line 970" in screen_text(pilot), "earlier lines")
        await pilot.press("g")
        await until(pilot, lambda: "line 0\n" in screen_text(pilot), "the beginning")
        await pilot.press("escape")
        await until(pilot, lambda: " ATTACHED " in screen_text(pilot), "back at it")
        await pilot.press("x")
        await until(pilot, lambda: sent(backend) == b"x", "its key")


@pytest.mark.parametrize("output", [b"last words\r\n", b"\x1b[?1049hlast words"])
async def test_the_program_ends(app: StigmerApp, backend: ScriptedBackend, output: bytes) -> None:
    """Its last screen stays a moment, and the app is back by itself."""
    async with app.run_test() as pilot:
        execution_id = await attached(app, backend, pilot)
        backend.emit(execution_id, *line_events("bash", output=output)[5:])
        await until(pilot, lambda: "ENDED" in screen_text(pilot), "its end")
        assert "last words" in screen_text(pilot)
        await until(pilot, lambda: isinstance(app.screen, RunScreen), "back")
        assert "The program has ended" in screen_text(pilot)


async def test_somebody_else_takes_the_keyboard(app: StigmerApp, backend: ScriptedBackend) -> None:
    """The program has not ended, and it is not said to have."""
    async with app.run_test() as pilot:
        await attached(app, backend, pilot, b"working\r\n")
        backend.end_terminal(backend.terminals[0], "the keyboard was taken over from another place")
        await until(pilot, lambda: " LET GO " in screen_text(pilot), "its end")
        assert "ENDED" not in screen_text(pilot)
        await until(pilot, lambda: isinstance(app.screen, RunScreen), "back")
        assert "taken over from another place" in screen_text(pilot)


async def test_the_session_has_a_shell_where_nothing_has_a_keyboard(app: StigmerApp, backend: ScriptedBackend) -> None:
    """Asked for twice; the one that goes on is found again, and another is not started."""
    shells: list[str] = []

    async def began(execution_id: str) -> None:
        shells.append(execution_id)
        backend.move(execution_id, enums.EXECUTION_IN_PROGRESS)
        backend.emit(execution_id, *line_events(SESSION_SHELL, output=b"$ ", finished=False))

    backend.on_create = began
    over = backend.add_execution(
        message="true", phase=enums.EXECUTION_COMPLETED, events=line_events("true", output=b"done")
    )
    async with app.run_test(size=(80, 24)) as pilot:
        app.open_run(over)
        await until(pilot, lambda: "done" in screen_text(pilot), "its output")
        await pilot.press("escape", "enter")
        await until(pilot, lambda: "Once more: the session's shell." in screen_text(pilot), "the question")
        assert shells == []
        await pilot.press("enter")
        await at_the_shell(app, backend, pilot, "l")
        await pilot.press("enter", "enter")
        await at_the_shell(app, backend, pilot, "s")
        assert len(shells) == 1
        assert backend.get(shells[0]).summary.session_id == backend.get(over).summary.session_id


async def at_the_shell(app: StigmerApp, backend: ScriptedBackend, pilot: Pilot[int], key: str) -> None:
    """Type a key there, and leave."""
    await until(pilot, lambda: " ATTACHED " in screen_text(pilot), "attached")
    await pilot.press(key)
    await until(pilot, lambda: bytes(backend.terminals[-1].input).endswith(key.encode()), "its key")
    await pilot.press("ctrl+right_square_bracket", "d")
    await until(pilot, lambda: isinstance(app.screen, RunScreen), "back")
