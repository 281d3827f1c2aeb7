"""The fold of a workflow execution's events: the same for any split, bounded, and back from a published runner's reports."""

import random

import pytest
from google.protobuf.struct_pb2 import Value

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_enums_pb2 import (
    ExecutionPhase as WorkflowPhase,
)
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_enums_pb2 import (
    WorkflowTaskStatus,
    WorkflowTaskType,
)
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_pb2 import (
    WorkflowExecutionStatus,
    WorkflowTask,
)
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionKind, FoldState
from stigmer_apis.fold import (
    Fold,
    apply_events,
    empty_fold,
    events_for_workflow_update,
    published_workflow_status,
)
from stigmer_apis.fold.workflow import CUT_KEY, TASKS_BUDGET
from stigmer_apis.protocol import MAX_STATUS_BYTES

RUNNING = ev.Event(phase_changed=ev.PhaseChanged(phase=ExecutionPhase.EXECUTION_IN_PROGRESS))


def created() -> list[ev.Event]:
    return [ev.Event(execution_created=ev.ExecutionCreated(workflow_name="wf", workflow_id="wfl-1")), RUNNING]


def started(task_id: str, name: str = "one", size: int = 0) -> ev.Event:
    given = Value(string_value="x" * size) if size else None
    return ev.Event(workflow_task_started=ev.WorkflowTaskStarted(task_id=task_id, name=name, kind="set", input=given))


def finished(task_id: str, **how: object) -> ev.Event:
    return ev.Event(workflow_task_finished=ev.WorkflowTaskFinished(task_id=task_id, **how))  # pyright: ignore


def folded(events: list[ev.Event]) -> FoldState:
    state = empty_fold("wex-1")
    apply_events(state, 1, events)
    return state


def some_events(seed: int) -> list[ev.Event]:
    chance = random.Random(seed)
    events, ids = created(), [f"/do/0/t#{number}" for number in range(6)]
    for _ in range(chance.randrange(5, 40)):
        task_id = chance.choice(ids)
        match chance.randrange(6):
            case 0 | 1:
                events.append(started(task_id, size=chance.choice((0, 10, 20_000))))
            case 2:
                events.append(finished(task_id, error=chance.choice(("", "it broke"))))
            case 3:
                waiting = ev.WorkflowTaskWaiting(task_id=task_id, timer_until_micros=chance.randrange(1, 99))
                events.append(ev.Event(workflow_task_waiting=waiting))
            case 4:
                done = ev.WorkflowTaskProgress(task_id=task_id, done=chance.randrange(9), total=9)
                events.append(ev.Event(workflow_task_progress=done))
            case _:
                events.append(finished(task_id, skipped=True, skipped_because="no"))
    return events


@pytest.mark.parametrize("seed", range(25))
def test_any_split_and_any_snapshot_give_the_same_bytes(seed: int) -> None:
    events, chance = some_events(seed), random.Random(-seed)
    whole = folded(events).SerializeToString(deterministic=True)
    fold, stored, at = Fold(empty_fold("wex-1")), empty_fold("wex-1"), 0
    while at < len(events):
        size = chance.randrange(1, len(events) - at + 1)
        fold.apply(at + 1, events[at : at + size])
        stored = FoldState.FromString(stored.SerializeToString())
        apply_events(stored, at + 1, events[at : at + size])
        at += size
    assert fold.state().SerializeToString(deterministic=True) == whole
    assert stored.SerializeToString(deterministic=True) == whole


