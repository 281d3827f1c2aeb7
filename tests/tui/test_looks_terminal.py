"""What the terminal and the time bar look like: pictures at two sizes, dark and light."""

from pathlib import Path

from syrupy.assertion import SnapshotAssertion

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_tui.app import StigmerApp
from tests.support.scripted_backend import ScriptedBackend, line_events
from tests.tui.support import MOMENT, StoppedClock, run_screen, screen_text, until
from tests.tui.test_looks import LOOKS, PYTEST, SIZES, add, same, shown

RECORDINGS = Path(__file__).parents[1] / "emulator" / "recordings"


def vim_run(backend: ScriptedBackend, clock: StoppedClock) -> str:
    """A run in which vim is open."""
    events = line_events("vim store.py", output=(RECORDINGS / "vim").read_bytes(), finished=False)
    execution_id = add(backend, clock, 42, 1, "vim store.py", enums.EXECUTION_IN_PROGRESS, *events)
    clock.now = MOMENT
    return execution_id


@SIZES
@LOOKS
async def test_attached(
    app: StigmerApp,
    backend: ScriptedBackend,
    clock: StoppedClock,
    size: tuple[int, int],
    light: bool,
    snapshot: SnapshotAssertion,
) -> None:
    """The program, and one line that says whose the keys are."""
    execution_id = vim_run(backend, clock)
    async with app.run_test(size=size) as pilot:
        app.open_run(execution_id)
        await until(pilot, lambda: bool(run_screen(app).feed.state.terminals), "the run")
        await pilot.press("escape", "enter")
        await shown(pilot, app, light, " ATTACHED ")
        assert same(app, snapshot)


@SIZES
@LOOKS
async def test_a_full_screen_program_that_is_watched(
    app: StigmerApp,
    backend: ScriptedBackend,
    clock: StoppedClock,
    size: tuple[int, int],
    light: bool,
    snapshot: SnapshotAssertion,
) -> None:
    """Its screen, in place of the output, without attaching."""
    execution_id = vim_run(backend, clock)
    async with app.run_test(size=size) as pilot:
        app.open_run(execution_id)
        await until(pilot, lambda: bool(run_screen(app).feed.state.terminals), "the run")
        await pilot.press("escape")
        await shown(pilot, app, light, "class Store")
        assert same(app, snapshot)


@SIZES
@LOOKS
async def test_the_time_bar(
    app: StigmerApp,
    backend: ScriptedBackend,
    clock: StoppedClock,
    size: tuple[int, int],
    light: bool,
    snapshot: SnapshotAssertion,
) -> None:
    """Some way back in a run that ended, at something that went wrong."""
    execution_id = add(backend, clock, 600, 1, "make test", enums.EXECUTION_IN_PROGRESS)
    vim = (RECORDINGS / "vim").read_bytes()
    steps = [
        *((0, event) for event in line_events("git status", output=b"On branch main\r\n", number=1)),
        *((90, event) for event in line_events("make test", output=PYTEST, exit_code=1, number=2)),
        *((20, event) for event in line_events("vim store.py", output=vim, number=3)),
        (5, ev.Event(approval_requested=ev.ApprovalRequested(call_id="call-4", summary="git push", reason="it leaves this machine"))),
        *((10, event) for event in line_events("make test", output=PYTEST, exit_code=0, number=5)),
    ]  # fmt: skip
    for seconds, event in steps:
        clock.now += seconds
        backend.emit(execution_id, event)
    backend.move(execution_id, enums.EXECUTION_COMPLETED)
    clock.now = MOMENT
    async with app.run_test(size=size) as pilot:
        app.open_run(execution_id)
        await until(pilot, lambda: "completed" in screen_text(pilot), "the run")
        await pilot.press("ctrl+t", "home", "e")
        await until(pilot, lambda: "1 failed" in screen_text(pilot), "the terminal at the error")
        await shown(pilot, app, light, "REPLAY")
        assert same(app, snapshot)
