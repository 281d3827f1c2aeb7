"""What tests of the workstation share."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from operator import attrgetter

from textual.pilot import Pilot
from textual.strip import Strip

from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_tui.app import StigmerApp
from stigmer_tui.screens.run import RunScreen

MOMENT = 1_795_229_000.0
"""2026-11-21 02:43:20 UTC: when tests happen."""
PATIENCE = 20.0
"""Seconds after which something that should happen will not."""


class StoppedClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = MOMENT

    def __call__(self) -> float:
        """The moment."""
        return self.now


async def until(pilot: Pilot[int], condition: Callable[[], bool], what: str) -> None:
    """Wait until the condition holds and the app has drawn."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"did not happen: {what}\n{screen_text(pilot)}")
        await pilot.pause(0.01)
    await settled(pilot)


async def settled(pilot: Pilot[int]) -> None:
    """Wait until everything that is on its way was drawn."""
    for _ in range(3):
        await pilot.pause()
        await asyncio.sleep(0)


_compositor = attrgetter("_compositor")


def screen_text(pilot: Pilot[int]) -> str:
    """What the screen shows, without colours."""
    strips: list[Strip] = _compositor(pilot.app.screen).render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips)


async def typed(pilot: Pilot[int], text: str) -> None:
    """Type a text as a person does."""
    names = {
        " ": "space",
        "\n": "enter",
        "/": "slash",
        "?": "question_mark",
        ":": "colon",
        "-": "minus",
        ".": "full_stop",
        "'": "apostrophe",
    }
    await pilot.press(*(names.get(letter, letter) for letter in text))


def output_event(data: bytes, number: int = 1) -> ev.Event:
    """More output of the `number`th line's terminal."""
    return ev.Event(terminal_output=ev.TerminalOutput(terminal_id=f"term-{number}", data=data))


def run_screen(app: StigmerApp) -> RunScreen:
    """The run that is shown."""
    screen = app.screen
    assert isinstance(screen, RunScreen)
    return screen


async def cancelled(task: "asyncio.Task[object]") -> None:
    """Cancel a task and wait for its end."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
