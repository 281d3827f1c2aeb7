"""The tasks of a workflow execution: what the published status shows of them, bounded whatever the events hold."""

from typing import Final

from google.protobuf.struct_pb2 import Struct, Value

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
from stigmer_apis.fold.texts import MAX_NOTE_BYTES, cut
from stigmer_apis.fold.times import rfc3339

TASKS_BUDGET: Final = 2_000_000
"""Bytes of tasks from which on the oldest that are over are left out."""

TASKS_KEPT: Final = 1_600_000
"""Bytes that stay then."""

MAX_VALUE_BYTES: Final = 16 * 1024
"""The largest input or output of a task in a status; larger ones are replaced by their size."""

MAX_OUTPUT_BYTES: Final = 512 * 1024
"""The same for what the workflow answers."""

MAX_WAITING_BYTES: Final = 4 * 1024
CUT_KEY: Final = "$cut"
"""Alone in an object: what stood here has so many bytes."""

_OVERHEAD: Final = 32
_NAME_CHARACTERS: Final = 80
_TYPES = {
    "agent": WorkflowTaskType.WORKFLOW_TASK_AGENT_INVOCATION,
    "http": WorkflowTaskType.WORKFLOW_TASK_API_CALL,
    "grpc": WorkflowTaskType.WORKFLOW_TASK_API_CALL,
    "openapi": WorkflowTaskType.WORKFLOW_TASK_API_CALL,
    "switch": WorkflowTaskType.WORKFLOW_TASK_CONDITIONAL,
    "fork": WorkflowTaskType.WORKFLOW_TASK_PARALLEL,
    "set": WorkflowTaskType.WORKFLOW_TASK_TRANSFORM,
}
_OPEN = frozenset({WorkflowTaskStatus.WORKFLOW_TASK_PENDING, WorkflowTaskStatus.WORKFLOW_TASK_IN_PROGRESS})


def task_type(kind: str) -> "WorkflowTaskType.ValueType":
    """How the published interface calls a task of this kind: `set`, `call:http`."""
    return _TYPES.get(kind.rpartition(":")[2], WorkflowTaskType.WORKFLOW_TASK_CUSTOM)


def as_struct(value: Value, limit: int = MAX_VALUE_BYTES) -> Struct | None:
    """A value where the published interface has room for an object alone: what is none stands below `value`. None for null."""
    kind = value.WhichOneof("kind")
    if kind is None or kind == "null_value":
        return None
    shown = Struct()
    size = value.ByteSize()
    if size > limit:
        shown.fields[CUT_KEY].number_value = size
    elif kind == "struct_value":
        shown.CopyFrom(value.struct_value)
    else:
        shown.fields["value"].CopyFrom(value)
    return shown


SAID_BY_ACTIVITIES = frozenset({"child_execution_id", "activity"})
"""What activities wait for, and tell by themselves."""


