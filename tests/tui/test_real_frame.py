"""The frame in a real terminal: what it asks, tells and sets there, and that all of it is put back."""

import asyncio
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

BROKEN = """
import sys
from stigmer_apis.home import Home
from stigmer_tui import app
from stigmer_tui.widgets.board.table import BoardTable

drawn = BoardTable.draw_row

def fail(self, row, width):
    if (Home.from_environment().root / "fail").exists():
        raise RuntimeError("a row cannot be drawn")
    return drawn(self, row, width)

BoardTable.draw_row = fail
sys.exit(app.run_app(Home.from_environment()))
"""


async def left(terminal: RealTerminal) -> None:
    """Leave it by the key."""
    terminal.send("\x11")
    assert await terminal.ended() == 0


async def test_a_part_that_fails_is_a_panel(home: Home, backend: ScriptedBackend) -> None:
    """The list cannot be drawn: it says so in its place; the composer, the keys and the other screens go on."""
    backend.add_execution(message="true", phase=enums.EXECUTION_COMPLETED, events=line_events("true"))
    async with real_terminal(home, program=["-c", BROKEN]) as terminal:
        await terminal.shows("1 run")
        (home.root / "fail").touch()
        terminal.send("\x1b")
        await terminal.shows("This part of the screen failed (table)")
        assert "a command line; enter runs it" in terminal.text
        terminal.send("\x1bl")
        await terminal.shows("Agents")
        await left(terminal)
        log = (home.logs / "tui.log").read_text()
        assert "a row cannot be drawn" in log
        assert b"Traceback" not in terminal.received


@pytest.mark.parametrize(("colour", "theme"), [(b"ffff/ffff/eeee", "light"), (b"1111/1212/1313", "dark")])
async def test_the_look_follows_the_background(home: Home, backend: ScriptedBackend, colour: bytes, theme: str) -> None:
    """Asked before the app starts; what is typed meanwhile is not lost."""
    async with real_terminal(home, environment={"COLORTERM": "truecolor"}) as terminal:
        await terminal.until(lambda: b"\x1b]11;?" in terminal.received, "the question")
        terminal.send(b"ec\x1b]11;rgb:" + colour + b"\x1b\\\x1b[?62;22cho typed early")
        await terminal.shows("echo typed early")
        background = {"light": b"48;2;251;251;249", "dark": b"48;2;17;21;26"}[theme]
        assert background in terminal.received
        terminal.send("\x03")
        await left(terminal)


async def test_sixteen_colours_are_the_terminals_own(home: Home, backend: ScriptedBackend) -> None:
    """No colour by number or by its parts is sent: only the terminal's own sixteen and its defaults."""
    home.prepare()
    home.config.write_text("tui:\n  theme: sixteen\n")
    backend.add_execution(message="false", phase=enums.EXECUTION_FAILED, events=line_events("false"))
    async with real_terminal(home, environment={"COLORTERM": "truecolor"}) as terminal:
        await terminal.shows("1 run")
        terminal.send("\x1b")
        await terminal.shows("enter open")
        for keys, words in ((" ", "+tabs"), (":", "Browse agents."), ("?", "esc closes")):
            terminal.send(keys)
            await terminal.shows(words)
            terminal.send("\x1b")
            await terminal.until(lambda words=words: words not in terminal.text, "as it was")
        terminal.send("\r")
        await terminal.shows("following")
        await left(terminal)
        assert not re.search(rb"\x1b\[[0-9;]*[34]8;[25];", terminal.received)


