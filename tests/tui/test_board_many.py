"""The board with many runs: groups, order, columns, saved views, marks, and what is done to all that are marked."""

import json

import pytest
from textual.pilot import Pilot

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import ListExecutionsResponse
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionSummary
from stigmer_apis.home import Home
from stigmer_tui.app import StigmerApp
from stigmer_tui.widgets.board.columns import COLUMNS, columns_for, heads, money, short_count
from stigmer_tui.widgets.board.query import filter_of
from stigmer_tui.widgets.board.rates import Rates
from stigmer_tui.widgets.board.view import View, Views
from tests.support.scripted_backend import ScriptedBackend, line_events
from tests.tui.support import MOMENT, StoppedClock, output_event, screen_text, settled, typed, until


def fill(backend: ScriptedBackend, clock: StoppedClock, count: int = 9) -> list[str]:
    """Runs of two agents in two sessions, in three phases, with tokens that grow."""
    backend.add_agent("coder")
    names: list[str] = []
    for number in range(count):
        clock.now += 1
        usage = ev.UsageReported(input_tokens=number * 100, cost_micro_usd=(count - number) * 1000)
        phase = (enums.EXECUTION_COMPLETED, enums.EXECUTION_FAILED, enums.EXECUTION_IN_PROGRESS)[number % 3]
        names.append(
            backend.add_execution(
                message=f"run {number}",
                agent="coder" if number % 2 else "shell",
                session_id=f"ses-{number % 2}",
                phase=phase,
                events=(ev.Event(usage_reported=usage),),
            )
        )
    return names


async def listed(pilot: Pilot[int], count: int = 9) -> None:
    """The list is there, and has the keys."""
    await until(pilot, lambda: f"{count} runs" in screen_text(pilot), "the list")
    await pilot.press("escape")
    await settled(pilot)


def rows_of(pilot: Pilot[int]) -> list[str]:
    """What was asked, from the top."""
    lines = screen_text(pilot).splitlines()
    heads_at = next(place for place, line in enumerate(lines) if " what" in line)
    words = [line.split() for line in lines[heads_at + 1 :]]
    return [f"run {line[line.index('run') + 1]}" for line in words if "run" in line[:4]]


async def test_groups_fold_and_unfold(app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock) -> None:
    """With counts from the server; the runs of a group are fetched when it is unfolded; what changes shows in it."""
    names = fill(backend, clock)
    async with app.run_test(size=(100, 30)) as pilot:
        await listed(pilot)
        await pilot.press("b", "j", "enter")
        await until(pilot, lambda: "2 by agent" in screen_text(pilot), "the groups")
        assert "▸ shell" in screen_text(pilot)
        assert "5 runs" in screen_text(pilot)
        await pilot.press("g", "enter")
        await until(pilot, lambda: "▾" in screen_text(pilot) and "run 8" in screen_text(pilot), "its runs")
        await pilot.press("j", "j")
        assert app.board.table.selected is not None
        selected = app.board.table.selected.execution_id
        backend.emit(names[8], *line_events("x", output=b"hello there\r\n"))
        backend.add_execution(message="run 99", agent="coder", phase=enums.EXECUTION_IN_PROGRESS)
        await until(pilot, lambda: "10 runs" in screen_text(pilot), "one more")
        await until(pilot, lambda: "hello there" in screen_text(pilot), "its line")
        assert app.board.table.selected is not None
        assert app.board.table.selected.execution_id == selected
        await pilot.press("h")
        await until(pilot, lambda: "▾" not in screen_text(pilot), "folded")
        assert app.board.table.selected_group is not None
        await pilot.press("z")
        await until(pilot, lambda: screen_text(pilot).count("▾") == 2, "all unfolded")
        await pilot.press("z", "b", "j", "j", "enter")
        await until(pilot, lambda: "by phase" in screen_text(pilot), "by phase")
        assert "✗ failed" in screen_text(pilot)


