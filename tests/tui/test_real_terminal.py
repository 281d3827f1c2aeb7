"""The workstation in a real terminal: it is given back as it was, whatever happens; no byte of others' codes reaches it."""

import base64
import os
import re
import signal
from pathlib import Path

import pytest

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis.home import Home
from tests.support.scripted_backend import ScriptedBackend, line_events
from tests.tui.hostile import HOSTILE
from tests.tui.real_terminal import RealTerminal, real_terminal
from tests.tui.support import output_event

ON = re.compile(rb"\x1b\[\?(1049|1000|1002|1003|1006|1004|2004)h")
OFF = re.compile(rb"\x1b\[\?(1049|1000|1002|1003|1006|1004|2004)l")


def given_back(terminal: RealTerminal, before: list[object]) -> None:
    """The terminal is as it was: its settings, its screen, its modes, its cursor."""
    assert terminal.settings() == before
    last_on = {mode: found.start() for found in ON.finditer(terminal.received) for mode in [found.group(1)]}
    last_off = {mode: found.start() for found in OFF.finditer(terminal.received) for mode in [found.group(1)]}
    assert all(last_off.get(mode, -1) > place for mode, place in last_on.items()), (last_on, last_off)
    assert terminal.received.rfind(b"\x1b[?25h") > terminal.received.rfind(b"\x1b[?25l")


async def test_leaving(home: Home, backend: ScriptedBackend) -> None:
    """By the key: exit code 0, everything as it was, nothing written after it."""
    async with real_terminal(home) as terminal:
        before = terminal.settings()
        await terminal.shows("Nothing has run yet")
        terminal.send("\x11")
        assert await terminal.ended() == 0
        await terminal.until(lambda: b"\x1b[?1049l" in terminal.received, "the screen is left")
        given_back(terminal, before)
        assert b"Traceback" not in terminal.received


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_signals_give_the_terminal_back(home: Home, backend: ScriptedBackend, number: signal.Signals) -> None:
    """Told to end, it ends: from the board, and from a run that streams."""
    execution_id = backend.add_execution(
        message="yes", phase=enums.EXECUTION_IN_PROGRESS, events=line_events("yes", finished=False)
    )
    async with real_terminal(home) as terminal:
        before = terminal.settings()
        await terminal.shows("1 running")
        terminal.send("\x1b")
        await terminal.shows("enter open")
        terminal.send("\r")
        backend.emit(execution_id, output_event(b"yes\r\n" * 1000))
        await terminal.shows("following")
        os.kill(terminal.process.pid, number)
        assert await terminal.ended() == 128 + number
        await terminal.until(lambda: b"\x1b[?1049l" in terminal.received, "the screen is left")
        given_back(terminal, before)


async def test_a_closed_window_ends_it(home: Home, backend: ScriptedBackend) -> None:
    """Nobody is there to write to: it ends all the same, and soon."""
    async with real_terminal(home) as terminal:
        await terminal.shows("Nothing has run yet")
        terminal.hang_up()
        assert await terminal.ended() != 0


LEADER = """
import signal, subprocess, sys

signal.signal(signal.SIGHUP, lambda *_: None)
sys.exit(subprocess.run([sys.executable, "-m", "stigmer_tui", "tui"]).returncode)
"""


async def test_a_closed_window_ends_it_below_another_that_waits(home: Home, backend: ScriptedBackend) -> None:
    """The terminal's end is told to the leader of its session alone: `make tui` has it told and waits for the app."""
    async with real_terminal(home, (), program=["-c", LEADER]) as terminal:
        await terminal.shows("Nothing has run yet")
        terminal.hang_up()
        assert await terminal.ended() == 128 + signal.SIGHUP


BROKEN = """
import os, sys
from stigmer_apis.home import Home
from stigmer_tui import app

def fail(self):
    secret = os.environ["CANARY"]
    raise RuntimeError("an action failed")

app.StigmerApp.action_toggle_look = fail
sys.exit(app.run_app(Home.from_environment()))
"""


