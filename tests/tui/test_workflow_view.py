"""The view of a workflow, in front of a server that says what the test tells it to."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import TextArea

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.ai.stigmer.agentic.workflow.v1.workflow_pb2 import Workflow
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_pb2 import WorkflowExecution
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import ApiResourceMetadata
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.resource.v1 import resource_service_pb2 as rs
from stigmer_apis._generated.stigmer.steering.v1 import steering_service_pb2 as st
from stigmer_apis.client import Client
from stigmer_apis.ids import Prefix, new_id
from stigmer_tui.app import StigmerApp
from stigmer_tui.screens import workflow, workflow_definition
from stigmer_tui.screens.workflow import WorkflowScreen
from stigmer_tui.screens.workflow_definition import DefinitionScreen
from stigmer_tui.screens.workflow_moments import WorkflowMomentsScreen
from stigmer_tui.screens.workflow_output import WorkflowOutputScreen
from tests.support.scripted_backend import ScriptedBackend
from tests.tui import workflow_scripts as script
from tests.tui.support import MOMENT, PATIENCE, StoppedClock, screen_text, settled, typed, until

SIZE = pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["80x24", "160x48"])


def view(pilot: Pilot[int]) -> WorkflowScreen:
    """The workflow that is shown."""
    screen = pilot.app.screen
    assert isinstance(screen, WorkflowScreen)
    return screen


async def opened(pilot: Pilot[int], app: StigmerApp, execution_id: str, words: str = "ship") -> WorkflowScreen:
    """Its view, with its tasks."""
    app.open_run(execution_id)
    await until(pilot, lambda: isinstance(app.screen, WorkflowScreen) and words in screen_text(pilot), words)
    return view(pilot)


@SIZE
async def test_a_run_is_shown_with_what_is_ahead(
    app: StigmerApp, backend: ScriptedBackend, size: tuple[int, int]
) -> None:
    run = backend.workflows.add(script.ORDERS, *script.orders_until_asked(MOMENT), name="orders")
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot, app, run)
        text = screen_text(pilot)
        assert "▶ running  orders" in text
        assert "waits for the signal ‘approved’" in text
        selected = screen.tree_view.selected
        assert selected is not None
        assert selected.path == script.AGENT, "it follows what happened last"
        assert ("reviewer" in text) or size == (80, 24)


async def test_it_follows_until_one_moves_and_again_when_asked(app: StigmerApp, backend: ScriptedBackend) -> None:
    run = backend.workflows.add(script.ORDERS, script.started(script.FETCH, "call:http"), name="orders")
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await opened(pilot, app, run)
        await pilot.press("down", "down")
        place = screen.tree_view.cursor
        backend.emit(run, script.finished(script.FETCH), script.started(script.SHIP))
        await until(pilot, lambda: "end follows" in screen_text(pilot), "it does not follow")
        assert screen.tree_view.cursor == place
        await pilot.press("end")
        assert screen.tree_view.selected is screen.feed.state.node(script.SHIP)


async def test_a_signal_is_sent_with_its_name_completed_and_its_json_checked(
    app: StigmerApp, backend: ScriptedBackend
) -> None:
    run = backend.workflows.add(script.ORDERS, *script.orders_until_asked(MOMENT), name="orders")
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await opened(pilot, app, run)
        await pilot.press("s")
        signal = screen.sending.forms[0]
        await until(pilot, lambda: signal.display, "the form")
        assert signal.name_line.value == "approved"
        await typed(pilot, "yes")
        await until(pilot, lambda: "no JSON" in screen_text(pilot), "the mistake is told")
        await pilot.press("enter")
        assert not backend.calls_of("Signal")
        signal.text.text = '{"ok":'
        await pilot.press("enter")
        assert signal.text.text.endswith("\n") or "\n" in signal.text.text, "what is not whole goes on in the next line"
        signal.text.text = '{"ok": true}'
        await until(pilot, lambda: "✓ JSON" in screen_text(pilot), "it is JSON")
        await pilot.press("enter")
        await until(pilot, lambda: bool(backend.calls_of("Signal")), "sent")
        [call] = backend.calls_of("Signal")
        assert isinstance(call.request, st.SignalRequest)
        assert (call.request.name, call.request.data.struct_value["ok"]) == ("approved", True)
        await until(pilot, lambda: screen.focused is screen.tree_view, "back in the tree")


async def test_inputs_outputs_and_errors_can_be_looked_at(app: StigmerApp, backend: ScriptedBackend) -> None:
    run = backend.workflows.add(script.ORDERS, *script.orders_until_asked(MOMENT), name="orders")
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, app, run)
        screen.tree_view.select(script.FETCH)
        await pilot.press("enter")
        await until(pilot, lambda: "shop: 7" in screen_text(pilot), "its input")
        assert "price: 20" in screen_text(pilot)
        await pilot.press("y")
        assert '"orders"' in app.clipboard
        await pilot.press("escape")
        assert screen.focused is screen.tree_view
        screen.tree_view.select(script.CHARGE)
        await pilot.press("enter")
        await until(pilot, lambda: "visits before" in screen_text(pilot), "the first attempt")
        assert "it ended with 1" in screen_text(pilot)


async def test_enter_goes_into_the_run_of_an_agent(app: StigmerApp, backend: ScriptedBackend) -> None:
    backend.add_execution(message="is this all right?", agent="reviewer", execution_id=script.CHILD)
    run = backend.workflows.add(script.ORDERS, *script.orders_until_asked(MOMENT), name="orders")
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await opened(pilot, app, run)
        screen.tree_view.select(script.AGENT)
        await pilot.press("enter")
        await until(pilot, lambda: "is this all right?" in screen_text(pilot), "the child")
        await pilot.press("alt+left")
        await until(pilot, lambda: app.screen is screen, "back")


async def test_a_run_that_ended_is_retried_and_shown(app: StigmerApp, backend: ScriptedBackend) -> None:
    run = backend.workflows.add(script.ORDERS, script.started(script.FETCH), name="orders")
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await opened(pilot, app, run)
        await pilot.press("R")
        await until(pilot, lambda: "goes on" in screen_text(pilot), "it has to end first")
        backend.emit(run, script.finished(script.FETCH, error="no connection to the shop"))
        backend.move(run, enums.EXECUTION_FAILED, "fetch failed: no connection to the shop")
        await until(pilot, lambda: "✗ failed" in screen_text(pilot), "it failed")
        await pilot.press("g", "e")
        assert screen.tree_view.selected is screen.feed.state.node(script.FETCH)
        await pilot.press("R")
        await until(pilot, lambda: app.screen is not screen and "· ship" in screen_text(pilot), "the new run")
        assert backend.calls_of("Retry")


async def test_a_run_goes_on_at_the_task_that_is_selected(app: StigmerApp, backend: ScriptedBackend) -> None:
    run = backend.workflows.add(script.ORDERS, script.started(script.FETCH), name="orders")
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await opened(pilot, app, run)
        backend.emit(run, script.finished(script.FETCH, error="no connection to the shop"))
        backend.move(run, enums.EXECUTION_FAILED, "fetch failed: no connection to the shop")
        await until(pilot, lambda: "✗ failed" in screen_text(pilot), "it failed")
        await pilot.press("g", "e", "down", "b")
        await until(pilot, lambda: "did not begin" in screen_text(pilot), "it did not begin")
        await pilot.press("up", "b")
        await until(pilot, lambda: app.screen is not screen and "· ship" in screen_text(pilot), "the new run")
        (asked,) = backend.calls_of("Retry")
        assert isinstance(asked.request, st.RetryRequest)
        assert asked.request.from_task.startswith(script.FETCH)


async def test_a_workflow_is_run_from_the_composer(app: StigmerApp, backend: ScriptedBackend) -> None:
    backend.resources.add(stored(script.ORDERS))
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        app.board.composer.write("/workflow orders")
        await pilot.press("enter")
        await until(pilot, lambda: "Run orders with this input" in screen_text(pilot), "the form")
        assert isinstance(app.screen, DefinitionScreen)


async def test_stopping_takes_the_key_twice_and_pausing_once(app: StigmerApp, backend: ScriptedBackend) -> None:
    run = backend.workflows.add(script.ORDERS, script.started(script.FETCH), name="orders")
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(pilot, app, run)
        await pilot.press("p")
        await until(pilot, lambda: bool(backend.calls_of("Pause")), "paused")
        await pilot.press("x")
        await until(pilot, lambda: "press x again" in screen_text(pilot), "asked")
        assert not backend.calls_of("Cancel")
        await pilot.press("x")
        await until(pilot, lambda: bool(backend.calls_of("Cancel")), "stopped")


async def test_a_task_is_found_by_its_name(app: StigmerApp, backend: ScriptedBackend) -> None:
    run = backend.workflows.add(script.ORDERS, name="orders")
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await opened(pilot, app, run)
        await pilot.press("slash")
        await typed(pilot, "char")
        await pilot.press("enter")
        assert screen.tree_view.selected is screen.feed.state.node(script.CHARGE)
        await pilot.press("escape")
        assert isinstance(app.screen, WorkflowScreen), "escape takes the search away first"
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, WorkflowScreen), "then it goes back")


async def test_any_moment_of_it_can_be_gone_back_to(
    app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock
) -> None:
    run = backend.workflows.add(script.ORDERS, name="orders")
    clock.now = MOMENT + 100
    backend.emit(run, *script.orders_until_asked(clock.now))
    async with app.run_test(size=(120, 30)) as pilot:
        await opened(pilot, app, run)
        await pilot.press("ctrl+t")
        await until(pilot, lambda: isinstance(app.screen, WorkflowMomentsScreen), "the time bar")
        await pilot.press("home")
        await until(pilot, lambda: "· pay" in screen_text(pilot), "nothing was paid at the beginning")
        await pilot.press("end")
        await until(pilot, lambda: "✓ pay" in screen_text(pilot), "it is at the end")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, WorkflowScreen), "back")


async def test_what_processes_print_is_a_key_away(app: StigmerApp, backend: ScriptedBackend) -> None:
    run = backend.workflows.add(script.ORDERS, script.started(script.CHARGE, "run:shell"), name="orders")
    task = f"{script.CHARGE}#1"
    backend.emit(
        run,
        ev.Event(tool_call_requested=ev.ToolCallRequested(call_id=task, name="shell")),
        ev.Event(tool_call_started=ev.ToolCallStarted(call_id=task, terminal_id="term-1", columns=80, rows=24)),
        ev.Event(terminal_output=ev.TerminalOutput(terminal_id="term-1", data=b"charging 90\r\n")),
    )
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(pilot, app, run)
        await pilot.press("o")
        await until(pilot, lambda: "charging 90" in screen_text(pilot), "the output")
        assert isinstance(app.screen, WorkflowOutputScreen)
        assert not app.screen.bar.display


def stored(text: str, name: str = "orders") -> rs.Resource:
    """A workflow in the library."""
    metadata = ApiResourceMetadata(id=new_id(Prefix.WORKFLOW), name=name, slug=name)
    workflow = Workflow(metadata=metadata)
    workflow.spec.yaml = text
    return rs.Resource(workflow=workflow)


async def test_a_stored_workflow_is_run_from_the_library_with_an_input(
    app: StigmerApp, backend: ScriptedBackend
) -> None:
    backend.resources.add(stored(script.ORDERS))
    async with app.run_test(size=(100, 30)) as pilot:
        app.show_library("workflow", "")
        await until(pilot, lambda: "orders" in screen_text(pilot), "the library")
        await pilot.press("r")
        await until(pilot, lambda: "Run orders with this input" in screen_text(pilot), "the form")
        assert isinstance(app.screen, DefinitionScreen)
        await typed(pilot, '{"shop": 8}')
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, WorkflowScreen), "its run")
        [call] = backend.calls_of("createWorkflow")
        assert isinstance(call.request, WorkflowExecution)
        assert call.request.spec.input.struct_value["shop"] == 8
        assert call.request.spec.workflow_id


async def test_keys_wait_until_it_is_known_what_runs(
    app: StigmerApp, backend: ScriptedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Typed before the document of a stored workflow is read, or that of a run: they are for what comes."""
    backend.resources.add(stored(script.ORDERS))
    gate, asked = asyncio.Event(), asyncio.Event()
    for module, name in ((workflow_definition, "stored"), (workflow, "of_run")):
        read: Callable[[Client, str], Awaitable[object]] = getattr(module, name)

        async def late(client: Client, name: str, read: Callable[[Client, str], Awaitable[object]] = read) -> object:
            asked.set()
            await gate.wait()
            return await read(client, name)

        monkeypatch.setattr(module, name, late)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: app.connection_words == "" and app.board.feed.window.loaded, "connected")
        app.run_written("workflow orders")
        await typed_at(app, asked, "r", "7")
        gate.set()
        await until(pilot, lambda: "Run orders with this input" in screen_text(pilot), "the form")
        await until(pilot, lambda: isinstance(app.focused, TextArea) and app.focused.text == "7", "what was typed")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, WorkflowScreen), "its run")
        [call] = backend.calls_of("createWorkflow")
        assert isinstance(call.request, WorkflowExecution)
        assert call.request.spec.input.number_value == 7
        run = view(pilot).feed.run_state.execution_id
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, DefinitionScreen), "back")
        gate.clear()
        asked.clear()
        app.open_run(run)
        await typed_at(app, asked, "r", "8")
        gate.set()
        await until(pilot, lambda: isinstance(app.focused, TextArea) and "8" in app.focused.text, "what was typed")


