"""The published services of workflow executions."""

import asyncio
from collections.abc import AsyncIterator
from typing import cast

from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_pb2 import (
    ListWorkflowExecutionsByWorkflowRequest,
    ListWorkflowExecutionsRequest,
    SubscribeWorkflowExecutionRequest,
    WorkflowExecution,
    WorkflowExecutionId,
    WorkflowExecutionList,
    WorkflowExecutionUpdateStatusInput,
)
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_service_pb2_grpc import (
    WorkflowExecutionCommandControllerServicer,
    WorkflowExecutionQueryControllerServicer,
)
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import ApiResourceId
from stigmer_apis.errors import PermissionDenied
from stigmer_apis.protocol import MAX_STATUS_BYTES
from stigmer_apis.transport import aio
from stigmer_backend.executions.board import Board
from stigmer_backend.executions.options import ExecutionOptions
from stigmer_backend.executions.reading import Reading, put_over, take_outputs_out
from stigmer_backend.executions.registry import Registry
from stigmer_backend.executions.reports import StatusReports
from stigmer_backend.executions.run_documents import document_json_of
from stigmer_backend.resources.filters import Phase, marked_lists, phase_sources, stored_phase
from stigmer_backend.resources.kinds import WORKFLOW_EXECUTIONS, WORKFLOWS
from stigmer_backend.resources.lookup import find_named
from stigmer_backend.resources.repeats import Repeatable
from stigmer_backend.resources.stamps import LOCAL_USER
from stigmer_backend.services.calls import idempotency_key, tell
from stigmer_backend.services.kind_services import Deletes, ServiceParts, by_value
from stigmer_backend.services.published_pages import PublishedPages
from stigmer_backend.store import Row, StateRead
from stigmer_backend.workflows.beginning import Beginning

_SMALL_BYTES = 256 << 10


class WorkflowExecutionCommands(Deletes[WorkflowExecution, ApiResourceId], WorkflowExecutionCommandControllerServicer):
    """Writes workflow executions."""

    def __init__(
        self, parts: ServiceParts, registry: Registry, beginning: Beginning, reading: Reading, reports: StatusReports
    ) -> None:
        super().__init__(parts, WORKFLOW_EXECUTIONS, by_value)
        self._registry = registry
        self._beginning = beginning
        self._reading = reading
        self._reports = reports

    async def create(
        self, request: WorkflowExecution, context: aio.ServicerContext[WorkflowExecution, WorkflowExecution]
    ) -> WorkflowExecution:
        """Begin an execution."""
        asked = WorkflowExecution()
        asked.CopyFrom(request)
        if asked.spec.parent_execution_id or asked.spec.retried_from:
            raise PermissionDenied(
                "who started an execution is said by the server alone", remedy="leave both fields out"
            )
        masked = self._parts.mask(WORKFLOW_EXECUTIONS, asked).SerializeToString(deterministic=True)
        call = Repeatable.of(idempotency_key(context), f"{WORKFLOW_EXECUTIONS.name}/create", masked)
        return await self._get(await self._beginning.create(request, call, LOCAL_USER))

    async def update(
        self, request: WorkflowExecution, context: aio.ServicerContext[WorkflowExecution, WorkflowExecution]
    ) -> WorkflowExecution:
        """Change names, labels and what else may change of an execution: never what was asked, nor its status."""
        stamp = self._parts.stamps.now()
        catalogue = self._parts.catalogues.workflow_executions
        stored, outcome = await self._parts.store.write(lambda state: catalogue.update(state, request, stamp))
        tell(context, outcome)
        live = self._registry.get(stored.metadata.id)
        if live is not None:
            live.execution = stored
        return await self._get(stored.metadata.id)

    async def updateStatus(
        self,
        request: WorkflowExecutionUpdateStatusInput,
        context: aio.ServicerContext[WorkflowExecutionUpdateStatusInput, WorkflowExecution],
    ) -> WorkflowExecution:
        """Take a published runner's report. Answers the execution, without inputs and outputs where they are many."""
        await self._reports.take_workflow(request.execution_id, request.status)
        execution = await self._get(request.execution_id)
        if execution.status.ByteSize() > _SMALL_BYTES:
            take_outputs_out(execution)
        return execution

    async def _get(self, execution_id: str) -> WorkflowExecution:
        return self._parts.mask(WORKFLOW_EXECUTIONS, await self._reading.get_workflow(execution_id))