async def test_who_looks_elsewhere_is_told(home: Home, backend: ScriptedBackend, tmp_path: Path) -> None:
    """Only while the terminal is away; by the terminal, the bell and the desktop; not what was turned off; nothing of others' codes."""
    notify = tmp_path / "notify-send"
    notify.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> {tmp_path}/told\n')
    notify.chmod(0o755)
    home.prepare()
    home.config.write_text("tui:\n  notifications:\n    done: false\n")
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "DISPLAY": ":7", "SSH_CONNECTION": "", "VTE_VERSION": ""}
    ids = [
        backend.add_execution(
            message=message, phase=enums.EXECUTION_IN_PROGRESS, events=line_events("x", finished=False)
        )
        for message in ("first", "second", HOSTILE[0], "fourth")
    ]

    def end(execution_id: str, phase: "enums.ExecutionPhase.ValueType", reason: str = "") -> None:
        backend.emit(execution_id, ev.Event(phase_changed=ev.PhaseChanged(phase=phase, reason=reason)))

    async with real_terminal(home, environment=environment) as terminal:
        await terminal.shows("4 running")
        await terminal.until(lambda: "stigmer · 4 running".encode() in terminal.received, "the title")
        end(ids[0], enums.EXECUTION_FAILED, "seen by whoever looks")
        await terminal.until(lambda: "stigmer · 3 running".encode() in terminal.received, "it was taken in")
        terminal.send("\x1b[O")
        await terminal.shows("ctrl+q quit")
        end(ids[1], enums.EXECUTION_COMPLETED)
        end(ids[2], enums.EXECUTION_FAILED, "\x1b]0;owned\x07<b>hot</b>; " + "x" * 500)
        await terminal.until(lambda: b"\x1b]9;Stigmer: a run failed" in terminal.received, "told by the terminal")
        told = tmp_path / "told"
        await terminal.until(lambda: told.exists() and "a run failed" in told.read_text(), "told by the desktop")
        assert "&lt;b&gt;hot&lt;/b&gt;" in told.read_text()
        notifications = re.findall(rb"\x1b\]9;([^\x07\x1b]*)\x07\x07", terminal.received)
        assert len(notifications) == 1
        assert b"<b>hot</b>, xxx" in notifications[0]
        assert b";" not in notifications[0]
        assert len(notifications[0].decode()) < 250
        assert b"\x1b]0;" not in terminal.received
        await left(terminal)
        assert bytes(terminal.received).rindex(b"\x1b[23;2t") > bytes(terminal.received).rindex(b"\x1b[22;2t")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_signals_put_the_title_back(home: Home, backend: ScriptedBackend, number: signal.Signals) -> None:
    """And the progress, where that is shown."""
    home.prepare()
    home.config.write_text("tui:\n  progress: on\n")
    backend.add_execution(message="yes", phase=enums.EXECUTION_IN_PROGRESS, events=line_events("yes", finished=False))
    async with real_terminal(home) as terminal:
        await terminal.until(lambda: b"\x1b]9;4;3;0\x07" in terminal.received, "the progress")
        os.kill(terminal.process.pid, number)
        assert await terminal.ended() == 128 + number
        await terminal.until(lambda: b"\x1b[23;2t" in terminal.received, "the title is put back")
        assert terminal.received.rindex(b"\x1b]9;4;0;0\x07") > terminal.received.rindex(b"\x1b]9;4;3;0\x07")


async def test_it_opens_where_it_was_left(home: Home, backend: ScriptedBackend) -> None:
    """The run that was in front, and the tabs; the file is its owner's alone."""
    backend.add_execution(
        message="make", phase=enums.EXECUTION_COMPLETED, events=line_events("make", output=b"built\r\n")
    )
    async with real_terminal(home) as terminal:
        await terminal.shows("1 run")
        terminal.send("\x1b")
        await terminal.shows("enter open")
        terminal.send("\x1bt")
        await terminal.shows("2 ")
        await terminal.shows("built")
        await left(terminal)
    assert (home.root / "tui.json").stat().st_mode & 0o777 == 0o600
    async with real_terminal(home) as terminal:
        await terminal.until(lambda: terminal.text.startswith(" 1 runs"), "the tabs")
        await terminal.shows("exit 0")
        await left(terminal)


async def test_looking_on(home: Home, backend: ScriptedBackend) -> None:
    """--read-only: no composer, no keys that change something, and it says so; what there is can be read."""
    execution_id = backend.add_execution(
        message="make",
        phase=enums.EXECUTION_IN_PROGRESS,
        events=line_events("make", output=b"building\r\n", finished=False),
    )
    asked: list[str] = []

    async def cancel(asked_for: str) -> None:
        asked.append(asked_for)

    backend.on_cancel = cancel
    async with real_terminal(home, ("tui", "--read-only", "--attach", execution_id)) as terminal:
        await terminal.shows("building")
        await terminal.shows("read only")
        assert "what this session is to do" not in terminal.text
        await terminal.shows("/ search")
        terminal.send("xx")
        terminal.send(":run.cancel\r")
        await terminal.shows("only looks on")
        assert not asked
        await left(terminal)


