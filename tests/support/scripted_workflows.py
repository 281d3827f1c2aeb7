"""Workflows of the scripted backend: runs whose events a test tells, with the documents that they run."""

from typing import TYPE_CHECKING

from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_pb2 import (
    WorkflowExecution,
    WorkflowExecutionId,
)
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import ApiResourceMetadata
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.steering.v1 import steering_service_pb2 as st
from stigmer_apis.errors import FailedPrecondition, NotFound
from stigmer_apis.ids import Prefix, new_id
from stigmer_apis.protocol import API_VERSION

if TYPE_CHECKING:
    from tests.support.scripted_backend import ScriptedBackend


class ScriptedWorkflows:
    """One method of Python for each of gRPC."""

    def __init__(self, backend: "ScriptedBackend") -> None:
        self._backend = backend
        self._runs: dict[str, WorkflowExecution] = {}

    def add(
        self, document: str, *events: ev.Event, name: str = "hello", execution_id: str = "", workflow_id: str = ""
    ) -> str:
        """A run that goes on, with its first events. Its id."""
        execution_id = execution_id or new_id(Prefix.WORKFLOW_EXECUTION)
        run = WorkflowExecution(
            api_version=API_VERSION,
            kind="WorkflowExecution",
            metadata=ApiResourceMetadata(id=execution_id, name=execution_id),
        )
        run.spec.document, run.spec.workflow_id = document, workflow_id
        self._runs[execution_id] = run
        self._backend.add_workflow_execution(execution_id, name, *events)
        return execution_id

    async def create(self, request: WorkflowExecution) -> WorkflowExecution:
        """It is there, and waits."""
        made = WorkflowExecution()
        made.CopyFrom(request)
        made.metadata.id = self.add(request.spec.document, workflow_id=request.spec.workflow_id)
        self._runs[made.metadata.id].spec.CopyFrom(request.spec)
        return made

    async def get(self, request: WorkflowExecutionId) -> WorkflowExecution:
        """With what it was given."""
        if request.value not in self._runs:
            raise NotFound(f"there is no execution {request.value}")
        return self._runs[request.value]

    async def signal(self, request: st.SignalRequest) -> st.SignalResponse:
        """It comes."""
        if self._backend.get(request.execution_id).ended:
            raise FailedPrecondition("the execution has ended", remedy="run it once more")
        told = ev.WorkflowSignalled(name=request.name, id=request.id, data=request.data)
        self._backend.emit(request.execution_id, ev.Event(workflow_signalled=told))
        return st.SignalResponse(id=request.id)

    async def retry(self, request: st.RetryRequest) -> st.RetryResponse:
        """The same once more."""
        run = self._runs[request.execution_id]
        return st.RetryResponse(execution_id=self.add(run.spec.document, workflow_id=run.spec.workflow_id))
