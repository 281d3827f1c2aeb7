"""Workflow executions: what was started. Running them comes later, and each says so."""

from collections.abc import Iterator, Sequence

from stigmer_apis._generated.ai.stigmer.agentic.workflow.v1.workflow_pb2 import Workflow
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_pb2 import (
    WorkflowExecution,
    WorkflowExecutionSpec,
    WorkflowExecutionStatus,
)
from stigmer_apis.errors import FieldViolation, InvalidArgument
from stigmer_backend.resources.catalogue import Catalogue, Means, Outcome
from stigmer_backend.resources.kinds import WORKFLOW_EXECUTIONS, WORKFLOW_INSTANCES, WORKFLOWS
from stigmer_backend.resources.lookup import find, find_named, find_record, named_id
from stigmer_backend.resources.references import Owner
from stigmer_backend.resources.repeats import Repeatable
from stigmer_backend.resources.rules import check_variables, refuse
from stigmer_backend.resources.stamps import Stamp, touch
from stigmer_backend.resources.workflow_status import merged
from stigmer_backend.store import StateRead, StateWrite

NOT_RUN = (
    "Workflows are stored and checked here; running them comes later. "
    "Nothing of this workflow was run: start it again with a version of Stigmer that runs workflows."
)
"""Why a workflow execution ends as soon as it is stored."""


class WorkflowExecutions(Catalogue[WorkflowExecution]):
    """Workflow executions."""

    def __init__(self, means: Means) -> None:
        super().__init__(WORKFLOW_EXECUTIONS, means)

    def owners(self, fresh: WorkflowExecution) -> Sequence[Owner]:
        """Its workflow instance and its workflow, as far as they are named."""
        return tuple(_owners(fresh.spec))

    def keep(self, state: StateRead, stored: WorkflowExecution, fresh: WorkflowExecution) -> None:
        """What was asked stays as it was asked. Raises `InvalidArgument` for an update that says otherwise."""
        before, after = stored.spec, fresh.spec
        after.workflow_instance_id = after.workflow_instance_id or before.workflow_instance_id
        after.workflow_id = after.workflow_id or before.workflow_id
        after.workflow_instance_id = _id_of(state, after.workflow_instance_id, instance=True)
        after.workflow_id = _id_of(state, after.workflow_id, instance=False)
        changed = [
            FieldViolation(f"spec.{field}", "stigmer.execution.immutable", "must stay as it is: it has begun")
            for field, same in (
                ("workflow_instance_id", after.workflow_instance_id == before.workflow_instance_id),
                ("workflow_id", after.workflow_id == before.workflow_id),
                ("trigger_message", after.trigger_message == before.trigger_message),
                ("trigger_metadata", dict(after.trigger_metadata) == dict(before.trigger_metadata)),
            )
            if not same
        ]
        refuse("execution", stored.metadata, changed)

    def check(self, state: StateRead, fresh: WorkflowExecution) -> None:
        """It needs an instance or a workflow, and both have to go together."""
        spec = fresh.spec
        if spec.workflow_instance_id:
            instance = find(state, WORKFLOW_INSTANCES, spec.workflow_instance_id)
            if spec.workflow_id not in ("", instance.spec.workflow_id):
                raise InvalidArgument(
                    f"the workflow instance {instance.metadata.name!r} is one of another workflow",
                    remedy="leave spec.workflow_id empty to run the instance",
                    violations=[
                        FieldViolation("spec.workflow_id", "stigmer.execution.workflow", "must be the instance's")
                    ],
                )
        elif not spec.workflow_id:
            raise InvalidArgument(
                "the execution names neither a workflow instance nor a workflow",
                remedy="set spec.workflow_id, or spec.workflow_instance_id",
                violations=[
                    FieldViolation(
                        "spec.workflow_id", "stigmer.execution.target", "or spec.workflow_instance_id must be set"
                    )
                ],
            )
        refuse("execution", fresh.metadata, list(check_variables("spec.runtime_env", spec.runtime_env)))

    def create(
        self, state: StateWrite, wanted: WorkflowExecution, stamp: Stamp, call: Repeatable | None = None
    ) -> tuple[WorkflowExecution, Outcome]:
        """Store an execution on its instance. Raises what `Catalogue.create` raises."""
        asked = self.copy(wanted)
        spec = asked.spec
        if spec.workflow_id and not spec.workflow_instance_id:
            workflow: Workflow = find_named(state, WORKFLOWS, spec.workflow_id)
            spec.workflow_instance_id = workflow.status.default_instance_id
        elif spec.workflow_instance_id and not spec.workflow_id:
            spec.workflow_id = find_named(state, WORKFLOW_INSTANCES, spec.workflow_instance_id).spec.workflow_id
        return super().create(state, asked, stamp, call)

    def complete(self, state: StateWrite, fresh: WorkflowExecution, stamp: Stamp) -> None:
        """End it, in the transaction that stores it, with words that say why."""
        now = stamp.timestamp().ToJsonString()
        self._report(
            fresh,
            WorkflowExecutionStatus(
                phase=ExecutionPhase.EXECUTION_FAILED, error=NOT_RUN, started_at=now, completed_at=now
            ),
            stamp,
        )
        self.put(state, fresh, stamp.at_ns, None)

    def update_status(
        self, state: StateWrite, execution_id: str, given: WorkflowExecutionStatus, stamp: Stamp
    ) -> WorkflowExecution:
        """Take a published runner's report. Raises `NotFound`, and `FailedPrecondition` where the execution has ended."""
        stored, record = find_record(state, WORKFLOW_EXECUTIONS, execution_id)
        self._report(stored, given, stamp)
        self.put(state, stored, record.created_ns, record.version)
        return stored

    def _report(self, execution: WorkflowExecution, given: WorkflowExecutionStatus, stamp: Stamp) -> None:
        execution.status.CopyFrom(merged(execution.status, given))
        touch(execution.status.audit.status_audit, stamp)


def _owners(spec: WorkflowExecutionSpec) -> Iterator[Owner]:
    if spec.workflow_instance_id:
        yield Owner("workflow_instance_id", WORKFLOW_INSTANCES, spec.workflow_instance_id)
    if spec.workflow_id:
        yield Owner("workflow_id", WORKFLOWS, spec.workflow_id)


def _id_of(state: StateRead, name: str, *, instance: bool) -> str:
    return named_id(state, WORKFLOW_INSTANCES if instance else WORKFLOWS, name) or name
