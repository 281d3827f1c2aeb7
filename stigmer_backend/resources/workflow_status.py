"""What a published runner's report makes of the status of a workflow execution. Pure."""

from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_pb2 import (
    WorkflowExecutionStatus,
)
from stigmer_apis.errors import FailedPrecondition

_ENDED = frozenset(
    {ExecutionPhase.EXECUTION_COMPLETED, ExecutionPhase.EXECUTION_FAILED, ExecutionPhase.EXECUTION_CANCELLED}
)


def has_ended(status: WorkflowExecutionStatus) -> bool:
    """Whether nothing changes any more."""
    return status.phase in _ENDED


def merged(known: WorkflowExecutionStatus, given: WorkflowExecutionStatus) -> WorkflowExecutionStatus:
    """The status after the report `given`.

    A list or map that is not empty replaces the whole one, a phase that is not unspecified and a text that is not empty replace theirs,
    all else stays; the audit is the server's. Raises `FailedPrecondition` where the execution has ended, and for a phase that goes back.
    """
    if has_ended(known):
        raise FailedPrecondition(
            f"the execution has ended as {ExecutionPhase.Name(known.phase)}: its status changes no more",
            remedy="start a new execution",
        )
    if given.phase and given.phase < known.phase:
        raise FailedPrecondition(
            f"the execution is {ExecutionPhase.Name(known.phase)} and does not go back to {ExecutionPhase.Name(given.phase)}",
            remedy="leave the phase out, or report a later one",
        )
    after = WorkflowExecutionStatus()
    after.CopyFrom(known)
    if given.phase:
        after.phase = given.phase
    if given.tasks:
        after.ClearField("tasks")
        after.tasks.extend(given.tasks)
    if given.HasField("output") and given.output.fields:
        after.output.CopyFrom(given.output)
    after.error = given.error or known.error
    after.started_at = given.started_at or known.started_at
    after.completed_at = given.completed_at or known.completed_at
    after.temporal_workflow_id = given.temporal_workflow_id or known.temporal_workflow_id
    return after