async def typed_at(app: StigmerApp, asked: asyncio.Event, *keys: str) -> None:
    """Type once something is asked for, and before it comes."""
    async with asyncio.timeout(PATIENCE):
        await asked.wait()
    for key in keys:
        app.post_message(events.Key(key, key))
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_workflow_of_which_nothing_ran_says_how_to_run_it(app: StigmerApp, backend: ScriptedBackend) -> None:
    backend.resources.add(stored(script.ORDERS))
    async with app.run_test(size=(80, 24)) as pilot:
        app.run_written("workflow orders")
        await until(pilot, lambda: "press r to run it" in screen_text(pilot), "the empty state")
        assert "· ship" in screen_text(pilot)
        await pilot.press("s")
        await settled(pilot)
        assert isinstance(app.screen, DefinitionScreen)


async def test_what_is_wrong_in_a_stored_workflow_is_told_at_its_line(
    app: StigmerApp, backend: ScriptedBackend
) -> None:
    backend.resources.add(stored(script.ORDERS.replace("then: ship", "then: shipp")))
    async with app.run_test(size=(100, 30)) as pilot:
        app.run_written("workflow orders")
        await until(pilot, lambda: "there is no task `shipp`" in screen_text(pilot), "the mistake")
        assert "line " in screen_text(pilot)
        await pilot.press("r")
        await until(pilot, lambda: "before what is wrong" in screen_text(pilot), "it does not run")


async def test_foreign_text_is_drawn_and_not_obeyed(app: StigmerApp, backend: ScriptedBackend) -> None:
    evil = "[@click=app.quit]x[/]\x1b]52;c;aGk=\x07\u202e"
    run = backend.workflows.add(
        "",
        script.started("/do/0/a", evil, input={evil: evil}),
        script.finished("/do/0/a", error=evil, then=evil),
        name=evil,
    )
    async with app.run_test(size=(160, 48)) as pilot:
        await opened(pilot, app, run, "click=app.quit")
        await pilot.press("down", "down", "enter")
        await settled(pilot)
        text = screen_text(pilot)
        assert "\x1b" not in text
        assert "\u202e" not in text
