"""The published services of workflow executions. They are kept and checked; running them comes later."""

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
from stigmer_apis.transport import aio
from stigmer_backend.executions.board import Board
from stigmer_backend.resources.filters import Phase, marked_lists, phase_sources, stored_phase
from stigmer_backend.resources.kinds import WORKFLOW_EXECUTIONS, WORKFLOWS
from stigmer_backend.resources.lookup import find
from stigmer_backend.resources.workflow_status import has_ended
from stigmer_backend.services.kind_services import Commands, Gets, ServiceParts, by_value
from stigmer_backend.services.published_pages import PublishedPages


class WorkflowExecutionCommands(Commands[WorkflowExecution, ApiResourceId], WorkflowExecutionCommandControllerServicer):
    """Writes workflow executions."""

    def __init__(self, parts: ServiceParts) -> None:
        super().__init__(parts, parts.catalogues.workflow_executions, by_value)

    async def updateStatus(
        self,
        request: WorkflowExecutionUpdateStatusInput,
        context: aio.ServicerContext[WorkflowExecutionUpdateStatusInput, WorkflowExecution],
    ) -> WorkflowExecution:
        """Take a published runner's report."""
        stamp = self._parts.stamps.now()
        catalogue = self._parts.catalogues.workflow_executions
        after = await self._parts.store.write(
            lambda state: catalogue.update_status(state, request.execution_id, request.status, stamp)
        )
        return self._parts.mask(WORKFLOW_EXECUTIONS, after)


class WorkflowExecutionQueries(Gets[WorkflowExecution, WorkflowExecutionId], WorkflowExecutionQueryControllerServicer):
    """Reads workflow executions."""

    def __init__(self, parts: ServiceParts, board: Board, scan_rows: int) -> None:
        super().__init__(parts, WORKFLOW_EXECUTIONS)
        self._pages = PublishedPages(parts, board, WORKFLOW_EXECUTIONS, scan_rows, take_outputs_out)

    async def list(
        self,
        request: ListWorkflowExecutionsRequest,
        context: aio.ServicerContext[ListWorkflowExecutionsRequest, WorkflowExecutionList],
    ) -> WorkflowExecutionList:
        """Executions, newest first."""
        tags = sorted(set(request.tags))
        phases = [cast(Phase, request.phase)] if request.phase else []
        answer, entries = await self._pages.fill(
            WorkflowExecutionList(),
            request,
            said=repr((request.phase, tags)),
            marked=marked_lists({}, tags),
            any_of=phase_sources(phases, stored_phase(WORKFLOW_EXECUTIONS, phases)) if phases else None,
        )
        answer.entries.extend(entries)
        return answer

    async def listByWorkflow(
        self,
        request: ListWorkflowExecutionsByWorkflowRequest,
        context: aio.ServicerContext[ListWorkflowExecutionsByWorkflowRequest, WorkflowExecutionList],
    ) -> WorkflowExecutionList:
        """Executions of a workflow, newest first."""
        await self._parts.store.read_state(lambda state: find(state, WORKFLOWS, request.workflow_id))
        answer, entries = await self._pages.fill(WorkflowExecutionList(), request, parent=request.workflow_id)
        answer.entries.extend(entries)
        return answer

    async def subscribe(
        self,
        request: SubscribeWorkflowExecutionRequest,
        context: aio.ServicerContext[SubscribeWorkflowExecutionRequest, WorkflowExecution],
    ) -> AsyncIterator[WorkflowExecution]:
        """The execution as it is. As it is stored it has ended, so that nothing follows."""
        found = await self._parts.store.read_state(lambda state: find(state, WORKFLOW_EXECUTIONS, request.execution_id))
        assert has_ended(found.status)
        yield self._parts.mask(WORKFLOW_EXECUTIONS, found)


def take_outputs_out(execution: WorkflowExecution) -> None:
    """Leave out what makes a status long; a list needs none of it."""
    execution.status.ClearField("output")
    for task in execution.status.tasks:
        task.ClearField("input")
        task.ClearField("output")
