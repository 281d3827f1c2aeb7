"""From a status of a workflow execution that a published runner reports to the events that it means.

As `status_update`: what extends the known status becomes the events for the difference, what contradicts it one event that replaces it.
"""

from typing import cast

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_enums_pb2 import (
    WorkflowTaskStatus,
    WorkflowTaskType,
)
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_pb2 import (
    WorkflowExecutionStatus,
    WorkflowTask,
)
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import FoldState
from stigmer_apis.errors import FailedPrecondition
from stigmer_apis.fold.machine import is_terminal
from stigmer_apis.fold.published import published_workflow_status
from stigmer_apis.fold.times import micros_of
from stigmer_apis.fold.tool_update import Contradiction

_KINDS = {
    WorkflowTaskType.WORKFLOW_TASK_AGENT_INVOCATION: "call:agent",
    WorkflowTaskType.WORKFLOW_TASK_API_CALL: "call:http",
    WorkflowTaskType.WORKFLOW_TASK_CONDITIONAL: "switch",
    WorkflowTaskType.WORKFLOW_TASK_PARALLEL: "fork",
    WorkflowTaskType.WORKFLOW_TASK_TRANSFORM: "set",
    WorkflowTaskType.WORKFLOW_TASK_CUSTOM: "custom",
}


def events_for_workflow_update(state: FoldState, given: WorkflowExecutionStatus, *, micros: int = 0) -> list[ev.Event]:
    """The events that bring `state` to what the report `given` says; empty where it says nothing new.

    `micros`: microseconds since 1970, the time of events for which the report has none. Raises `FailedPrecondition` where the execution has
    ended, and for a phase that goes back.
    """
    phase = state.summary.phase
    if is_terminal(phase):
        raise FailedPrecondition(
            f"{state.summary.execution_id} has ended as {ExecutionPhase.Name(phase)}: its status changes no more"
        )
    if given.phase and int(given.phase) < int(phase):
        raise FailedPrecondition(
            f"the execution is {ExecutionPhase.Name(phase)} and does not go back", remedy="leave the phase out"
        )
    try:
        return _Extension(state, given, micros).events()
    except Contradiction:
        whole = merged(state, given)
        return [ev.Event(time_unix_micros=micros, status_replaced=ev.StatusReplaced(workflow_status=whole))]


def merged(state: FoldState, given: WorkflowExecutionStatus) -> WorkflowExecutionStatus:
    """What the status is after the report, whole: a list that is not empty replaces the whole one, likewise the output; all else stays."""
    status = published_workflow_status(state)
    if given.tasks:
        status.ClearField("tasks")
        status.omitted_tasks = 0
    if given.HasField("output") and given.output.fields:
        status.ClearField("output")
        status.ClearField("output_value")
    told = WorkflowExecutionStatus()
    told.CopyFrom(given)
    for ours in ("audit", "attention", "head_seq", "omitted_tasks"):
        told.ClearField(ours)
    status.MergeFrom(told)
    return status


