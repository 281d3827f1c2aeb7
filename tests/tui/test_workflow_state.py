"""Runs of workflows, folded from their events."""

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis.documents.sources import Source
from stigmer_apis.workflow.model import Workflow
from stigmer_apis.workflow.reading import read_sources
from stigmer_tui.widgets.workflow.json_form import Written, look_at
from stigmer_tui.workflow.detail import rows_of_run, rows_of_task
from stigmer_tui.workflow.lines import RunLines
from stigmer_tui.workflow.rows import draw, rows_of
from stigmer_tui.workflow.state import KEPT_BYTES, WorkflowState
from stigmer_tui.workflow.tree import KEPT_VISITS
from stigmer_tui.workflow.values import CUT, EVERYTHING, MOST_ITEMS, Json, json_of
from stigmer_tui.workflow.values import rows_of as json_rows
from stigmer_tui.workflow.visits import TaskState, WaitKind
from stigmer_tui.workflow.words import took
from tests.tui import workflow_scripts as script
from tests.tui.support import MOMENT


def document() -> Workflow:
    """The one of the script."""
    [reading] = read_sources([Source("orders", script.ORDERS.encode(), "yaml")])
    assert reading.workflow is not None, reading.problems
    return reading.workflow


def state_of(*events: ev.Event, known: bool = True) -> WorkflowState:
    """After these events."""
    state = WorkflowState()
    if known:
        state.lay_out(document())
    state.apply_all(events)
    return state


def drawn(state: WorkflowState, width: int = 78, folded: frozenset[str] = frozenset()) -> list[str]:
    """The tree as text."""
    rows = rows_of(state.roots, folded)
    lines = ["".join(text for text, _ in draw(row, width, MOMENT)) for row in rows]
    assert all(len(line) <= width for line in lines)
    return lines


def test_tasks_ahead_are_drawn_as_the_document_has_them() -> None:
    lines = drawn(state_of())
    assert [line.split()[1] for line in lines[:2]] == ["fetch", "each"]
    assert any("catch" in line for line in lines), "the name of a list inside of a task"
    assert lines[-1].startswith("· ship")


def test_each_task_stands_where_its_events_say() -> None:
    state = state_of(*script.orders_until_asked(MOMENT))
    expected = {
        script.FETCH: TaskState.DONE,
        script.EACH: TaskState.DONE,
        script.PAY: TaskState.DONE,
        script.ASK: TaskState.RUNNING,
        script.PERSON: TaskState.WAITING,
        script.AGENT: TaskState.WAITING,
        script.HOW: TaskState.AHEAD,
    }
    for path, wanted in expected.items():
        node = state.node(path)
        assert node is not None
        assert node.state is wanted, path
    check, charge, pay = (state.node(path) for path in (script.CHECK, script.CHARGE, script.PAY))
    assert check is not None
    assert charge is not None
    assert pay is not None
    assert check.begun == 2
    assert charge.ended == {TaskState.FAILED: 1, TaskState.DONE: 1}
    assert pay.newest is not None
    assert pay.newest.attempt == 2
    assert state.wanted_signals() == ["approved"]
    agent = state.node(script.AGENT)
    assert agent is not None
    assert agent.newest is not None
    assert agent.newest.child == script.CHILD


def test_the_row_of_a_task_says_what_counts_now() -> None:
    text = "\n".join(drawn(state_of(*script.orders_until_asked(MOMENT)), 110))
    assert "2/2" in text, "turns of the loop"
    assert "try 2" in text
    assert "for ‘approved’" in text
    assert "1 failed" in text
    assert "1.2 s" in text


def test_a_retry_says_when_it_comes() -> None:
    state = state_of(
        script.started(script.PAY, "try"),
        script.waiting(script.PAY, retry=3, moment=MOMENT + 12, error="refused"),
    )
    node = state.node(script.PAY)
    assert node is not None
    assert node.newest is not None
    assert node.newest.waiting is not None
    assert node.newest.waiting.kind is WaitKind.RETRY
    assert any("try 3 in 12 s" in line for line in drawn(state))
    rows = rows_of_task(node, frozenset(), 60, MOMENT)
    assert any("refused" in text for row in rows for text, _ in row.pieces)


