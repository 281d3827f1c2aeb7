"""A terminal that takes 10 KB a second: frames are left out, events never are; and whatever the terminal, only what changed is sent."""

import asyncio
import random

from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis.home import Home
from stigmer_tui.terminal.shown import Shown
from tests.support.scripted_backend import ScriptedBackend, line_events
from tests.tui.real_terminal import RealTerminal, real_terminal
from tests.tui.support import output_event

BYTES_PER_SECOND = 10_000
BEHIND = 40_000
"""Bytes after which the newest state is on the screen: what the system keeps for a terminal, and two frames."""
STYLES = (Style(color="red"), Style(bold=True), Style(bgcolor="blue"))


async def streaming(terminal: RealTerminal, backend: ScriptedBackend) -> str:
    """A run that is followed."""
    run = backend.add_execution(
        message="make", phase=enums.EXECUTION_IN_PROGRESS, events=line_events("make", finished=False)
    )
    await terminal.shows("1 run")
    terminal.send("\x1b")
    await terminal.shows("enter open")
    terminal.send("\r")
    await terminal.shows("following")
    return run


async def test_a_slow_terminal_has_the_newest_state_soon(home: Home, backend: ScriptedBackend) -> None:
    """However much came meanwhile; a key counts too; nothing that came is missing in the end."""
    chance = random.Random(7)
    words = ["".join(chance.choices("abcdefghijklmnop ", k=70)) for _ in range(200)]
    async with real_terminal(home) as terminal:
        run = await streaming(terminal, backend)
        terminal.slow_down(BYTES_PER_SECOND)
        for number in range(200):
            backend.emit(run, output_event(f"{number:03} {words[number]}\r\n".encode()))
            await asyncio.sleep(0.02)
        backend.emit(run, output_event(b"the newest of all\r\n"))
        seen = len(terminal.received)
        await terminal.shows("the newest of all")
        assert len(terminal.received) - seen < BEHIND
        terminal.send("\x1b")
        seen = len(terminal.received)
        await terminal.shows("/ search")
        assert len(terminal.received) - seen < BEHIND
        terminal.slow_down(0)
        rows = [line[1:4] for line in terminal.text.splitlines() if line[1:4].isdigit()]
        assert rows == [f"{number:03}" for number in range(200 - len(rows), 200)]
        terminal.send("g")
        await terminal.shows("000 ")


async def test_only_what_changed_is_sent(home: Home, backend: ScriptedBackend) -> None:
    """A word more in a line is not a screen more, though the list behind it changes too."""
    async with real_terminal(home) as terminal:
        run = await streaming(terminal, backend)
        await asyncio.sleep(1)
        seen = len(terminal.received)
        for number in range(20):
            backend.emit(run, output_event(b"w%d " % number))
            await asyncio.sleep(0.05)
        await terminal.shows("w19")
        assert len(terminal.received) - seen < 20 * 400


def test_what_is_sent_in_pieces_ends_as_the_whole_does() -> None:
    """Rows at random, one after the other in the same place: an emulator that gets the pieces shows the last one."""
    import pyte

    chance = random.Random(11)
    screen = pyte.Screen(20, 3)
    stream = pyte.Stream(screen)
    shown, console = Shown(), Console(color_system="256", force_terminal=True, width=20)
    for _ in range(400):
        rows = [random_row(chance) for _ in range(3)]
        update = LayoutUpdate([[row] for row in rows], Region(0, 0, 20, 3))
        stream.feed(shown.changed(update).render_segments(console))
        assert [row.rstrip() for row in screen.display] == [row.text.rstrip() for row in rows]


def random_row(chance: random.Random) -> Strip:
    """Twenty cells, nearly the same every time."""
    text = list("aaaa bbbb │ cccc ddd")
    if chance.random() < 0.6:
        text[chance.randrange(20)] = chance.choice("xyz▐·")
    cut = sorted(chance.sample(range(1, 20), 2))
    parts = ("".join(text[: cut[0]]), "".join(text[cut[0] : cut[1]]), "".join(text[cut[1] :]))
    if chance.random() < 0.1:
        parts = ("漢字" * 4, " " * 2, "x" * 2)
    return Strip([Segment(part, chance.choice(STYLES)) for part in parts])
