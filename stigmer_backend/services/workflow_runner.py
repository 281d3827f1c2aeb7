"""The published service that starts and steers workflow executions by hand, on behalf of the runners."""

from google.protobuf.empty_pb2 import Empty

from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_pb2 import WorkflowExecution
from stigmer_apis._generated.ai.stigmer.agentic.workflowrunner.v1.workflow_runner_pb2 import (
    CancelExecutionRequest,
    PauseExecutionRequest,
    ResumeExecutionRequest,
    WorkflowExecuteInput,
    WorkflowExecuteResponse,
)
from stigmer_apis._generated.ai.stigmer.agentic.workflowrunner.v1.workflow_runner_service_pb2_grpc import (
    WorkflowRunnerServiceControllerServicer,
)
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import ApiResourceMetadata
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import CommandIssued
from stigmer_apis.errors import FailedPrecondition
from stigmer_apis.fold import is_terminal
from stigmer_apis.protocol import API_VERSION
from stigmer_apis.transport import aio
from stigmer_backend.executions.commands import Commands
from stigmer_backend.executions.reading import Reading
from stigmer_backend.executions.runs import phase_of
from stigmer_backend.resources.kinds import WORKFLOW_EXECUTIONS
from stigmer_backend.resources.repeats import Repeatable
from stigmer_backend.resources.stamps import LOCAL_USER
from stigmer_backend.services.calls import idempotency_key
from stigmer_backend.workflows.beginning import Beginning

_EXECUTE = "WorkflowRunnerServiceController/executeAsync"


class WorkflowRunnerService(WorkflowRunnerServiceControllerServicer):
    """An execution is begun with its creation: to execute one is to say that it is on its way, or to begin another with a document."""

    def __init__(self, reading: Reading, beginning: Beginning, commands: Commands) -> None:
        self._reading = reading
        self._beginning = beginning
        self._commands = commands

    async def executeAsync(
        self,
        request: WorkflowExecuteInput,
        context: aio.ServicerContext[WorkflowExecuteInput, WorkflowExecuteResponse],
    ) -> WorkflowExecuteResponse:
        """Run the document that is given, as an execution of its own beside the named one; or the stored workflow, which goes on.

        Raises `NotFound`; `FailedPrecondition` where the named one has ended; `InvalidArgument` for a document that cannot be run.
        """
        execution = await self._reading.get_workflow(request.workflow_execution_id)
        if request.workflow_yaml:
            call = Repeatable.of(idempotency_key(context), _EXECUTE, request.SerializeToString(deterministic=True))
            wanted = WorkflowExecution(
                api_version=API_VERSION,
                kind=WORKFLOW_EXECUTIONS.name,
                metadata=ApiResourceMetadata(
                    org=execution.metadata.org,
                    owner_scope=execution.metadata.owner_scope,
                    labels=execution.metadata.labels,
                ),
            )
            spec, old = wanted.spec, execution.spec
            spec.document, spec.trigger_message = request.workflow_yaml, old.trigger_message
            spec.options.CopyFrom(old.options)
            if old.HasField("input"):
                spec.input.CopyFrom(old.input)
            for name, text in old.trigger_metadata.items():
                spec.trigger_metadata[name] = text
            spec.retried_from = execution.metadata.id
            begun = await self._beginning.create(wanted, call, LOCAL_USER)
            return _answer(begun, ExecutionPhase.EXECUTION_PENDING, "the document runs")
        if is_terminal(phase_of(execution)):
            raise FailedPrecondition(
                f"{request.workflow_execution_id} has ended", remedy="begin a new one, or retry it: `stigmer retry`"
            )
        return _answer(execution.metadata.id, execution.status.phase, "it is on its way")

    async def cancelExecution(
        self, request: CancelExecutionRequest, context: aio.ServicerContext[CancelExecutionRequest, Empty]
    ) -> Empty:
        """Ask an execution to end. `force` changes nothing: what its tasks started is ended either way."""
        await self._reading.get_workflow(request.execution_id)
        await self._commands.cancel(request.execution_id, request.reason, 0, LOCAL_USER, idempotency_key(context))
        return Empty()

    async def pauseExecution(
        self, request: PauseExecutionRequest, context: aio.ServicerContext[PauseExecutionRequest, Empty]
    ) -> Empty:
        """Start no more tasks."""
        order = CommandIssued(pause=CommandIssued.Pause(reason=request.reason))
        await self._reading.get_workflow(request.execution_id)
        await self._commands.order(request.execution_id, order, LOCAL_USER, idempotency_key(context))
        return Empty()

    async def resumeExecution(
        self, request: ResumeExecutionRequest, context: aio.ServicerContext[ResumeExecutionRequest, Empty]
    ) -> Empty:
        """Go on."""
        order = CommandIssued(resume=CommandIssued.Resume(reason=request.reason))
        await self._reading.get_workflow(request.execution_id)
        await self._commands.order(request.execution_id, order, LOCAL_USER, idempotency_key(context))
        return Empty()


def _answer(execution_id: str, phase: "ExecutionPhase.ValueType", message: str) -> WorkflowExecuteResponse:
    status = ExecutionPhase.Name(phase).removeprefix("EXECUTION_").lower()
    return WorkflowExecuteResponse(workflow_execution_id=execution_id, status=status, message=message)
