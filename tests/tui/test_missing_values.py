"""What a run misses is asked for in the app, unseen, in a real terminal."""

import json

from stigmer_apis.home import Home
from tests.support.require import require_tool
from tests.support.workstation import new_workstation
from tests.tui.real_terminal import real_terminal

SECRET = "correct-horse-battery"


async def test_a_missing_value_is_asked_for_and_never_drawn() -> None:
    """Esc gives the line back; given, the run has it, and the terminal never saw it."""
    require_tool("bwrap")
    with new_workstation(DBUS_SESSION_BUS_ADDRESS="") as workstation:
        shell = json.loads(workstation.run("get", "agent", "shell", "-o", "json").stdout)
        shell["spec"]["envSpec"] = {"data": {"TOKEN": {"isSecret": True, "description": "for the tests"}}}
        del shell["status"]
        workstation.run("apply", "-f", "-", stdin=json.dumps(shell).encode())
        home = Home(root=workstation.home, run=workstation.home / "run")
        async with real_terminal(home, columns=100, rows=30, environment=workstation.environment) as terminal:
            await terminal.shows("Nothing has run yet")
            terminal.send("echo ${#TOKEN} letters\r")
            await terminal.shows("TOKEN is missing")
            await terminal.shows("for the tests")
            terminal.send("\x1b")
            await terminal.shows("so the run was not started")
            terminal.send("\r")
            await terminal.shows("Esc does not start the run")
            terminal.send(SECRET + "\r")
            await terminal.shows("21 letters")
            assert SECRET.encode() not in terminal.received
            terminal.send("\x11")
            assert await terminal.ended() == 0