class Tasks:
    """The tasks of one execution, folded into its state."""

    def __init__(self, state: FoldState) -> None:
        self._state = state
        self._weights: list[int] | None = None
        self._total = 0

    def created(self, created: ev.ExecutionCreated) -> None:
        """The execution is one of a workflow, if its first event says so."""
        summary = self._state.summary
        summary.parent_execution_id = created.parent_execution_id
        summary.retried_from = created.retried_from
        if created.workflow_id or created.workflow_name:
            summary.kind = ExecutionKind.EXECUTION_KIND_WORKFLOW
            summary.workflow_id, summary.workflow_name = created.workflow_id, created.workflow_name
            self._state.workflow_status.SetInParent()

    def started(self, started: ev.WorkflowTaskStarted, micros: int) -> None:
        """A task begins, or begins again with another attempt."""
        state = self._state
        place = self._open_place(started.task_id)
        status = state.workflow_status
        task = status.tasks.add() if place is None else status.tasks[place]
        task.task_id, task.task_name = started.task_id, started.name
        task.task_type = task_type(started.kind)
        task.status = WorkflowTaskStatus.WORKFLOW_TASK_IN_PROGRESS
        task.started_at = task.started_at or rfc3339(micros)
        given = as_struct(started.input)
        if given is not None:
            task.input.CopyFrom(given)
        if started.attempt > 1:
            task.metadata["attempt"] = started.attempt
        if place is not None:
            state.waiting_tasks.pop(started.task_id, None)
        state.summary.task_name = started.name[:_NAME_CHARACTERS]
        index = len(status.tasks) - 1 if place is None else place
        state.open_tasks[started.task_id] = index
        self._weigh(index)

    def finished(self, finished: ev.WorkflowTaskFinished, micros: int) -> None:
        """A task is over. One that never began was passed over."""
        state = self._state
        state.waiting_tasks.pop(finished.task_id, None)
        place = self._open_place(finished.task_id)
        state.open_tasks.pop(finished.task_id, None)
        state.summary.tasks_done += 1
        state.summary.tasks_failed += bool(finished.error)
        if place is None:
            if not finished.skipped:
                return
            place = len(state.workflow_status.tasks)
            state.workflow_status.tasks.add(
                task_id=finished.task_id, task_name=_name_in(finished.task_id), task_type=task_type("")
            )
        _end(state.workflow_status.tasks[place], finished, micros)
        newest = max(state.open_tasks.values(), default=None)
        state.summary.task_name = (
            "" if newest is None else state.workflow_status.tasks[newest].task_name[:_NAME_CHARACTERS]
        )
        self._weigh(place)

    def waiting(self, waiting: ev.WorkflowTaskWaiting) -> None:
        """A task waits. Where a cluster drives the run, what an activity says of it may come before the workflow tells that the task began."""
        if waiting.task_id not in self._state.open_tasks and waiting.WhichOneof("what") not in SAID_BY_ACTIVITIES:
            return
        kept = ev.WorkflowTaskWaiting()
        kept.CopyFrom(waiting)
        if kept.WhichOneof("what") == "retry":
            kept.retry.error = cut(kept.retry.error, MAX_WAITING_BYTES)
        self._state.waiting_tasks[waiting.task_id] = kept.SerializeToString(deterministic=True)

    def progressed(self, progress: ev.WorkflowTaskProgress) -> None:
        """A loop came further."""
        place = self._open_place(progress.task_id)
        if place is not None:
            metadata = self._state.workflow_status.tasks[place].metadata
            metadata["done"] = progress.done
            if progress.total:
                metadata["total"] = progress.total
            self._weigh(place)

    def answered(self, output: Value) -> None:
        """What the workflow answers."""
        status = self._state.workflow_status
        shown = as_struct(output, MAX_OUTPUT_BYTES)
        status.ClearField("output")
        status.ClearField("output_value")
        if shown is None:
            return
        if output.WhichOneof("kind") == "struct_value" or CUT_KEY in shown.fields:
            status.output.CopyFrom(shown)
        else:
            status.output_value.CopyFrom(output)

    def end(self, micros: int) -> None:
        """The execution is over: nothing runs or waits any more."""
        state = self._state
        for place in state.open_tasks.values():
            task = state.workflow_status.tasks[place]
            task.status = WorkflowTaskStatus.WORKFLOW_TASK_FAILED
            task.error = task.error or "the execution ended while it ran"
            task.completed_at = rfc3339(micros)
        state.open_tasks.clear()
        state.waiting_tasks.clear()
        state.summary.task_name = ""

    def replace(self, given: WorkflowExecutionStatus) -> None:
        """A status came whole: its tasks and its output."""
        state, status = self._state, self._state.workflow_status
        state.open_tasks.clear()
        state.waiting_tasks.clear()
        status.Clear()
        status.SetInParent()
        status.temporal_workflow_id = given.temporal_workflow_id
        status.tasks.extend(given.tasks)
        status.omitted_tasks = given.omitted_tasks
        for place, task in enumerate(status.tasks):
            cut_task(task)
            if task.status in _OPEN:
                state.open_tasks[task.task_id] = place
        if given.HasField("output"):
            self.answered(Value(struct_value=given.output))
        elif given.HasField("output_value"):
            self.answered(given.output_value)
        over = [task for task in status.tasks if task.status not in _OPEN]
        state.summary.tasks_done = status.omitted_tasks + len(over)
        state.summary.tasks_failed = sum(task.status == WorkflowTaskStatus.WORKFLOW_TASK_FAILED for task in over)
        self._weights = None
        self._make_room()

    def _open_place(self, task_id: str) -> int | None:
        places = self._state.open_tasks
        return places.get(task_id)

    def _weigh(self, place: int) -> None:
        """Count the task at `place` anew, and leave out the oldest where they have become too many."""
        if self._weights is None:
            self._weights = [_OVERHEAD + task.ByteSize() for task in self._state.workflow_status.tasks]
            self._total = sum(self._weights)
        else:
            weight = _OVERHEAD + self._state.workflow_status.tasks[place].ByteSize()
            if place == len(self._weights):
                self._weights.append(0)
            self._total += weight - self._weights[place]
            self._weights[place] = weight
        if self._total > TASKS_BUDGET:
            self._make_room()

    def _make_room(self) -> None:
        """Leave out the oldest tasks that are over; those that run only where it does not do without."""
        status = self._state.workflow_status
        weights = [_OVERHEAD + task.ByteSize() for task in status.tasks]
        total = sum(weights)
        gone: set[int] = set()
        running = set(self._state.open_tasks.values())
        if total > TASKS_BUDGET:
            for place in (*(at for at in range(len(weights)) if at not in running), *sorted(running)):
                if total <= TASKS_KEPT:
                    break
                gone.add(place)
                total -= weights[place]
        if gone:
            kept = [place for place in range(len(weights)) if place not in gone]
            tasks = [WorkflowTask.FromString(status.tasks[place].SerializeToString()) for place in kept]
            status.ClearField("tasks")
            status.tasks.extend(tasks)
            status.omitted_tasks += len(gone)
            moved = {before: after for after, before in enumerate(kept)}
            known = dict(self._state.open_tasks)
            self._state.open_tasks.clear()
            for task_id, place in known.items():
                if place in moved:
                    self._state.open_tasks[task_id] = moved[place]
            weights = [weights[place] for place in kept]
        self._weights, self._total = weights, total


