"""What a report makes of the status of a workflow execution."""

import pytest

from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_pb2 import (
    WorkflowExecutionStatus,
    WorkflowTask,
)
from stigmer_apis.errors import FailedPrecondition
from stigmer_backend.resources.workflow_status import merged

PENDING, RUNNING = ExecutionPhase.EXECUTION_PENDING, ExecutionPhase.EXECUTION_IN_PROGRESS
ENDED = (ExecutionPhase.EXECUTION_COMPLETED, ExecutionPhase.EXECUTION_FAILED, ExecutionPhase.EXECUTION_CANCELLED)


def test_what_is_said_replaces_and_what_is_not_said_stays() -> None:
    known = WorkflowExecutionStatus(
        phase=RUNNING,
        tasks=[WorkflowTask(task_id="a"), WorkflowTask(task_id="b")],
        error="was",
        started_at="then",
        temporal_workflow_id="t",
    )
    known.output["x"] = 1
    known.audit.spec_audit.event = "created"
    assert merged(known, WorkflowExecutionStatus()) == known
    given = WorkflowExecutionStatus(
        phase=ExecutionPhase.EXECUTION_COMPLETED, tasks=[WorkflowTask(task_id="c")], completed_at="now"
    )
    given.audit.spec_audit.event = "forged"
    given.output["y"] = 2
    after = merged(known, given)
    assert after.phase == ExecutionPhase.EXECUTION_COMPLETED
    assert [task.task_id for task in after.tasks] == ["c"]
    assert dict(after.output) == {"y": 2}
    assert (after.error, after.started_at, after.completed_at) == ("was", "then", "now")
    assert after.temporal_workflow_id == "t"
    assert after.audit.spec_audit.event == "created"
    assert known.phase == RUNNING


@pytest.mark.parametrize("phase", ENDED)
def test_an_ended_execution_changes_no_more(phase: ExecutionPhase.ValueType) -> None:
    for given in (
        WorkflowExecutionStatus(),
        WorkflowExecutionStatus(phase=RUNNING),
        WorkflowExecutionStatus(error="x"),
    ):
        with pytest.raises(FailedPrecondition):
            merged(WorkflowExecutionStatus(phase=phase), given)


def test_a_phase_goes_forward_only() -> None:
    with pytest.raises(FailedPrecondition):
        merged(WorkflowExecutionStatus(phase=RUNNING), WorkflowExecutionStatus(phase=PENDING))
    assert merged(WorkflowExecutionStatus(phase=RUNNING), WorkflowExecutionStatus(phase=RUNNING)).phase == RUNNING
    assert merged(WorkflowExecutionStatus(), WorkflowExecutionStatus(phase=PENDING)).phase == PENDING