async def test_a_failure_of_its_own(home: Home, backend: ScriptedBackend) -> None:
    """The terminal is as it was; a sentence and the log's place instead of a traceback; the log has no values of variables."""
    backend.add_execution(message="true")
    async with real_terminal(home, program=["-c", BROKEN], environment={"CANARY": "hunter2-canary"}) as terminal:
        before = terminal.settings()
        await terminal.shows("1 run")
        terminal.send("\x1bOQ")
        assert await terminal.ended() == 70
        await terminal.shows("The workstation failed")
        given_back(terminal, before)
        assert str(home.logs / "tui.log") in terminal.text.replace("\n", "")
        assert b"Traceback" not in terminal.received
        log = (home.logs / "tui.log").read_text()
        assert "RuntimeError: an action failed" in log
        assert "hunter2" not in log
        assert b"hunter2" not in terminal.received


async def test_no_code_of_others_reaches_the_terminal(home: Home, backend: ScriptedBackend) -> None:
    """Names, subjects, output, errors, notes, on every surface; searched for, opened, asked for help: only what Textual itself writes."""
    for number, text in enumerate(HOSTILE):
        harmless = text.encode("utf-8", "replace").decode()
        failed = ev.Event(phase_changed=ev.PhaseChanged(phase=enums.EXECUTION_FAILED, reason=harmless))
        events = (
            *line_events(harmless, output=text.encode("utf-8", "replace")),
            ev.Event(note_added=ev.NoteAdded(text=harmless)),
            failed,
        )
        backend.add_execution(
            message=harmless, agent=harmless, session_id=f"s{number}", phase=enums.EXECUTION_IN_PROGRESS, events=events
        )
    everything = [output_event(text.encode("utf-8", "replace") + b"\r\n") for text in HOSTILE]
    everything += [
        ev.Event(
            note_added=ev.NoteAdded(
                text=text.encode("utf-8", "replace").decode(), author=text[:5].encode("utf-8", "replace").decode()
            )
        )
        for text in HOSTILE
    ]
    name = HOSTILE[0]
    backend.add_execution(
        message=name,
        agent=name,
        phase=enums.EXECUTION_IN_PROGRESS,
        events=(*line_events(name, finished=False), *everything),
    )
    async with real_terminal(home, columns=160, rows=len(HOSTILE) * 2 + 20) as terminal:
        await terminal.shows(f"{len(HOSTILE) + 1} runs")
        terminal.send("\x1b")
        await terminal.shows("enter open")
        terminal.send("\r")
        await terminal.shows("touch /tmp/owned")
        terminal.send("\x1b")
        await terminal.shows("enter attach")
        terminal.send("/owned\r")
        await terminal.shows("28 of 28")
        terminal.send("?")
        await terminal.shows("esc closes")
        terminal.send("\x1b")
        terminal.send("\x11")
        assert await terminal.ended() == 0
        assert_only_textual(bytes(terminal.received))


TEXTUALS_OWN = re.compile(
    rb"\x1b\[[0-9;]*m"  # colours
    rb"|\x1b\[[0-9;]*H|\x1b\[[0-9]*[ABCD]|\x1b\[[0-2]?[JK]"  # the cursor, erasing
    rb"|\x1b\[\?(?:7|25|1000|1002|1003|1004|1006|1015|1016|1049|2004|2026|2048)[hl]"  # modes
    rb"|\x1b\[\?20(?:26|48)\$p|\x1b\[>25u|\x1b\[<u|\x1b\[\?1049[hl]"  # questions about modes, keyboard
    rb"|\x1b\]22;[a-z-]+\x07"  # the shape of the mouse's pointer
    rb"|\x1b\]11;\?\x1b\\|\x1b\[c"  # what the background is, asked before the app starts
    rb"|\x1b\[2[23];2t|\x1b\]2;[^\x00-\x1f\x7f]*\x1b\\"  # the title, kept and put back
    rb"|[\r\n]"
)


def assert_only_textual(received: bytes) -> None:
    """Nothing but text and the sequences that Textual draws with."""
    rest = TEXTUALS_OWN.sub(b"", received)
    assert not re.search(rb"[\x00-\x1f\x7f]", rest), re.findall(rb".{0,20}[\x00-\x1f\x7f].{0,40}", rest)[:5]
    text = rest.decode()
    assert not re.search("[\x80-\x9f\u202a-\u202e\u2066-\u2069\u200b-\u200f\U000e0000-\U000e007f]", text)


