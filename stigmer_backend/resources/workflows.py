"""Workflows and their instances: what making one comes with, and what a document must hold to be stored."""

from collections.abc import Iterator, Sequence

from stigmer_apis._generated.ai.stigmer.agentic.workflow.v1.serverless.validation_pb2 import ValidationState
from stigmer_apis._generated.ai.stigmer.agentic.workflow.v1.workflow_pb2 import Workflow, WorkflowSpec
from stigmer_apis._generated.ai.stigmer.agentic.workflowinstance.v1.workflow_instance_pb2 import (
    WorkflowInstance,
    WorkflowInstanceSpec,
)
from stigmer_apis.errors import FieldViolation, InvalidArgument
from stigmer_apis.protocol import API_VERSION
from stigmer_backend.resources.catalogue import Catalogue, Means
from stigmer_backend.resources.defaults import default_metadata, free_id
from stigmer_backend.resources.kinds import ENVIRONMENTS, WORKFLOW_INSTANCES, WORKFLOWS
from stigmer_backend.resources.references import Owner, Reference, references
from stigmer_backend.resources.rules import check_variables, needs_spec, refuse
from stigmer_backend.resources.stamps import Stamp
from stigmer_backend.resources.workflow_tasks import TASKS, calls, document_calls, task_problems
from stigmer_backend.store import StateRead, StateWrite
from stigmer_backend.workflows.documents import Documents
from stigmer_backend.workflows.schedule_records import sync


class WorkflowInstances(Catalogue[WorkflowInstance]):
    """Workflow instances: a workflow made ready for a place."""

    def __init__(self, means: Means) -> None:
        super().__init__(WORKFLOW_INSTANCES, means)

    def owners(self, fresh: WorkflowInstance) -> Sequence[Owner]:
        """Its workflow."""
        return (Owner("workflow_id", WORKFLOWS, fresh.spec.workflow_id),)

    def references(self, fresh: WorkflowInstance) -> Sequence[Reference]:
        """Its environments."""
        return references("spec.env_refs", ENVIRONMENTS, fresh.spec.env_refs)


_WARNINGS = 20
_SHOWN_CHARACTERS = 64 << 10
"""A document that is longer is not repeated in the status."""


class Workflows(Catalogue[Workflow]):
    """Workflows: tasks in their order, checked and kept."""

    def __init__(self, means: Means, instances: WorkflowInstances, documents: Documents) -> None:
        super().__init__(WORKFLOWS, means)
        self._instances = instances
        self._documents = documents

    def references(self, fresh: Workflow) -> Sequence[Reference]:
        """The agents that its tasks call and the workflows that they run; but for itself: that is a circle, which `check` tells."""
        own = fresh.metadata.slug
        return [call for call in self._calls(fresh.spec) if (call.kind, call.slug) != (WORKFLOWS, own)]

    def _calls(self, spec: WorkflowSpec) -> Sequence[Reference]:
        if not spec.yaml:
            return list(calls(spec.tasks, TASKS))
        try:
            return document_calls(self._documents.at_once(spec).workflow)
        except InvalidArgument:
            return ()  # What is wrong with it is told by `check`.

    def settle(self, fresh: Workflow) -> None:
        """What is stored was found valid: `check` refuses what is not."""
        validation = fresh.status.serverless_workflow_validation
        validation.Clear()
        validation.state = ValidationState.VALID
        if fresh.spec.yaml or not list(task_problems(fresh.spec.tasks, TASKS)):
            document = self._documents.at_once(fresh.spec)
            validation.warnings.extend(str(problem) for problem in document.warnings[:_WARNINGS])
            if len(document.json) <= _SHOWN_CHARACTERS:
                validation.yaml = fresh.spec.yaml or document.json

    def check(self, state: StateRead, fresh: Workflow) -> None:
        """The rules beyond the contract's: task by task, and no workflow that runs itself."""
        needs_spec(fresh, "workflow", "give it a document and tasks")
        problems = list(check_variables("spec.env_spec.data", fresh.spec.env_spec.data))
        if not fresh.spec.yaml:
            problems += task_problems(fresh.spec.tasks, TASKS)
        refuse("workflow", fresh.metadata, problems)
        self._documents.at_once(fresh.spec)
        refuse("workflow", fresh.metadata, list(self._circles(state, fresh)))

    def put(self, state: StateWrite, fresh: Workflow, created_ns: int, expected_version: int | None) -> None:
        """Store `fresh`, and its schedule."""
        super().put(state, fresh, created_ns, expected_version)
        audit = fresh.status.audit.spec_audit.updated_at
        now_ns = max(created_ns, audit.seconds * 1_000_000_000 + audit.nanos)
        sync(state, fresh.metadata.id, self._documents.at_once(fresh.spec).workflow.schedule, now_ns)

    def adopt(self, fresh: Workflow, wanted: Workflow) -> None:
        """Which instance was its default one."""
        fresh.status.default_instance_id = wanted.status.default_instance_id

    def complete(self, state: StateWrite, fresh: Workflow, stamp: Stamp) -> None:
        """Make the default instance `<name>-default`. Raises `AlreadyExists` where that name is taken."""
        meta = fresh.metadata
        known = free_id(state, WORKFLOW_INSTANCES, fresh.status.default_instance_id)
        wanted = WorkflowInstance(
            api_version=API_VERSION,
            kind=WORKFLOW_INSTANCES.name,
            metadata=default_metadata(meta, known),
            spec=WorkflowInstanceSpec(workflow_id=meta.id, description=f"Default instance of {meta.name}"),
        )
        instance, _ = self._instances.create(state, wanted, stamp, keep_id=bool(known))
        fresh.status.default_instance_id = instance.metadata.id
        self.put(state, fresh, stamp.at_ns, None)

    def _circles(self, state: StateRead, fresh: Workflow) -> Iterator[FieldViolation]:
        """Tasks that run a workflow, and wait for it, which in the end runs this one."""
        for call in self._calls(fresh.spec):
            if call.kind is WORKFLOWS:
                way = self._way(state, call.slug, fresh.metadata.slug)
                if way:
                    said = f"runs in a circle: {' -> '.join((fresh.metadata.slug, *way))}"
                    yield FieldViolation(call.path, "stigmer.reference.circle", said)

    def _way(self, state: StateRead, start: str, goal: str) -> tuple[str, ...]:
        """How `start` comes to run `goal`, both ends named; empty where it does not."""
        waiting: list[tuple[str, ...]] = [(start,)]
        seen = {start}
        while waiting:
            way = waiting.pop()
            if way[-1] == goal:
                return way
            found = state.by_slug(WORKFLOWS.table, way[-1])
            record = None if found is None else state.get(WORKFLOWS.table, found)
            if record is None:
                continue
            for call in self._calls(WORKFLOWS.decode(record.data).spec):
                if call.kind is WORKFLOWS and call.slug not in seen:
                    seen.add(call.slug)
                    waiting.append((*way, call.slug))
        return ()