async def test_groups_by_a_label(app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock) -> None:
    """Its name is asked for; where no run has it, the list says so; labels are put on with a key, and taken back with another."""
    fill(backend, clock)
    async with app.run_test(size=(100, 30)) as pilot:
        await listed(pilot)
        await pilot.press("b", "down", "down", "down", "down", "enter")
        await typed(pilot, "team\n")
        await until(pilot, lambda: "No run has the label" in screen_text(pilot), "an empty list")
        await pilot.press("b", "up", "up", "up", "up", "up", "enter")
        await until(pilot, lambda: "run 8" in screen_text(pilot), "all runs")
        await pilot.press("g", "v", "v", "t")
        await typed(pilot, "team=red nonsense\n")
        await until(pilot, lambda: "is no label" in screen_text(pilot), "what is wrong")
        app.board.label_line.value = "team=red"
        await pilot.press("enter")
        await until(pilot, lambda: "Labelled 2 runs" in screen_text(pilot), "the labels")
        await pilot.press("slash")
        await typed(pilot, "label:team=red\n")
        await until(pilot, lambda: "2 of 9 runs match" in screen_text(pilot), "found by it")
        await pilot.press("u")
        await until(pilot, lambda: "No run matches" in screen_text(pilot), "as it was")
        assert all(not dict(run.resource.metadata.labels) for run in backend.executions.values())


async def test_orders(app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock) -> None:
    """By key and by a click on a head; it says so where not all were put in order."""
    fill(backend, clock)
    async with app.run_test(size=(140, 30)) as pilot:
        await listed(pilot)
        assert rows_of(pilot)[0] == "run 8"
        await pilot.press("s", "j", "enter")
        await until(pilot, lambda: rows_of(pilot)[:1] == ["run 0"], "the oldest first")
        await pilot.press("s", "j", "j", "j", "j", "enter")
        await until(pilot, lambda: "cost↓" in screen_text(pilot), "by cost")
        await until(pilot, lambda: rows_of(pilot)[:2] == ["run 0", "run 1"], "the dearest first")
        place = heads(columns_for(app.board.heads.size.width)).index("tokens")
        await pilot.click(app.board.heads, offset=(place + 2, 0))
        await until(pilot, lambda: rows_of(pilot)[:2] == ["run 8", "run 7"], "most tokens first")
        app.board.feed.window.ordered = 5
        app.board.workspace_changed()
        await pilot.press("j")
        await until(pilot, lambda: "of the newest 5" in screen_text(pilot), "what is in order")


async def test_columns_and_views(app: StigmerApp, home: Home, backend: ScriptedBackend, clock: StoppedClock) -> None:
    """Chosen from a list; kept under a name in a file of the home; found again by another workstation; forgotten."""
    fill(backend, clock)
    async with app.run_test(size=(120, 30)) as pilot:
        await listed(pilot)
        await pilot.press("C", "space", "enter")
        await until(pilot, lambda: " agent " not in screen_text(pilot).splitlines()[7], "without agents")
        await pilot.press("slash")
        await typed(pilot, "phase:failed\n")
        await until(pilot, lambda: "3 of 9 runs match" in screen_text(pilot), "the filter")
        await pilot.press("w", "up", "G")
        await pilot.press(*["down"] * 9, "enter")
        await typed(pilot, "my view\n")
        await until(pilot, lambda: "is kept" in screen_text(pilot), "kept")
        stored = json.loads((home.root / "views.json").read_text())
        assert stored["my view"]["filter"] == "phase:failed"
        assert "agent" not in stored["my view"]["columns"]
        assert app.board.show_view("all")
        await until(pilot, lambda: "9 runs" in screen_text(pilot) and "match" not in screen_text(pilot), "all")
        assert not app.board.show_view("nothing like it")
    again = StigmerApp(home, clock=clock, start_daemon=False)
    async with again.run_test(size=(120, 30)) as pilot:
        await listed(pilot)
        assert again.board.view_names()[0] == "my view"
        await pilot.press("w", "up", "up", "up", "up", "up", "up", "enter")
        await until(pilot, lambda: "3 of 9 runs match" in screen_text(pilot), "the view")
        await pilot.press("w", "d")
        await until(pilot, lambda: "is forgotten" in screen_text(pilot), "forgotten")
        assert "my view" not in again.board.view_names()


