"""The published services of workflows and their instances."""

from stigmer_apis._generated.ai.stigmer.agentic.workflow.v1.workflow_pb2 import Workflow, WorkflowId
from stigmer_apis._generated.ai.stigmer.agentic.workflow.v1.workflow_service_pb2_grpc import (
    WorkflowCommandControllerServicer,
    WorkflowQueryControllerServicer,
)
from stigmer_apis._generated.ai.stigmer.agentic.workflowinstance.v1.workflow_instance_pb2 import (
    GetWorkflowInstancesByWorkflowRequest,
    WorkflowInstance,
    WorkflowInstanceId,
    WorkflowInstanceList,
)
from stigmer_apis._generated.ai.stigmer.agentic.workflowinstance.v1.workflow_instance_service_pb2_grpc import (
    WorkflowInstanceCommandControllerServicer,
    WorkflowInstanceQueryControllerServicer,
)
from stigmer_apis.transport import aio
from stigmer_backend.resources.kinds import WORKFLOW_INSTANCES, WORKFLOWS
from stigmer_backend.resources.paging import PUBLISHED_PAGE_SIZE, page_rows, pages_of
from stigmer_backend.services.instance_lists import numbered_page
from stigmer_backend.services.kind_services import Commands, Queries


class WorkflowCommands(Commands[Workflow, WorkflowId], WorkflowCommandControllerServicer):
    """Writes workflows."""

    async def prepare(self, request: Workflow) -> Workflow:
        """Read its document outside of the transaction. Raises `InvalidArgument` with all that is wrong with it."""
        await self._parts.catalogues.documents.prepare(request.spec)
        return request


class WorkflowQueries(Queries[Workflow, WorkflowId], WorkflowQueryControllerServicer):
    """Reads workflows."""


class WorkflowInstanceCommands(
    Commands[WorkflowInstance, WorkflowInstanceId], WorkflowInstanceCommandControllerServicer
):
    """Writes workflow instances."""


class WorkflowInstanceQueries(Queries[WorkflowInstance, WorkflowInstanceId], WorkflowInstanceQueryControllerServicer):
    """Reads workflow instances."""

    async def getByWorkflow(
        self,
        request: GetWorkflowInstancesByWorkflowRequest,
        context: aio.ServicerContext[GetWorkflowInstancesByWorkflowRequest, WorkflowInstanceList],
    ) -> WorkflowInstanceList:
        """Instances of a workflow, newest first."""
        info = request.page_info
        entries, total = await numbered_page(self._parts, WORKFLOW_INSTANCES, WORKFLOWS, request.workflow_id, info)
        pages = pages_of(total, page_rows(info.size, PUBLISHED_PAGE_SIZE))
        return WorkflowInstanceList(total_pages=pages, entries=entries)
