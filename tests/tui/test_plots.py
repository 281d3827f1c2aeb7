"""Plots: numbers over time, by agent and by tool; exact ones on demand; foreign names are drawn and never obeyed."""

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_tui.app import StigmerApp
from stigmer_tui.screens.plots import PlotsScreen
from stigmer_tui.widgets.plots.measures import Tally, ceiling, dollars, failure_rate
from tests.support.scripted_backend import ScriptedBackend
from tests.tui.hostile import HOSTILE
from tests.tui.support import MOMENT, StoppedClock, screen_text, settled, typed, until
from tests.tui.test_looks import LOOKS, SIZES, same, shown


def fill(backend: ScriptedBackend, clock: StoppedClock) -> None:
    """Most of a day of runs of two agents; one in five failed."""
    for name in ("reviewer", "builder"):
        backend.add_agent(name)
    for number in range(60):
        begun = clock.now = MOMENT - 1230 * number - 900
        used = 1000 + (number * 7919) % 5000
        name = backend.add_execution(
            agent=("reviewer", "builder", "builder")[number % 3],
            phase=enums.EXECUTION_IN_PROGRESS,
            events=(ev.Event(usage_reported=ev.UsageReported(input_tokens=used, cost_micro_usd=used * 9)),),
        )
        clock.now = begun + used / 10
        backend.move(name, enums.EXECUTION_FAILED if number % 5 == 0 else enums.EXECUTION_COMPLETED)
    clock.now = MOMENT


async def opened(pilot: Pilot[int], app: StigmerApp, command: str) -> PlotsScreen:
    """The plots, with their first answer."""
    await until(pilot, lambda: app.connection_words == "" and app.board.feed.window.loaded, "connected")
    app.run_written(command)
    await until(pilot, lambda: isinstance(app.screen, PlotsScreen) and "Asking" not in screen_text(pilot), "plots")
    assert isinstance(app.screen, PlotsScreen)
    await settled(pilot)
    assert "failed (" not in screen_text(pilot)
    return app.screen


def test_numbers_are_written_for_people() -> None:
    """Round ends of an axis, small amounts of money, rates of what ended by itself."""
    assert [ceiling(value) for value in (0, 0.25, 1, 3, 41, 999)] == [1, pytest.approx(0.3), 1, 3, 50, 1000]
    assert [dollars(micros) for micros in (0, 4200, 1_204_500_000)] == ["$0.00", "$0.0042", "$1,204.50"]
    assert failure_rate(Tally(failed=1, completed=3, cancelled=7)) == 25


async def test_a_number_over_time_and_by_agent(app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock) -> None:
    """Tab goes on, p looks further back, t has the exact numbers, enter narrows, escape undoes one after the other."""
    fill(backend, clock)
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(pilot, app, "plots tokens")
        text = screen_text(pilot)
        assert "last 24 hours" in text
        assert text.index("builder") < text.index("reviewer")
        assert "█" in text
        await pilot.press("p")
        await until(pilot, lambda: "runs 60" in screen_text(pilot), "a week has them all")
        await pilot.press("t")
        await until(pilot, lambda: "2026-11-21 0" in screen_text(pilot), "the numbers")
        await pilot.press("y")
        assert app.clipboard.startswith("from\truns\ttokens\t")
        await pilot.press("escape", "enter")
        await until(pilot, lambda: "runs 40" in screen_text(pilot), "one agent alone")
        await pilot.press("escape")
        await until(pilot, lambda: "runs 60" in screen_text(pilot), "all again")
        await pilot.press("shift+tab", "shift+tab")
        await until(pilot, lambda: "shell" in screen_text(pilot) and "failed" in screen_text(pilot), "tools")
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.board, "back")


async def test_nothing_says_how_to_begin(app: StigmerApp, backend: ScriptedBackend) -> None:
    """And words that mean nothing are answered."""
    async with app.run_test() as pilot:
        await opened(pilot, app, "plots cost hour")
        assert "No run in the last hour. p looks further back." in screen_text(pilot)
        await pilot.press("p", "p", "p", "p")
        await until(pilot, lambda: "Start one on the board" in screen_text(pilot), "ever")
        app.run_written("plots one two")
        await until(pilot, lambda: "One agent at a time" in screen_text(pilot), "refused")


async def test_names_are_drawn_and_never_obeyed(app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock) -> None:
    """Whatever an agent is called."""
    for number, name in enumerate(HOSTILE[:40]):
        backend.add_execution(message=str(number), agent=name, phase=enums.EXECUTION_COMPLETED)
    clock.now = MOMENT + 60
    async with app.run_test(size=(100, 60)) as pilot:
        await opened(pilot, app, "plots runs all")
        await pilot.press("tab")
        await settled(pilot)
        assert not any(ord(letter) < 32 and letter != "\n" for letter in screen_text(pilot))


@SIZES
@LOOKS
@pytest.mark.parametrize("state", ["tokens", "numbers"])
async def test_the_plots(
    app: StigmerApp,
    backend: ScriptedBackend,
    clock: StoppedClock,
    snapshot: SnapshotAssertion,
    size: tuple[int, int],
    light: bool,
    state: str,
) -> None:
    """Each state that one comes to."""
    fill(backend, clock)
    async with app.run_test(size=size) as pilot:
        await opened(pilot, app, "plots tokens day")
        if state == "numbers":
            await typed(pilot, "t")
        await shown(pilot, app, light, {"tokens": "in and out", "numbers": "2026-11-21 02:30"}[state])
        assert same(app, snapshot)
