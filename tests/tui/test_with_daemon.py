"""The workstation as a person has it: its own daemon, its own runner, a real shell, in a real terminal."""

import os
import signal
from pathlib import Path

from stigmer_apis.home import Home
from tests.support.require import require_tool
from tests.support.workstation import new_workstation
from tests.tui.real_terminal import real_terminal


async def test_from_nothing_to_a_finished_run_across_a_killed_daemon() -> None:
    """One starts the app, types a line, watches it, kills the daemon, sees it go on, leaves; opens it again, and it is there."""
    require_tool("bwrap")
    with new_workstation() as workstation:
        home = Home(root=workstation.home, run=workstation.home / "run")
        async with real_terminal(home, columns=100, rows=30) as terminal:
            await terminal.shows("Nothing has run yet")
            terminal.send("for i in $(seq 1 60); do echo tick $i of 60; sleep 0.1; done; echo $((6*7)) is it\r")
            await terminal.shows("tick 5 of 60")
            os.kill(workstation.status()["pid"], signal.SIGKILL)
            await terminal.shows("tick 40 of 60")
            terminal.send("echo and then\r")
            await terminal.shows("1 queued")
            await terminal.shows("42 is it")
            await terminal.until(
                lambda: "a line sent" not in terminal.text and "✓ completed" in terminal.text, "the end"
            )
            ticks = [line.strip(" ▐") for line in terminal.text.splitlines() if line.startswith(" tick ")]
            assert ticks == [f"tick {number} of 60" for number in range(61 - len(ticks), 61)]
            assert "and then" in terminal.text
            terminal.send("\x11")
            assert await terminal.ended() == 0
        async with real_terminal(home, columns=100, rows=30) as terminal:
            await terminal.shows("42 is it")
            assert "and then" in terminal.text, "it is where one left it"
            terminal.send("\x1b")
            await terminal.shows("/ search")
            terminal.send("q")
            await terminal.shows("1 run")
            terminal.send("\x11")
            assert await terminal.ended() == 0


async def test_a_program_that_asks_and_one_that_is_stopped(tmp_path: Path) -> None:
    """Attached from the composer, answered, back; then a run is stopped and leaves nothing behind."""
    require_tool("bwrap")
    with new_workstation() as workstation:
        home = Home(root=workstation.home, run=workstation.home / "run")
        async with real_terminal(home, columns=110, rows=30) as terminal:
            await terminal.shows("Nothing has run yet")
            terminal.send("read -p 'name? ' name; echo hello $name\r")
            await terminal.shows("waits for a line of input")
            terminal.send("\r")
            await terminal.shows("ATTACHED")
            terminal.send("Ada\r")
            await terminal.shows("The program has ended")
            await terminal.shows("hello Ada")
            terminal.send("setsid sleep 4711 & sleep 4712\r")
            await terminal.shows("❯ setsid sleep 4711")
            await terminal.shows("a line sent now queues")
            terminal.send("\x03")
            await terminal.shows("press ctrl+c again")
            terminal.send("\x03")
            await terminal.shows("■ cancelled")
            assert "stopped" in terminal.text
            assert not [process for process in workstation.processes() if "4711" in " ".join(process.cmdline())]
            terminal.send("\x11")
            assert await terminal.ended() == 0


async def test_a_server_that_is_stopped_on_purpose_stays_stopped() -> None:
    """The app says so and starts none; once somebody does, it goes on by itself."""
    with new_workstation() as workstation:
        home = Home(root=workstation.home, run=workstation.home / "run")
        async with real_terminal(home, columns=100, rows=30) as terminal:
            await terminal.shows("Nothing has run yet")
            workstation.run("server", "stop", code=0)
            await terminal.shows("stopped on purpose")
            assert workstation.processes_of("stigmer_backend.daemon") == []
            workstation.run("server", "start", code=0)
            await terminal.until(lambda: "stopped on purpose" not in terminal.text, "connected again")
            terminal.send("echo $((6*7)) again\r")
            await terminal.shows("42 again")
            terminal.send("\x11")
            assert await terminal.ended() == 0
