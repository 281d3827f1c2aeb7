"""Very much output in the app, live: it goes on answering, and what it shows in the end is right."""

import asyncio
from contextlib import suppress

import psutil
import pytest

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis.home import Home
from tests.chaos.figures import record
from tests.support.scale import scaled
from tests.support.scripted_backend import ScriptedBackend, line_events
from tests.tui.real_terminal import RealTerminal, real_terminal
from tests.tui.support import output_event

PIECE = b"".join(
    b"a line of many, all of them alike, and coloured \x1b[3%dmso\x1b[0m\r\n" % (n % 8) for n in range(1024)
)
PIECES = scaled(24_000_000, 1_000_000_000) // len(PIECE)
AT_ONCE = 64
MOST_MEMORY = 40_000_000
"""Bytes that the app may need more than before, however much is printed."""


@pytest.mark.timeout(scaled(120, 1800))
async def test_the_app_stays_live_while_very_much_is_printed(home: Home, backend: ScriptedBackend) -> None:
    """Keys are answered in the middle of it; the last lines stand on the screen, in order; then the first; of the output itself nothing is in memory."""
    run = backend.add_execution(
        message="make", phase=enums.EXECUTION_IN_PROGRESS, events=line_events("make", finished=False)
    )
    async with real_terminal(home, columns=100, rows=30) as terminal:
        await terminal.shows("1 run")
        terminal.send("\x1b")
        await terminal.shows("enter open")
        terminal.send("\r")
        await terminal.shows("following")
        memory = psutil.Process(terminal.process.pid).memory_info
        before = memory().rss
        async with asyncio.TaskGroup() as group:
            printing = group.create_task(printed(backend, run))
            terminal.send("\x1b")
            await terminal.shows("/ search")
            for _ in range(3):
                terminal.send("?")
                await terminal.shows("esc closes")
                terminal.send("\x1b")
                await terminal.until(lambda: "esc closes" not in terminal.text, "the help is closed")
            while not printing.done():
                del terminal.received[:-1_000_000]
                await asyncio.sleep(0.2)
        await at_last(terminal, "last 09")

        def last_rows() -> list[str]:
            return [line.strip(" ▐") for line in terminal.text.splitlines() if line.strip().startswith("last ")]

        await terminal.until(lambda: last_rows() == [f"last {number:02}" for number in range(10)], "all that came last")
        grown = memory().rss - before
        found = f"{grown / 1e6:.0f} MB more in the app; keys were answered in the middle; the last rows stood right, and then the first"
        assert grown < MOST_MEMORY, found
        terminal.send("g")
        await terminal.shows("the very first line")
        record("very much output in the app, live", PIECES * len(PIECE) // 1_000_000, "MB", found)


async def printed(backend: ScriptedBackend, run: str) -> None:
    """All of it, as fast as it goes."""
    backend.emit(run, output_event(b"the very first line\r\n"))
    event: ev.Event = output_event(PIECE)
    for number in range(PIECES):
        backend.emit(run, event)
        if number % AT_ONCE == AT_ONCE - 1:
            await asyncio.sleep(0.05)
    backend.emit(run, output_event(b"".join(b"last %02d\r\n" % number for number in range(10))))


async def at_last(terminal: RealTerminal, text: str) -> None:
    """Until the app has read all."""
    for _ in range(scaled(1, 30)):
        with suppress(AssertionError):
            await terminal.shows(text)
            return
    await terminal.shows(text)