async def test_a_storm_of_sizes(home: Home, backend: ScriptedBackend) -> None:
    """20x5 to 300x100 and back, with a list over the screen, with labels, with tabs."""
    backend.add_execution(message="make", phase=enums.EXECUTION_COMPLETED, events=line_events("make"))
    async with real_terminal(home) as terminal:
        await terminal.shows("1 run")
        terminal.send("\x1b")
        await terminal.shows("enter open")
        for keys in ("\x1bt", " ", "\x1b", ":", "\x1b", "?", "\x1b", "f"):
            terminal.send(keys)
            for number in range(6):
                terminal.resize(20 + number * 56, 5 + number * 19)
        terminal.resize(20, 5)
        terminal.resize(80, 24)
        terminal.send("\x1b")
        terminal.send("\x1b1")
        await terminal.shows("1 run")
        await left(terminal)


async def test_without_utf_8_every_shape_is_ascii(home: Home, backend: ScriptedBackend) -> None:
    """Phases still differ, and nothing but ASCII is sent."""
    backend.add_execution(message="make ünïcode 漢字", phase=enums.EXECUTION_FAILED, events=line_events("make"))
    backend.add_execution(message="true", phase=enums.EXECUTION_COMPLETED, events=line_events("true"))
    async with real_terminal(home, environment={"LC_ALL": "C"}) as terminal:
        await terminal.shows("2 runs")
        await terminal.shows("make unicode ????")
        terminal.send("\x1b")
        await terminal.shows("enter open")
        terminal.send("?")
        await terminal.shows("esc closes")
        terminal.send("\x1b")
        await left(terminal)
        assert terminal.received.isascii()


async def test_no_colour_in_any_theme(home: Home, backend: ScriptedBackend) -> None:
    """NO_COLOR is obeyed: greys alone, whatever the theme."""
    home.prepare()
    home.config.write_text("tui:\n  theme: forest\n")
    backend.add_execution(message="false", phase=enums.EXECUTION_FAILED, events=line_events("false"))
    async with real_terminal(home, environment={"NO_COLOR": "1", "COLORTERM": "truecolor"}) as terminal:
        await terminal.shows("1 run")
        terminal.send("\x1b")
        await terminal.shows("enter open")
        await left(terminal)
        colours = set(re.findall(rb"\x1b\[(?:[0-9;]*;)?[34]8;2;([0-9;]+)m", terminal.received))
        assert all(len(set(colour.split(b";")[:3])) == 1 for colour in colours), colours


async def test_to_the_shell_and_back(home: Home, backend: ScriptedBackend) -> None:
    """ctrl+z gives the terminal back; fg draws it all again."""
    async with real_terminal(home) as terminal:
        before = terminal.settings()
        await terminal.shows("Nothing has run yet")
        terminal.send("\x1b")
        await terminal.until(lambda: "esc browse" not in terminal.text, "nobody writes")
        terminal.send("\x1a")
        await terminal.until(lambda: b"\x1b[?1049l" in terminal.received, "the screen is left")
        await terminal.until(lambda: terminal.settings() == before, "the settings as they were")
        terminal.received.clear()
        os.kill(terminal.process.pid, signal.SIGCONT)
        await terminal.until(lambda: b"\x1b[?1049h" in terminal.received, "the screen again")
        await terminal.shows("Nothing has run yet")
        await left(terminal)


async def test_a_screen_that_rests_is_left_alone(home: Home, backend: ScriptedBackend) -> None:
    """Nothing is written while nothing happens; what changes is drawn where it changes, and the screen is never wiped for it."""
    run = backend.add_execution(
        message="make", phase=enums.EXECUTION_IN_PROGRESS, events=line_events("make", finished=False)
    )
    async with real_terminal(home) as terminal:
        await terminal.shows("1 run")
        terminal.send("\x1b")
        await terminal.shows("enter open")
        terminal.send("\r")
        await terminal.shows("following")
        await resting(terminal)
        seen = len(terminal.received)
        await asyncio.sleep(2)
        assert bytes(terminal.received[seen:]) == b""
        for number in range(50):
            backend.emit(run, output_event(b"part %d\r\n" % number))
            await asyncio.sleep(0.02)
        await terminal.shows("part 49")
        written = bytes(terminal.received[seen:])
        assert b"\x1b[2J" not in written
        await left(terminal)


async def resting(terminal: RealTerminal) -> None:
    """Until nothing was written for a while."""
    while True:
        seen = len(terminal.received)
        await asyncio.sleep(1)
        if len(terminal.received) == seen:
            return
