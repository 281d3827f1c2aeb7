"""Workflow executions as resources: what of one may be changed after it began."""

from collections.abc import Iterator, Sequence
from typing import cast

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_pb2 import (
    WorkflowExecution,
    WorkflowExecutionSpec,
)
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionKind, ExecutionSummary
from stigmer_apis.errors import FieldViolation
from stigmer_apis.fold.times import micros_of
from stigmer_backend.resources.catalogue import Catalogue, Means
from stigmer_backend.resources.executions import put_execution, show_labels
from stigmer_backend.resources.kinds import WORKFLOW_EXECUTIONS, WORKFLOW_INSTANCES, WORKFLOWS
from stigmer_backend.resources.lookup import named_id
from stigmer_backend.resources.references import Owner
from stigmer_backend.resources.rules import check_variables, refuse
from stigmer_backend.store import StateRead, StateWrite

_ERROR_CHARACTERS = 120


class WorkflowExecutions(Catalogue[WorkflowExecution]):
    """Workflow executions. They are created elsewhere: with their first events."""

    def __init__(self, means: Means) -> None:
        super().__init__(WORKFLOW_EXECUTIONS, means)

    def owners(self, fresh: WorkflowExecution) -> Sequence[Owner]:
        """Its workflow instance and its workflow, as far as they are named."""
        return tuple(_owners(fresh.spec))

    def parents(self, state: StateRead, fresh: WorkflowExecution) -> tuple[str, ...]:
        """Those, and the workflow execution that started it."""
        return parents_of_run(fresh)

    def keep(self, state: StateRead, stored: WorkflowExecution, fresh: WorkflowExecution) -> None:
        """What was asked stays as it was asked. Raises `InvalidArgument` for an update that says otherwise."""
        before, after = stored.spec, fresh.spec
        after.workflow_instance_id = after.workflow_instance_id or before.workflow_instance_id
        after.workflow_id = after.workflow_id or before.workflow_id
        after.workflow_instance_id = _id_of(state, after.workflow_instance_id, instance=True)
        after.workflow_id = _id_of(state, after.workflow_id, instance=False)
        after.document = after.document or before.document
        if not after.HasField("options") and before.HasField("options"):
            after.options.CopyFrom(before.options)
        if not after.HasField("input") and before.HasField("input"):
            after.input.CopyFrom(before.input)
        after.parent_execution_id, after.retried_from = before.parent_execution_id, before.retried_from
        changed = [
            FieldViolation(f"spec.{field}", "stigmer.execution.immutable", "must stay as it is: it has begun")
            for field, same in (
                ("workflow_instance_id", after.workflow_instance_id == before.workflow_instance_id),
                ("workflow_id", after.workflow_id == before.workflow_id),
                ("trigger_message", after.trigger_message == before.trigger_message),
                ("trigger_metadata", dict(after.trigger_metadata) == dict(before.trigger_metadata)),
                ("options", after.options == before.options),
                ("input", after.input == before.input),
                ("document", after.document == before.document),
            )
            if not same
        ]
        refuse("execution", stored.metadata, changed)

    def check(self, state: StateRead, fresh: WorkflowExecution) -> None:
        """Its variables have names."""
        refuse("execution", fresh.metadata, list(check_variables("spec.runtime_env", fresh.spec.runtime_env)))

    def put(self, state: StateWrite, fresh: WorkflowExecution, created_ns: int, expected_version: int | None) -> None:
        """Store `fresh`; its row shows its labels, and stays as it is in all else."""
        put_execution(state, self.kind, fresh, parents_of_run(fresh), created_ns, expected_version)


def parents_of_run(execution: WorkflowExecution) -> tuple[str, ...]:
    """In whose lists an execution stands: of its instance, its workflow, and the workflow execution that started it."""
    spec = execution.spec
    return tuple(name for name in (spec.workflow_instance_id, spec.workflow_id, spec.parent_execution_id) if name)


def summary_of_old(execution: WorkflowExecution, created_ns: int) -> ExecutionSummary:
    """The row of an execution of a time when workflows were stored and not run."""
    status = execution.status
    row = ExecutionSummary(
        execution_id=execution.metadata.id,
        kind=ExecutionKind.EXECUTION_KIND_WORKFLOW,
        workflow_id=execution.spec.workflow_id,
        workflow_name=execution.spec.workflow_id,
        phase=cast("ExecutionPhase.ValueType", status.phase),
        created_unix_micros=created_ns // 1000,
        started_unix_micros=micros_of(status.started_at),
        completed_unix_micros=micros_of(status.completed_at),
        error=" ".join(status.error.split())[:_ERROR_CHARACTERS],
    )
    show_labels(row, execution)
    return row


def _owners(spec: WorkflowExecutionSpec) -> Iterator[Owner]:
    if spec.workflow_instance_id:
        yield Owner("workflow_instance_id", WORKFLOW_INSTANCES, spec.workflow_instance_id)
    if spec.workflow_id:
        yield Owner("workflow_id", WORKFLOWS, spec.workflow_id)


def _id_of(state: StateRead, name: str, *, instance: bool) -> str:
    return named_id(state, WORKFLOW_INSTANCES if instance else WORKFLOWS, name) or name
