"""What executions of agents and of workflows have in common, and the few places where they differ."""

from typing import TypeAlias, cast

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecution
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_pb2 import WorkflowExecution
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionKind, FoldState
from stigmer_apis.fold import empty_fold, published_status, published_workflow_status
from stigmer_apis.ids import Prefix
from stigmer_backend.resources.kinds import EXECUTIONS, WORKFLOW_EXECUTIONS, Kind

AnyExecution: TypeAlias = AgentExecution | WorkflowExecution
"""Of an agent, or of a workflow."""
RunKind: TypeAlias = Kind[AnyExecution]

RUN_KINDS: tuple[RunKind, ...] = (EXECUTIONS, WORKFLOW_EXECUTIONS)
"""Both of them."""

_WORKFLOW = f"{Prefix.WORKFLOW_EXECUTION}-"


def run_kind(execution_id: str) -> RunKind:
    """The kind of the execution with this id."""
    return WORKFLOW_EXECUTIONS if execution_id.startswith(_WORKFLOW) else EXECUTIONS


def phase_of(execution: AnyExecution) -> ExecutionPhase.ValueType:
    """Where it stands, as it is stored. The phases of both kinds have the same numbers."""
    return cast("ExecutionPhase.ValueType", execution.status.phase)


def parent_of(execution: AnyExecution) -> str:
    """The workflow execution that started it; empty where none did."""
    return execution.spec.parent_execution_id


def ground_of(execution: AnyExecution) -> str:
    """What it stands on: its session's id; for a workflow, which has none, its own. Directories and approvals belong to that."""
    return execution.spec.session_id if isinstance(execution, AgentExecution) else execution.metadata.id


def copy_of(execution: AnyExecution) -> AnyExecution:
    """An execution of its own, equal to `execution`."""
    match execution:
        case AgentExecution():
            agents = AgentExecution()
            agents.CopyFrom(execution)
            return agents
        case WorkflowExecution():
            workflows = WorkflowExecution()
            workflows.CopyFrom(execution)
            return workflows


def show_status(execution: AnyExecution, fold: FoldState) -> None:
    """Give a stored execution the status that it has by `fold`; its audit stays."""
    audit = execution.status.audit.SerializeToString()
    match execution:
        case AgentExecution():
            execution.status.CopyFrom(published_status(fold))
        case WorkflowExecution():
            execution.status.CopyFrom(published_workflow_status(fold))
    execution.status.audit.ParseFromString(audit)


def first_fold(execution: AnyExecution) -> FoldState:
    """The state of an execution before its first event."""
    fold = empty_fold(execution.metadata.id)
    match execution:
        case AgentExecution():
            fold.summary.agent_id = execution.spec.agent_id
        case WorkflowExecution():
            fold.summary.kind = ExecutionKind.EXECUTION_KIND_WORKFLOW
            fold.summary.workflow_id = execution.spec.workflow_id
    return fold