class WorkflowExecutionQueries(WorkflowExecutionQueryControllerServicer):
    """Reads workflow executions."""

    def __init__(
        self, parts: ServiceParts, registry: Registry, reading: Reading, board: Board, options: ExecutionOptions
    ) -> None:
        self._parts = parts
        self._registry = registry
        self._reading = reading
        self._options = options
        asked = parts, board, WORKFLOW_EXECUTIONS, options.scan_rows
        self._brief = PublishedPages(*asked, trim=take_outputs_out, complete=self._complete_briefly)
        self._whole = PublishedPages(*asked, complete=self._complete)

    async def get(
        self, request: WorkflowExecutionId, context: aio.ServicerContext[WorkflowExecutionId, WorkflowExecution]
    ) -> WorkflowExecution:
        """The execution with this id, whole, with the document that it runs."""
        found = await self._reading.get_workflow(request.value)
        json = await self._parts.store.read_state(lambda state: document_json_of(state, request.value))
        if found.ByteSize() + len(json) < MAX_STATUS_BYTES:
            found.status.document_json = json
        return self._parts.mask(WORKFLOW_EXECUTIONS, found)

    async def list(
        self,
        request: ListWorkflowExecutionsRequest,
        context: aio.ServicerContext[ListWorkflowExecutionsRequest, WorkflowExecutionList],
    ) -> WorkflowExecutionList:
        """Executions, newest first."""
        tags = sorted(set(request.tags))
        phases = [cast(Phase, request.phase)] if request.phase else []
        stored = stored_phase(WORKFLOW_EXECUTIONS, phases)

        def is_in_it(state: StateRead, row: Row) -> bool:
            live = self._registry.get(row.id)
            return stored(state, row) if live is None else live.glance().phase in phases

        pages = self._whole if request.with_content else self._brief
        answer, entries = await pages.fill(
            WorkflowExecutionList(),
            request,
            said=repr((request.phase, tags)),
            marked=marked_lists({}, tags),
            any_of=phase_sources(phases, is_in_it) if phases else None,
        )
        answer.entries.extend(entries)
        return answer

    async def listByWorkflow(
        self,
        request: ListWorkflowExecutionsByWorkflowRequest,
        context: aio.ServicerContext[ListWorkflowExecutionsByWorkflowRequest, WorkflowExecutionList],
    ) -> WorkflowExecutionList:
        """Executions of a workflow, newest first."""
        workflow = await self._parts.store.read_state(lambda state: find_named(state, WORKFLOWS, request.workflow_id))
        pages = self._whole if request.with_content else self._brief
        answer, entries = await pages.fill(WorkflowExecutionList(), request, parent=workflow.metadata.id)
        answer.entries.extend(entries)
        return answer

    async def subscribe(
        self,
        request: SubscribeWorkflowExecutionRequest,
        context: aio.ServicerContext[SubscribeWorkflowExecutionRequest, WorkflowExecution],
    ) -> AsyncIterator[WorkflowExecution]:
        """The execution now, and again when it changed, until it has ended. Who reads slowly gets fewer, newer ones."""
        loop = asyncio.get_running_loop()
        while True:
            live = self._registry.get(request.execution_id)
            shown = (live.head, live.child_attention()) if live is not None else (0, 0)
            over = live is None or live.ended
            began = loop.time()
            found = await self._reading.get_workflow(request.execution_id)
            yield self._parts.mask(WORKFLOW_EXECUTIONS, found)
            if live is None or over:
                return
            await asyncio.sleep(began + self._options.subscribe_spacing_seconds - loop.time())
            while (live.head, live.child_attention()) == shown and not live.ended:
                await live.changed.wait()

    def _complete(self, execution: WorkflowExecution) -> None:
        """Show what lives as it stands now."""
        live = self._registry.get(execution.metadata.id)
        if live is not None:
            put_over(execution, live)

    def _complete_briefly(self, execution: WorkflowExecution) -> None:
        """The same, and no more of it than a list shows."""
        self._complete(execution)
        take_outputs_out(execution)