def test_without_the_document_the_tree_grows_as_it_runs_and_is_completed_later() -> None:
    events = script.orders_until_asked(MOMENT)
    state = state_of(*events, known=False)
    assert [node.name for node in state.roots] == ["fetch", "each", "pay", "ask"]
    assert [node.name for node in state.roots[1].children] == ["check"]
    state.lay_out(document())
    assert drawn(state) == drawn(state_of(*events))
    state.apply(script.finished(script.PERSON, output={"approved": True}))
    node = state.node(script.PERSON)
    assert node is not None
    assert node.state is TaskState.DONE


def test_what_is_not_in_the_document_is_shown_all_the_same() -> None:
    state = state_of(script.started("/do/9/other"), script.started("/do/9/other/do/0/x", parent="/do/9/other#1"))
    assert [row.node.name for row in rows_of(state.roots, frozenset())][-2:] == ["other", "x"]


def test_a_million_turns_are_no_more_to_keep_than_twenty() -> None:
    state = state_of(script.started(script.EACH, "for"))
    for turn in range(3_000):
        state.apply(script.started(script.CHECK, visit=turn + 1, index=turn, parent=f"{script.EACH}#1"))
        state.apply(script.finished(script.CHECK, visit=turn + 1, output={"ok": True}))
    node = state.node(script.CHECK)
    assert node is not None
    assert (node.begun, len(node.visits), len(node.live)) == (3_000, KEPT_VISITS, 0)
    assert len(state.live()) == 1


def test_what_was_taken_and_given_long_ago_is_let_go() -> None:
    state = state_of()
    many = 2 * KEPT_BYTES // (1 << 20)
    for visit in range(many):
        path = f"/do/{visit + 10}/big"
        state.apply(script.started(path, input={"text": "x" * (1 << 20)}))
        state.apply(script.finished(path))
    nodes = [state.node(f"/do/{visit + 10}/big") for visit in range(many)]
    visits = [node.visits[-1] for node in nodes if node is not None]
    assert visits[0].dropped
    assert visits[0].input is None
    assert not visits[-1].dropped
    assert visits[-1].input is not None


def test_the_end_of_the_run_ends_its_tasks() -> None:
    ended = ev.Event(phase_changed=ev.PhaseChanged(phase=enums.EXECUTION_CANCELLED), time_unix_micros=int(MOMENT * 1e6))
    state = state_of(*script.orders_until_asked(MOMENT), ended)
    assert not state.live()
    node = state.node(script.PERSON)
    assert node is not None
    assert node.state is TaskState.CANCELLED


def test_a_skipped_task_says_why() -> None:
    state = state_of(script.started(script.SHIP), script.finished(script.SHIP, skipped="its condition does not hold"))
    assert any("its condition does not hold" in line for line in drawn(state, 110))


def test_a_folded_task_says_how_many_it_hides() -> None:
    lines = drawn(state_of(), folded=frozenset({script.ASK}))
    assert any("ask" in line and "+2" in line for line in lines)
    assert not any("person" in line for line in lines)


def test_the_whole_run_shows_what_it_took_gave_and_was_told() -> None:
    state = state_of(
        ev.Event(execution_created=ev.ExecutionCreated(workflow_name="orders", input=script.value({"shop": 7}))),
        ev.Event(workflow_signalled=ev.WorkflowSignalled(name="approved", data=script.value({"by": "ann"}))),
        ev.Event(workflow_output=ev.WorkflowOutput(output=script.value({"total": 90}))),
    )
    text = "\n".join("".join(part for part, _ in row.pieces) for row in rows_of_run(state, frozenset(), 60))
    assert "shop: 7" in text
    assert "total: 90" in text
    assert "by: ann" in text