async def test_native_writes_go_to_the_log(home: Home, backend: ScriptedBackend) -> None:
    """What gRPC's core or another library writes to descriptor 2 is in the log, not on the screen."""
    async with real_terminal(home, environment={"GRPC_VERBOSITY": "debug", "GRPC_TRACE": "http"}) as terminal:
        await terminal.shows("Nothing has run yet")
        terminal.send("\x11")
        assert await terminal.ended() == 0
        assert b"chttp2" not in terminal.received


TALKS_AT_ITS_END = """
import atexit, os, sys
from stigmer_apis.home import Home
from stigmer_tui import app

atexit.register(os.write, 2, b"native words")
code = app.run_app(Home.from_environment())
sys.stderr.write("our words\\n")
sys.exit(code)
"""


async def test_native_writes_at_the_end_go_to_the_log(home: Home, backend: ScriptedBackend) -> None:
    """Threads of native code end with the process: what they say once the terminal is given back is in the log, too."""
    async with real_terminal(home, (), program=["-c", TALKS_AT_ITS_END]) as terminal:
        await terminal.shows("Nothing has run yet")
        terminal.send("\x11")
        assert await terminal.ended() == 0
        await terminal.shows("our words")
        assert b"native words" not in terminal.received
        assert "native words" in (home.logs / "tui.log").read_text()


async def test_resizing_to_almost_nothing_and_back(home: Home, backend: ScriptedBackend) -> None:
    """As a tiling window manager does."""
    backend.add_execution(
        message="make test", phase=enums.EXECUTION_COMPLETED, events=line_events("make test", output=b"passed\r\n")
    )
    async with real_terminal(home) as terminal:
        await terminal.shows("make test")
        for size in ((20, 5), (1, 1), (200, 60), (80, 24)):
            terminal.resize(*size)
        await terminal.shows("make test")
        terminal.send("\x11")
        assert await terminal.ended() == 0


async def test_attaching_and_coming_back(home: Home, backend: ScriptedBackend) -> None:
    """Keys go to the program, its bytes to the terminal, as they are; the chord comes back to the app; then it can be left."""
    execution_id = backend.add_execution(
        message="vim",
        phase=enums.EXECUTION_IN_PROGRESS,
        events=line_events("vim", output=b"\x1b[?1049h\x1b[2J\x1b[Hdrawn before\x1b[6n", finished=False),
    )
    async with real_terminal(home) as terminal:
        before = terminal.settings()
        await terminal.shows("1 running")
        terminal.send("\x1b")
        await terminal.shows("enter open")
        terminal.send("\r")
        await terminal.shows("drawn before")
        terminal.send("\x1b")
        await terminal.shows("enter attach")
        terminal.send("\r")
        await terminal.shows(" ATTACHED ")
        assert b"\x1b[6n" not in terminal.received
        backend.emit(execution_id, output_event(b"\x1b[3;1H\x1b[?1000hlive \x1b]0;title\x07here"))
        await terminal.shows("live here")
        attached = backend.terminals[0]
        terminal.send(b"ihello\x1b:q\r\x1bx\x1b.\x1b\x1b")
        typed = b"ihello\x1b:q\r\x1bx\x1b.\x1b\x1b"
        await terminal.until(lambda: bytes(attached.input) == typed, f"escapes, not {bytes(attached.input)!r}")
        terminal.send(b":q\r\x03\x1a\x11\x10\t\x1b[A\x1bOP\x1b[200~pas\nted\x1b[201~")
        pasted = b"\x1b[A\x1bOPpas\rted"
        await terminal.until(
            lambda: bytes(attached.input) == typed + b":q\r\x03\x1a\x11\x10\t" + pasted, "the program's keys"
        )
        terminal.resize(100, 30)
        await terminal.until(
            lambda: attached.size == (100, 29), "the program's size, under the line that says whose it is"
        )
        terminal.send(b"\x1d")
        terminal.send(b"d")
        await terminal.shows("Left the terminal")
        assert "live here" in terminal.text
        terminal.send("\x11")
        assert await terminal.ended() == 0
        given_back(terminal, before)


