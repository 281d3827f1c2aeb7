"""What is told of an execution that ended: its name, how it ended, and when a workflow's tasks were. Calls of models and tools are told by whoever makes them: runners."""

from datetime import datetime

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_enums_pb2 import (
    WorkflowTaskStatus,
)
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import EXECUTION_KIND_WORKFLOW, FoldState
from stigmer_backend.telemetry.facts import RunFact, StepFact

MOST_STEPS = 1000
"""Of one execution; later ones are not told."""


def run_fact(state: FoldState) -> RunFact:
    """Out of the fold of all its events."""
    summary = state.summary
    ended = summary.completed_unix_micros or summary.changed_unix_micros
    workflow = summary.kind == EXECUTION_KIND_WORKFLOW
    return RunFact(
        execution_id=summary.execution_id,
        kind="workflow" if workflow else "agent",
        name=summary.workflow_name if workflow else summary.agent_name,
        phase=ExecutionPhase.Name(summary.phase).removeprefix("EXECUTION_").lower(),
        tokens=summary.tokens,
        began_ns=(summary.started_unix_micros or summary.created_unix_micros) * 1000,
        ended_ns=ended * 1000,
        parent_id=summary.parent_execution_id,
        steps=_tasks(state)[:MOST_STEPS] if workflow else (),
    )


def _tasks(state: FoldState) -> list[StepFact]:
    failed = WorkflowTaskStatus.WORKFLOW_TASK_FAILED
    made = (
        (task.task_name, task.started_at, task.completed_at, task.status == failed)
        for task in state.workflow_status.tasks
    )
    return [step for one in made if (step := _step(*one)) is not None]


def _step(name: str, started: str, completed: str, failed: bool) -> StepFact | None:
    """None for one that never ran to its end."""
    began, ended = _nanoseconds(started), _nanoseconds(completed)
    return StepFact(name=name, began_ns=began, ended_ns=ended, failed=failed) if began and ended else None


def _nanoseconds(text: str) -> int:
    """0 where there is no time."""
    try:
        return int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1e9)
    except ValueError:
        return 0