async def test_marks_stop_many(app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock) -> None:
    """It says how many, takes the key twice, and leaves out what has ended; escape unmarks first."""
    fill(backend, clock)
    async with app.run_test(size=(100, 30)) as pilot:
        await listed(pilot)
        await pilot.press("g", "v")
        app.board.table.move_cursor(5)
        await pilot.press("V")
        await settled(pilot)
        assert "6 runs marked" in screen_text(pilot)
        await pilot.press("x")
        await settled(pilot)
        assert "press x again to stop 6 runs" in screen_text(pilot)
        await pilot.press("escape", "x")
        await settled(pilot)
        assert not backend.calls_of("Cancel")
        clock.now += 10
        await pilot.press("asterisk", "x", "x")
        await until(pilot, lambda: len(backend.calls_of("Cancel")) == 3, "those that live")
        await until(pilot, lambda: "6 had ended" in screen_text(pilot), "what was done")
        assert "marked" not in screen_text(pilot)


async def test_a_delete_waits_for_an_undo(app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock) -> None:
    """A count-down and a key that keeps them; then they are gone; what goes on stays, also when the app leaves."""
    fill(backend, clock)
    async with app.run_test(size=(100, 30)) as pilot:
        await listed(pilot)
        await pilot.press("asterisk", "d")
        await settled(pilot)
        assert "press d again to delete 9 runs" in screen_text(pilot)
        await pilot.press("d")
        await until(pilot, lambda: "deleting 6 runs in 8 s" in screen_text(pilot), "the count-down")
        assert "3 go on, and stay" in screen_text(pilot)
        await pilot.press("u")
        await until(pilot, lambda: "Kept 6 runs" in screen_text(pilot), "kept")
        clock.now += 20
        await pilot.pause(1.2)
        assert not backend.calls_of("DeleteExecutions")
        await pilot.press("asterisk", "d", "d")
        await until(pilot, lambda: "deleting 6 runs" in screen_text(pilot), "the count-down")
        clock.now += 9
        await until(pilot, lambda: "3 runs" in screen_text(pilot).splitlines()[0], "they are gone")
        assert len(backend.executions) == 3
        await pilot.press("g", "d")
        await settled(pilot)
        assert "stop it with x first" in screen_text(pilot)


async def test_run_again(app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock) -> None:
    """One at once, several after a second press; in a session of its own, with what was asked."""
    names = fill(backend, clock)
    async with app.run_test(size=(100, 30)) as pilot:
        await listed(pilot)
        await pilot.press("g", "r")
        await until(pilot, lambda: len(backend.executions) == 10, "again")
        again = list(backend.executions.values())[-1].resource
        assert (again.spec.message, again.spec.session_id != "ses-0") == ("run 8", True)
        assert backend.executions[names[8]].resource.spec.session_id == "ses-0"
        await pilot.press("j", "v", "v", "r")
        await settled(pilot)
        assert "press r again to start again 2 runs" in screen_text(pilot)
        await pilot.press("r")
        await until(pilot, lambda: len(backend.executions) == 12, "both")