async def test_the_program_ends_while_attached(home: Home, backend: ScriptedBackend) -> None:
    """Its last output is shown, then the app is back."""
    execution_id = backend.add_execution(
        message="read x", phase=enums.EXECUTION_IN_PROGRESS, events=line_events("read x", finished=False)
    )
    async with real_terminal(home) as terminal:
        await terminal.shows("1 running")
        terminal.send("\x1b")
        await terminal.shows("enter open")
        terminal.send("\r")
        await terminal.shows("a line sent now queues")
        terminal.send("\r")
        await terminal.shows("ATTACHED")
        await terminal.until(lambda: bool(backend.terminals), "attached")
        backend.emit(execution_id, *line_events("read x", output=b"last words\r\n")[5:])
        await terminal.shows("The program has ended")
        assert b"last words" in terminal.received
        terminal.send("\x11")
        assert await terminal.ended() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("command", ["attach", "whole", "inside"])
async def test_signals_while_attached(
    home: Home, backend: ScriptedBackend, number: signal.Signals, command: str
) -> None:
    """The terminal is given back: by `stigmer attach`, by the app that gave it away, by the app that is attached inside itself."""
    execution_id = backend.add_execution(
        message="vim",
        phase=enums.EXECUTION_IN_PROGRESS,
        events=line_events("vim", output=b"\x1b[?1049h\x1b[?1000hdrawn", finished=False),
    )
    async with real_terminal(home, (command, execution_id) if command == "attach" else ("tui",)) as terminal:
        before = terminal.settings() if command != "attach" else None
        if command != "attach":
            await terminal.shows("1 running")
            terminal.send("\x1b")
            await terminal.shows("enter open")
            terminal.send("\r")
            await terminal.shows("drawn")
            terminal.send("\x1b")
            await terminal.shows("enter attach")
            terminal.send("\x1b[20~" if command == "whole" else "\r")
        if command == "inside":
            await terminal.shows(" ATTACHED ")
        else:
            await terminal.until(lambda: b"\x1b[?1000hdrawn" in terminal.received, "attached")
        os.kill(terminal.process.pid, number)
        assert await terminal.ended() != 0
        await terminal.until(
            lambda: bytes(terminal.received).rstrip().endswith(b"l") or b"\x1b[?1049l" in terminal.received, "left"
        )
        if before is not None:
            given_back(terminal, before)


async def test_the_pager(home: Home, backend: ScriptedBackend, tmp_path: Path) -> None:
    """Gets the whole output in a file of its own, which is gone afterwards; ctrl+c in it is its own."""
    seen = tmp_path / "seen"
    pager = tmp_path / "pager"
    pager.write_text(f"#!/bin/sh\necho PAGER SHOWS; ls -l $1 >> {seen}; cat $1 >> {seen}; read answer\n")
    pager.chmod(0o755)
    backend.add_execution(
        message="make",
        phase=enums.EXECUTION_COMPLETED,
        events=line_events("make", output=b"\x1b[31mred\x1b[0m\x1b[2J\r\n" * 200),
    )
    async with real_terminal(home, environment={"PAGER": str(pager)}) as terminal:
        await terminal.shows("1 run")
        terminal.send("\x1b")
        await terminal.shows("enter open")
        terminal.send("\r")
        await terminal.shows("✓ exit 0")
        terminal.send("\x1b")
        await terminal.shows("o other pane")
        terminal.send("v")
        await terminal.shows("PAGER SHOWS")
        terminal.send("q\r")
        await terminal.until(lambda: "PAGER SHOWS" not in terminal.text, "the app again")
        written = seen.read_text()
        assert written.startswith("-rw-------")
        assert written.count("\x1b[31mred") == 200
        assert "\x1b[2J" not in written
        with pytest.raises(FileNotFoundError):
            os.stat(written.split()[8])
        terminal.send("\x11")
        assert await terminal.ended() == 0