def test_a_long_loop_leaves_out_the_oldest_rounds_and_keeps_what_runs() -> None:
    fold = Fold(empty_fold("wex-1"))
    fold.apply(1, [*created(), started("/do/0/loop#1", "loop")])
    seq = 4
    for number in range(1_000):
        task_id = f"/do/0/loop#1/do/0/one#{number}"
        fold.apply(seq, [started(task_id, size=12_000), finished(task_id)])
        seq += 2
    state = fold.state()
    status = published_workflow_status(state)
    assert status.ByteSize() < TASKS_BUDGET < MAX_STATUS_BYTES
    assert status.tasks[0].task_name == "loop"
    assert status.omitted_tasks + len(status.tasks) == 1_001
    assert status.tasks[-1].task_id.endswith("#999")
    assert state.open_tasks["/do/0/loop#1"] == 0
    assert (state.summary.tasks_done, state.summary.task_name) == (1_000, "loop")
    fold.apply(seq, [finished("/do/0/loop#1")])
    assert fold.state().workflow_status.tasks[0].status == WorkflowTaskStatus.WORKFLOW_TASK_COMPLETED


def test_an_end_leaves_nothing_running_and_says_what_was_cut() -> None:
    large = Value(string_value="x" * 600_000)
    state = folded(
        [
            *created(),
            started("a", size=20_000),
            ev.Event(workflow_task_waiting=ev.WorkflowTaskWaiting(task_id="a", timer_until_micros=5)),
            ev.Event(workflow_output=ev.WorkflowOutput(output=large)),
            ev.Event(phase_changed=ev.PhaseChanged(phase=ExecutionPhase.EXECUTION_CANCELLED)),
        ]
    )
    status = published_workflow_status(state)
    assert state.summary.kind == ExecutionKind.EXECUTION_KIND_WORKFLOW
    assert (state.summary.workflow_name, state.summary.task_name) == ("wf", "")
    assert not state.open_tasks
    assert not state.waiting_tasks
    assert status.tasks[0].status == WorkflowTaskStatus.WORKFLOW_TASK_FAILED
    assert CUT_KEY in status.tasks[0].input
    assert CUT_KEY in status.output


def test_reports_that_extend_become_events_and_others_replace() -> None:
    state = folded(created())
    one = WorkflowTask(task_id="a", task_name="a", task_type=WorkflowTaskType.WORKFLOW_TASK_CUSTOM)
    one.status = WorkflowTaskStatus.WORKFLOW_TASK_IN_PROGRESS
    first = events_for_workflow_update(state, WorkflowExecutionStatus(tasks=[one]), micros=7)
    assert [event.WhichOneof("body") for event in first] == ["workflow_task_started"]
    apply_events(state, state.seq + 1, first)
    known = published_workflow_status(state)
    assert events_for_workflow_update(state, WorkflowExecutionStatus(tasks=known.tasks)) == []
    over = WorkflowTask.FromString(known.tasks[0].SerializeToString())
    over.status = WorkflowTaskStatus.WORKFLOW_TASK_COMPLETED
    over.output["n"] = 1
    ended = events_for_workflow_update(
        state, WorkflowExecutionStatus(tasks=[over], phase=WorkflowPhase.EXECUTION_COMPLETED)
    )
    assert [event.WhichOneof("body") for event in ended] == ["workflow_task_finished", "phase_changed"]
    other = WorkflowTask(task_id="b", task_name="b", status=WorkflowTaskStatus.WORKFLOW_TASK_PENDING)
    (replaced,) = events_for_workflow_update(state, WorkflowExecutionStatus(tasks=[other]))
    apply_events(state, state.seq + 1, [replaced])
    assert [task.task_id for task in published_workflow_status(state).tasks] == ["b"]
    assert state.summary.phase == ExecutionPhase.EXECUTION_IN_PROGRESS


def test_what_an_activity_waits_for_is_kept_though_its_task_is_told_later() -> None:
    waits = ev.WorkflowTaskWaiting(task_id="a", activity=ev.WorkflowTaskWaiting.Activity(token="cb-7"))
    signals = ev.WorkflowTaskWaiting(task_id="b", signals=ev.WorkflowTaskWaiting.Signals(names=["x"]))
    early = [ev.Event(workflow_task_waiting=waits), ev.Event(workflow_task_waiting=signals)]
    state = folded([*created(), *early, started("a")])
    assert list(state.waiting_tasks) == ["a"]
    assert not folded([*created(), *early, started("a"), finished("a")]).waiting_tasks