def cut_task(task: WorkflowTask) -> None:
    """Cut what is long in a task that came whole."""
    task.error = cut(task.error, MAX_NOTE_BYTES)
    for held in (task.input, task.output, task.metadata):
        size = held.ByteSize()
        if size > MAX_VALUE_BYTES:
            held.Clear()
            held.fields[CUT_KEY].number_value = size


def _end(task: WorkflowTask, finished: ev.WorkflowTaskFinished, micros: int) -> None:
    task.completed_at = rfc3339(micros)
    output = as_struct(finished.output)
    if output is not None:
        task.output.CopyFrom(output)
    if finished.skipped:
        task.status = WorkflowTaskStatus.WORKFLOW_TASK_SKIPPED
        if finished.skipped_because:
            task.metadata["skipped_because"] = cut(finished.skipped_because, MAX_WAITING_BYTES)
    elif finished.error or finished.cancelled:
        task.status = WorkflowTaskStatus.WORKFLOW_TASK_FAILED
        task.error = cut(finished.error or "it was stopped", MAX_NOTE_BYTES)
        if finished.cancelled:
            task.metadata["cancelled"] = True
    else:
        task.status = WorkflowTaskStatus.WORKFLOW_TASK_COMPLETED


def _name_in(task_id: str) -> str:
    """The name of a task in its id: `fetch` in `/do/2/fetch#1`."""
    return task_id.rpartition("/")[2].partition("#")[0] or task_id