def test_json_is_folded_until_somebody_wants_to_see_it() -> None:
    deep: Json = {"a": {"b": {"c": {"d": {"e": 1}}}}, "many": list(range(50)), "long": "x" * 1000, "cut": {CUT: 70000}}
    rows = list(json_rows(json_of(script.value(deep)), frozenset()))
    folded = {row.path for row in rows if row.folded}
    assert {"/a/b/c/d", "/many", "/long"} <= folded
    assert sum(row.path.startswith("/many/") for row in rows) == MOST_ITEMS
    assert any("70000 bytes" in row.text for row in rows)
    whole = list(json_rows(json_of(script.value(deep)), EVERYTHING))
    assert not any(row.folded for row in whole)
    assert any(row.name == "e" and row.text == "1" for row in whole)


def test_json_is_looked_at_while_one_writes() -> None:
    assert look_at("  ")[0] is Written.EMPTY
    assert look_at('{"a": [1, 2')[0] is Written.BEGUN
    assert look_at('{"a": [1, 2]}')[:2] == (Written.WHOLE, {"a": [1, 2]})
    wrong, _, said = look_at("approved")
    assert wrong is Written.WRONG
    assert '"approved"' in said
    assert look_at('{"a": NaN}')[0] is Written.WRONG
    assert look_at('{"a" 1}')[0] is Written.WRONG
    assert look_at("[" * 100_000)[0] is not Written.WHOLE


def test_what_was_taken_over_is_told() -> None:
    lines = RunLines("wex-2")
    begin = ev.Event(time_unix_micros=1)
    begin.execution_created.workflow_name = "halves"
    begin.execution_created.retried_from = "wex-1"
    begin.execution_created.goes_on_at.append("/do/1/two")
    begin.execution_created.engine, begin.execution_created.engine_page = "temporal", "http://localhost:8233/it"
    assert lines.take(begin) == ["› goes on at two, after wex-1"]
    started = ev.WorkflowTaskStarted(task_id="/do/0/one#1", path="/do/0/one", name="one", kind="set")
    assert lines.take(ev.Event(time_unix_micros=2, workflow_task_started=started)) == []
    ended = ev.WorkflowTaskFinished(task_id="/do/0/one#1", taken_over_from="wex-1")
    assert lines.take(ev.Event(time_unix_micros=2, workflow_task_finished=ended)) == ["✓ one, taken over"]
    (node,) = lines.state.nodes()
    assert node.newest is not None
    assert took(node.newest, 0.0) == "taken over"
    rows = ["".join(text for text, _ in row.pieces) for row in rows_of_run(lines.state, set(), 60)]
    assert [row.split(None, 2)[-1] for row in rows[1:4]] == [
        "at two, after wex-1",
        "Temporal",
        "http://localhost:8233/it",
    ]


def test_what_an_activity_waits_for_may_be_told_before_its_task() -> None:
    """So it comes where a cluster drives the run: the word to complete it is told all the same, once."""
    outside = ev.WorkflowTaskWaiting.Activity(queue="billing", token="cb-7")
    waits = ev.Event(workflow_task_waiting=ev.WorkflowTaskWaiting(task_id="/do/0/pay#1", activity=outside))
    begun = ev.Event(
        workflow_task_started=ev.WorkflowTaskStarted(task_id="/do/0/pay#1", name="pay", kind="call activity")
    )
    orders = (waits, begun), (begun, waits)
    for events in orders:
        state = state_of(*events, known=False)
        found = state.going("/do/0/pay#1")
        assert found is not None
        assert (found[1].state, found[1].waiting and found[1].waiting.token) == (TaskState.WAITING, "cb-7")
        lines = RunLines("wex-1")
        said = [line for event in events for line in lines.take(event)]
        assert len(said) == 1
        assert "on the queue ‘billing’   stigmer complete cb-7 --result JSON" in said[0]