async def test_a_long_search_says_so_and_can_be_ended(
    app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock
) -> None:
    """`N+` while it goes on; escape ends it, and what was found stays."""
    fill(backend, clock)
    async with app.run_test(size=(120, 30)) as pilot:
        await listed(pilot)
        feed = app.board.feed
        feed.window.filter = filter_of("run")
        found = ListExecutionsResponse(
            executions=[ExecutionSummary(execution_id="aex-1", subject="run far away")],
            total=1,
            total_is_lower_bound=True,
            next_page_token="x",
        )
        feed.window.take_first(found, 0)
        assert feed.window.total_is_lower_bound
        feed.window.take_found(ListExecutionsResponse(executions=found.executions, total=2), 1)
        assert (feed.window.total, feed.window.total_is_lower_bound) == (2, False)
        feed.looking = True
        await pilot.press("escape")
        assert not feed.looking


async def test_output_draws_a_line(app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock) -> None:
    """Of each run that lives, while there is room for it."""
    name = backend.add_execution(
        message="make", phase=enums.EXECUTION_IN_PROGRESS, events=line_events("make", finished=False)
    )
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: "1 run" in screen_text(pilot), "the list")
        for size in (10, 5_000, 40_000):
            clock.now += 1
            backend.emit(name, output_event(b"x" * size + b"\n"))
            await until(
                pilot, lambda size=size: str(size) != "" and app.board.feed.live[name].output_bytes >= size, "it"
            )
        await until(pilot, lambda: "█" in screen_text(pilot), "the line")


async def test_keys_stay_with_an_empty_list(app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock) -> None:
    """Where nothing matches, and on the way back."""
    fill(backend, clock)
    async with app.run_test(size=(100, 30)) as pilot:
        await listed(pilot)
        await pilot.press("slash")
        await typed(pilot, "zzz\n")
        await until(pilot, lambda: "No run matches" in screen_text(pilot), "nothing")
        await pilot.press("escape", "w")
        await until(pilot, lambda: "save this one" in screen_text(pilot), "the key is the list's")
        assert app.board.composer.text == ""


def test_rates_are_of_the_last_seconds() -> None:
    """The first look at a run counts nothing; what ended has no line."""
    rates = Rates()
    row = ExecutionSummary(execution_id="a", phase=enums.EXECUTION_IN_PROGRESS, output_bytes=10**6)
    rates.take([row], MOMENT)
    assert rates.line("a", MOMENT) == ""
    row.output_bytes += 100
    rates.take([row], MOMENT + 1)
    row.output_bytes += 100_000
    rates.take([row], MOMENT + 2)
    assert rates.line("a", MOMENT + 2).strip() == "▁█"
    assert rates.line("a", MOMENT + 3).endswith("█ ")
    assert rates.line("a", MOMENT + 60) == ""
    row.phase = enums.EXECUTION_COMPLETED
    rates.take([row], MOMENT + 3)
    assert rates.line("a", MOMENT + 3) == ""


@pytest.mark.parametrize("width", [1, 20, 40, 60, 80, 120, 200])
def test_any_columns_fit(width: int) -> None:
    """In any order, all of them or none."""
    for chosen in (tuple(COLUMNS), tuple(reversed(COLUMNS)), (), ("cost",), ("nonsense", "last")):
        shown = columns_for(width, chosen)
        assert len(heads(shown)) <= max(width, 4)
        assert shown.width_of("subject") > 0


def test_numbers_are_short() -> None:
    assert [short_count(n) for n in (0, 912, 1_204, 34_000, 5_600_000)] == ["", "912", "1.2k", "34k", "5.6M"]
    assert [money(n) for n in (0, 1, 12_000, 1_200_000, 123_456_789)] == ["", "<$0.001", "$0.012", "$1.20", "$123"]


def test_torn_views_are_left_out(home: Home) -> None:
    """What is no view, or of another version, is as if it was not there."""
    path = home.root / "views.json"
    good = {"filter": "x", "group": "agent", "sort": "cost", "columns": ["cost", "nonsense"]}
    path.write_text(json.dumps({"good": good, "bad": 3, "worse": {**good, "sort": "by mood"}}))
    views = Views(path)
    assert views.own == {"good": View("x", "agent", "cost", ("cost",))}
    path.write_text("{")
    assert Views(path).own == {}
