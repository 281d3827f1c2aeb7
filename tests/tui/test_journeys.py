"""Journeys of a person in a real terminal, against real parts: what is waited for is what the screen says.

The others stand elsewhere: first run, watching, a killed daemon and taking over in `test_with_daemon`, leaving and signals in `test_real_terminal`.
"""

import time
from pathlib import Path

from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis.client import Client
from stigmer_apis.home import Home
from stigmer_tui.manifests.drafts import draft
from stigmer_tui.manifests.kinds import AGENT
from stigmer_tui.manifests.storing import Target, read_one
from tests.support.require import require_tool
from tests.support.served_backend import serve_backend
from tests.support.workstation import new_workstation
from tests.tui.real_terminal import RealTerminal, real_terminal

STARTING = 100.0
"""Seconds after which a demonstration that starts is not there any more: it starts a server, a runner and a script."""
CARD_SECONDS = 1.0
"""So long a card that is gone to reads no key; with some room."""


async def left(terminal: RealTerminal) -> None:
    """Leave it by the key."""
    terminal.send("\x11")
    assert await terminal.ended() == 0


async def test_editing_an_agent(short_tmp: Path) -> None:
    """Found in the library, changed with what is offered, stored, looked at in its history, restored."""
    async with serve_backend(short_tmp, storage="memory:") as served, Client(served.home, start_daemon=False) as client:
        await client.resources.apply([read_one(draft(AGENT, "reviewer"), Target(AGENT)).resource])
        async with real_terminal(served.home, columns=100, rows=30) as terminal:
            await terminal.shows("Nothing has run yet")
            terminal.send(":")
            await terminal.shows("Go to the list of runs")
            terminal.send("agents reviewer\r")
            await terminal.shows("What it is for")
            terminal.send("e")
            await terminal.shows("✓ as it is stored")
            terminal.send("\x1b[1;5F")
            terminal.send("  modl")
            await terminal.shows("modelSettings")
            terminal.send("\t")
            await terminal.shows(" model:")
            terminal.send("made-up")
            await terminal.shows("✓ can be stored")
            terminal.send("\x1bs")
            await terminal.shows("agent reviewer updated")
            terminal.send("H")
            await terminal.shows("2 versions")
            await terminal.shows("model: made-up")
            terminal.send("j")
            await terminal.shows("what has changed since")
            terminal.send("r")
            await terminal.shows("u takes it back")
            found = (await client.resources.get(ApiResourceKind.agent, "reviewer")).agent
            assert (found.spec.model, found.metadata.version.id) == ("", "3")
            terminal.send("u")
            await terminal.shows("4 versions")
            await left(terminal)
        found = (await client.resources.get(ApiResourceKind.agent, "reviewer")).agent
        assert (found.spec.model, found.metadata.version.id) == ("made-up", "4")


async def test_searching_replaying_and_reading_logs() -> None:
    """In a run that ended: found, gone back in time, played to its end; then the server's log."""
    require_tool("bwrap")
    with new_workstation() as workstation:
        home = Home(root=workstation.home, run=workstation.home / "run")
        async with real_terminal(home, columns=100, rows=30) as terminal:
            await terminal.shows("Nothing has run yet")
            terminal.send("for i in $(seq 300); do echo tick $i; done; echo $((6*7)) is it\r")
            await terminal.shows("42 is it")
            await terminal.shows("✓ completed")
            terminal.send("\x1b")
            await terminal.shows("o other pane")
            terminal.send("/tick 14\r")
            await terminal.shows("of 11")
            terminal.send("n")
            await terminal.shows("tick 141")
            terminal.send("\x1b")
            terminal.send("\x14")
            await terminal.shows("space play")
            terminal.send("g")
            await terminal.until(lambda: "42 is it" not in terminal.text, "the beginning")
            terminal.send("G")
            await terminal.shows("42 is it")
            terminal.send("q")
            await terminal.until(lambda: "space play" not in terminal.text, "now")
            terminal.send(":logs server\r")
            await terminal.shows("stigmer_backend")
            await left(terminal)


async def test_approving_and_branching(short_tmp: Path) -> None:
    """In the demonstration: a command and an edit are approved on the card; then the session goes on in a second one, and both are there."""
    require_tool("bwrap")
    home = Home(root=short_tmp / "h", run=short_tmp / "h" / "run")
    directory = {"TMPDIR": str(short_tmp)}
    async with real_terminal(home, ("demo", "--speed", "100"), columns=100, rows=40, environment=directory) as terminal:
        await approve(terminal, "python3 -m unittest")
        await approve(terminal, "edit basket.py")
        await terminal.shows("plan 1/3")
        await terminal.shows("alt+enter new line")
        terminal.send("/branch another way\r")
        await terminal.shows("› another way")
        terminal.send("\x1b")
        await terminal.shows("o other pane")
        terminal.send(":")
        await terminal.shows("Go to the list of runs")
        terminal.send("runs\r")
        await terminal.shows("2 runs")
        await left(terminal)


async def approve(terminal: RealTerminal, call: str) -> None:
    """Go to the card of a call, and once it reads keys approve it."""
    await terminal.until(
        lambda: "asks whether it may" in terminal.text and call in card(terminal),
        f"asked about {call}",
        patience=STARTING,
    )
    terminal.send("\x1bOS")
    await terminal.shows("o once")
    begun = time.monotonic()
    await terminal.until(lambda: time.monotonic() - begun > CARD_SECONDS, "the card reads keys")
    terminal.send("o")
    await terminal.until(lambda: call not in card(terminal), f"{call} was decided")


def card(terminal: RealTerminal) -> str:
    """What the card says, and nothing of the transcript above it."""
    return terminal.text.rpartition("asks whether it may")[2]
