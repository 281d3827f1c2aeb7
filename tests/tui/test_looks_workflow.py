"""What workflows look like: pictures at two sizes, dark and light. `pytest tests/tui/test_looks_workflow.py --snapshot-update` after a change, then look."""

import pytest
from syrupy.assertion import SnapshotAssertion

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_tui.app import StigmerApp
from tests.support.scripted_backend import ScriptedBackend
from tests.tui import workflow_scripts as script
from tests.tui.support import MOMENT, StoppedClock, typed, until
from tests.tui.test_looks import LOOKS, SIZES, same, shown
from tests.tui.test_workflow_view import stored

RUN = "wex-01m7zxs8a00000000000000001"


def running(backend: ScriptedBackend, clock: StoppedClock) -> None:
    """Orders are on their way."""
    clock.now = MOMENT
    backend.workflows.add(script.ORDERS, name="orders", execution_id=RUN)
    clock.now = MOMENT + 97
    backend.emit(RUN, *script.orders_until_asked(clock.now))


@SIZES
@LOOKS
async def test_a_run(
    app: StigmerApp,
    backend: ScriptedBackend,
    clock: StoppedClock,
    snapshot: SnapshotAssertion,
    size: tuple[int, int],
    *,
    light: bool,
) -> None:
    running(backend, clock)
    async with app.run_test(size=size) as pilot:
        app.open_run(RUN)
        await shown(pilot, app, light, "shipped")
        assert same(app, snapshot)


@pytest.mark.parametrize("size", [(80, 24)], ids=["80x24"])
@LOOKS
async def test_a_task_whole(
    app: StigmerApp,
    backend: ScriptedBackend,
    clock: StoppedClock,
    snapshot: SnapshotAssertion,
    size: tuple[int, int],
    *,
    light: bool,
) -> None:
    running(backend, clock)
    async with app.run_test(size=size) as pilot:
        app.open_run(RUN)
        await shown(pilot, app, light, "shipped")
        await pilot.press("home", *(["down"] * 5), "enter")
        await shown(pilot, app, False, "receipt")
        assert same(app, snapshot)


@pytest.mark.parametrize("size", [(160, 48)], ids=["160x48"])
@LOOKS
async def test_a_run_that_failed(
    app: StigmerApp,
    backend: ScriptedBackend,
    clock: StoppedClock,
    snapshot: SnapshotAssertion,
    size: tuple[int, int],
    *,
    light: bool,
) -> None:
    running(backend, clock)
    why = "the reviewer refused: this is not all right"
    detail = '{"type": "https://serverlessworkflow.io/spec/1.0.0/errors/runtime", "status": 500, "title": "Runtime", "detail": "refused"}'
    backend.emit(
        RUN,
        script.finished(script.AGENT, error=why, detail=detail),
        script.finished(script.PERSON, cancelled=True),
        script.finished(script.ASK, error=why),
        ev.Event(phase_changed=ev.PhaseChanged(phase=enums.EXECUTION_FAILED, reason=f"ask/agent: {why}")),
    )
    async with app.run_test(size=size) as pilot:
        app.open_run(RUN)
        await shown(pilot, app, light, "shipped")
        await shown(pilot, app, False, "error in full")
        assert same(app, snapshot)


@pytest.mark.parametrize("size", [(80, 24)], ids=["80x24"])
@LOOKS
async def test_a_signal_that_is_written(
    app: StigmerApp,
    backend: ScriptedBackend,
    clock: StoppedClock,
    snapshot: SnapshotAssertion,
    size: tuple[int, int],
    *,
    light: bool,
) -> None:
    running(backend, clock)
    async with app.run_test(size=size) as pilot:
        app.open_run(RUN)
        await shown(pilot, app, light, "shipped")
        await pilot.press("s")
        await until(pilot, lambda: bool(pilot.app.screen.query("#form-json")), "the form")
        await typed(pilot, "yes")
        await shown(pilot, app, False, "no JSON")
        assert same(app, snapshot)


@pytest.mark.parametrize("size", [(80, 24)], ids=["80x24"])
async def test_a_stored_workflow_with_a_mistake(
    app: StigmerApp, backend: ScriptedBackend, snapshot: SnapshotAssertion, size: tuple[int, int]
) -> None:
    backend.resources.add(stored(script.ORDERS.replace("then: ship", "then: shipp")))
    async with app.run_test(size=size) as pilot:
        app.open_workflow("orders")
        await shown(pilot, app, False, "shipp`")
        assert same(app, snapshot)