class _Extension:
    """A report as what it adds. Raises `Contradiction` where it does more than add."""

    def __init__(self, state: FoldState, given: WorkflowExecutionStatus, micros: int) -> None:
        self._state = state
        self._known = published_workflow_status(state)
        self._given = given
        self._micros = micros
        self._events: list[ev.Event] = []

    def events(self) -> list[ev.Event]:
        """All that is new, in an order that the fold takes."""
        given, known = self._given, self._known
        if given.temporal_workflow_id not in ("", known.temporal_workflow_id):
            raise Contradiction
        self._start()
        if given.tasks:
            self._tasks()
        if given.HasField("output") and given.output.fields and given.output != known.output:
            self._add(ev.Event(workflow_output=ev.WorkflowOutput()))
            self._events[-1].workflow_output.output.struct_value.CopyFrom(given.output)
        self._finish()
        return self._events

    def _start(self) -> None:
        given, known = self._given, self._known
        begun = known.phase >= ExecutionPhase.EXECUTION_IN_PROGRESS
        starts = given.phase == ExecutionPhase.EXECUTION_IN_PROGRESS or bool(given.started_at)
        if starts and not begun:
            self._add(_phase(ExecutionPhase.EXECUTION_IN_PROGRESS), micros_of(given.started_at))
        elif given.started_at and micros_of(given.started_at) != micros_of(known.started_at):
            raise Contradiction

    def _finish(self) -> None:
        given, known = self._given, self._known
        failed = given.phase == ExecutionPhase.EXECUTION_FAILED
        if given.error not in ("", known.error) and not failed:
            raise Contradiction
        if is_terminal(_same(given.phase)):
            reason = given.error if failed else ""
            self._add(_phase(_same(given.phase), reason), micros_of(given.completed_at))
        elif given.completed_at not in ("", known.completed_at):
            raise Contradiction

    def _tasks(self) -> None:
        """Tasks that begin or end; those that are known come first, as they were."""
        known = list(self._known.tasks)
        if self._known.omitted_tasks or len(self._given.tasks) < len(known):
            raise Contradiction
        if len({task.task_id for task in self._given.tasks}) != len(self._given.tasks):
            raise Contradiction
        for place, task in enumerate(self._given.tasks):
            self._task(known[place] if place < len(known) else None, task)

    def _task(self, before: WorkflowTask | None, task: WorkflowTask) -> None:
        status = WorkflowTaskStatus
        if before is None:
            if task.status not in (status.WORKFLOW_TASK_IN_PROGRESS, *_OVER) or task.HasField("metadata"):
                raise Contradiction
            if task.task_type not in _KINDS:
                raise Contradiction
            started = ev.WorkflowTaskStarted(task_id=task.task_id, name=task.task_name, kind=_KINDS[task.task_type])
            if task.HasField("input"):
                started.input.struct_value.CopyFrom(task.input)
            self._add(ev.Event(workflow_task_started=started), micros_of(task.started_at))
        elif before == task:
            return
        elif not _goes_on(before, task):
            raise Contradiction
        if task.status in _OVER:
            self._end(task)

    def _end(self, task: WorkflowTask) -> None:
        over = ev.WorkflowTaskFinished(
            task_id=task.task_id,
            error=task.error,
            skipped=task.status == WorkflowTaskStatus.WORKFLOW_TASK_SKIPPED,
        )
        if (task.status == WorkflowTaskStatus.WORKFLOW_TASK_FAILED) != bool(task.error):
            raise Contradiction
        if task.HasField("output"):
            over.output.struct_value.CopyFrom(task.output)
        self._add(ev.Event(workflow_task_finished=over), micros_of(task.completed_at))

    def _add(self, event: ev.Event, micros: int = 0) -> None:
        event.time_unix_micros = micros or self._micros
        self._events.append(event)


_OVER = (
    WorkflowTaskStatus.WORKFLOW_TASK_COMPLETED,
    WorkflowTaskStatus.WORKFLOW_TASK_FAILED,
    WorkflowTaskStatus.WORKFLOW_TASK_SKIPPED,
)


def _goes_on(before: WorkflowTask, task: WorkflowTask) -> bool:
    """Whether `task` is `before` with an end."""
    if before.status != WorkflowTaskStatus.WORKFLOW_TASK_IN_PROGRESS or task.status not in _OVER:
        return False
    same = WorkflowTask()
    same.CopyFrom(task)
    for end in ("output", "completed_at", "error"):
        same.ClearField(end)
    same.status = before.status
    return same == before


def _same(phase: int) -> "ExecutionPhase.ValueType":
    return cast("ExecutionPhase.ValueType", phase)


def _phase(phase: "ExecutionPhase.ValueType", reason: str = "") -> ev.Event:
    return ev.Event(phase_changed=ev.PhaseChanged(phase=phase, reason=reason))
