"""The status as the published interface shows it."""

from typing import cast

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecutionStatus
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_enums_pb2 import (
    ExecutionPhase as WorkflowPhase,
)
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_pb2 import (
    WorkflowExecutionStatus,
)
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import FoldState
from stigmer_apis.fold.bounds import drop_oldest
from stigmer_apis.fold.output import shown
from stigmer_apis.protocol import MAX_STATUS_BYTES

_ROOM_BYTES = 64 * 1024
"""Left free below the limit, for what stands around a status in an answer."""


def published_status(state: FoldState) -> AgentExecutionStatus:
    """The status of `state`: with the output of what runs so far, smaller than 3 MiB. A copy."""
    status = AgentExecutionStatus()
    status.CopyFrom(state.status)
    calls = {call.id: call for call in status.tool_calls}
    for call_id, window in state.outputs.items():
        if call_id in calls:
            calls[call_id].result = shown(window)
    for message in status.messages:
        for stub in message.tool_calls:
            known = calls.get(stub.id)
            if known is not None:
                stub.status, stub.error = known.status, known.error
                stub.started_at, stub.completed_at = known.started_at, known.completed_at
    while status.ByteSize() > MAX_STATUS_BYTES - _ROOM_BYTES:
        drop_oldest(
            status,
            -(-len(status.messages) // 4),
            -(-len(status.tool_calls) // 4),
            -(-len(status.sub_agent_executions) // 4),
        )
    return status


def published_workflow_status(state: FoldState) -> WorkflowExecutionStatus:
    """The status of a workflow execution, smaller than 3 MiB. A copy."""
    status = WorkflowExecutionStatus()
    status.CopyFrom(state.workflow_status)
    said = state.status
    status.phase = cast("WorkflowPhase.ValueType", said.phase)
    status.error, status.started_at, status.completed_at = said.error, said.started_at, said.completed_at
    status.attention.extend(said.attention)
    status.head_seq = said.head_seq
    return status