@pytest.mark.parametrize("multiplexer", [False, True])
async def test_copying_asks_the_terminal(
    home: Home, backend: ScriptedBackend, multiplexer: bool, tmp_path: Path
) -> None:
    """By OSC 52, and wrapped for tmux where there is one, whose buffer gets it too."""
    tmux = tmp_path / "tmux"
    tmux.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked; cat > {tmp_path}/buffer\n')
    tmux.chmod(0o755)
    backend.add_execution(
        message="make", phase=enums.EXECUTION_COMPLETED, events=line_events("make", output=b"copy me\r\n")
    )
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "DISPLAY": "", "WAYLAND_DISPLAY": ""}
    if multiplexer:
        environment["TMUX"] = "/tmp/none,1,0"
    async with real_terminal(home, environment=environment) as terminal:
        await terminal.shows("1 run")
        terminal.send("\x1b")
        await terminal.shows("enter open")
        terminal.send("\r")
        await terminal.shows("following")
        terminal.send("\x1b")
        await terminal.shows("o other pane")
        terminal.send("ky")
        await terminal.shows("Copied the line")
        encoded = base64.b64encode(b"copy me")
        assert b"\x1b]52;c;" + encoded + b"\x07" in terminal.received
        assert (b"\x1bPtmux;\x1b\x1b]52;c;" + encoded + b"\x07\x1b\\" in terminal.received) == multiplexer
        if multiplexer:
            await terminal.until(
                lambda: (tmp_path / "buffer").exists() and (tmp_path / "buffer").read_text() == "copy me", "tmux has it"
            )
        terminal.send("\x11")
        assert await terminal.ended() == 0


async def test_no_colour_where_none_is_wanted(home: Home, backend: ScriptedBackend) -> None:
    """NO_COLOR is obeyed, for our colours and for those of programs."""
    backend.add_execution(
        message="make",
        phase=enums.EXECUTION_COMPLETED,
        events=line_events("make", output=b"\x1b[38;2;255;0;0mred\x1b[0m\r\n"),
    )
    async with real_terminal(home, environment={"NO_COLOR": "1", "COLORTERM": "truecolor"}) as terminal:
        await terminal.shows("1 run")
        terminal.send("\x1b")
        await terminal.shows("enter open")
        terminal.send("\r")
        await terminal.shows("✓ exit 0")
        colours = set(re.findall(rb"\x1b\[(?:[0-9;]*;)?[34]8;2;([0-9;]+)m", terminal.received))
        assert all(len(set(colour.split(b";")[:3])) == 1 for colour in colours), colours
        terminal.send("\x11")
        assert await terminal.ended() == 0


async def test_the_terminals_own_colours_where_it_has_sixteen(home: Home, backend: ScriptedBackend) -> None:
    """Not the nearest to those of another look, which are all grey."""
    backend.add_execution(message="make", phase=enums.EXECUTION_COMPLETED, events=line_events("make", output=b"done"))
    async with real_terminal(home, environment={"TERM": "screen", "COLORTERM": ""}) as terminal:
        await terminal.shows("✓  shell")
        await terminal.until(
            lambda: (
                re.search(rb"\x1b\[(?:[0-9;]*;)?32(?:;[0-9;]*)?m[^\x1b]*\xe2\x9c\x93", terminal.received) is not None
            ),
            "green is green",
        )
        assert not re.search(rb"[34]8;[25];", terminal.received)
        terminal.send("\x11")
        assert await terminal.ended() == 0


async def test_attaching_from_the_command_line(home: Home, backend: ScriptedBackend) -> None:
    """It says at the top how to leave; leaving says that the run goes on."""
    execution_id = backend.add_execution(
        message="cat",
        phase=enums.EXECUTION_IN_PROGRESS,
        events=line_events("cat", output=b"printed before\r\n", finished=False),
    )
    async with real_terminal(home, ("attach", execution_id)) as terminal:
        await terminal.shows("printed before")
        assert terminal.text.splitlines()[0].startswith("Attached to")
        assert "Ctrl+] then d leaves" in terminal.text
        backend.emit(execution_id, output_event(b"and after\r\n"))
        await terminal.shows("and after")
        terminal.send(b"\x1dd")
        assert await terminal.ended() == 0
        await terminal.shows("what runs there goes on")
