"""Workflows that run: started, looked at, signalled, retried, completed from outside, and started by themselves."""

from collections.abc import Mapping

from google.protobuf.struct_pb2 import Value

from stigmer_apis._generated.ai.stigmer.agentic.executioncontext.v1.execution_context_pb2 import ExecutionValue
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_pb2 import (
    WorkflowExecution,
    WorkflowExecutionId,
    WorkflowExecutionSpec,
)
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import (
    ApiResourceMetadata,
    ApiResourceOwnerScope,
)
from stigmer_apis._generated.stigmer.execution.v1.options_pb2 import ClientEnvironment, RunOptions
from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy
from stigmer_apis._generated.stigmer.schedule.v1.schedule_service_pb2 import (
    ListSchedulesRequest,
    ListSchedulesResponse,
    PauseScheduleRequest,
    ResumeScheduleRequest,
    Schedule,
    TriggerScheduleRequest,
)
from stigmer_apis._generated.stigmer.steering.v1.steering_service_pb2 import (
    CompleteRequest,
    CompleteResponse,
    PublishRequest,
    PublishResponse,
    RetryRequest,
    RetryResponse,
    SignalRequest,
    SignalResponse,
)
from stigmer_apis.client.calls import call, new_idempotency_key
from stigmer_apis.client.connection import Connection
from stigmer_apis.protocol import API_VERSION


class Workflows:
    """Executions of workflows, and schedules."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def run(
        self,
        *,
        workflow_id: str = "",
        instance_id: str = "",
        document: str = "",
        input: Value | None = None,
        workspace: str = "",
        client_environment: ClientEnvironment | None = None,
        variables: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
        policy: Policy | None = None,
        idempotency_key: str | None = None,
    ) -> WorkflowExecution:
        """Start a workflow: a stored one by its id, an instance of one, or a whole `document` (YAML or JSON) that is not stored.

        `workspace`: an absolute directory that its processes work in, else one of its own. `secrets` are sealed, never shown, and gone when it ends.
        Raises `NotFound`, and `InvalidArgument` for a document or an input that breaks a rule, with line and column.
        """
        spec = WorkflowExecutionSpec(
            workflow_id=workflow_id,
            workflow_instance_id=instance_id,
            document=document,
            options=RunOptions(workspace=workspace, client=client_environment, policy=policy),
        )
        if input is not None:
            spec.input.CopyFrom(input)
        for values, is_secret in ((variables or {}, False), (secrets or {}, True)):
            for name, value in values.items():
                spec.runtime_env[name].CopyFrom(ExecutionValue(value=value, is_secret=is_secret))
        metadata = ApiResourceMetadata(owner_scope=ApiResourceOwnerScope.organization)
        execution = WorkflowExecution(api_version=API_VERSION, kind="WorkflowExecution", metadata=metadata, spec=spec)
        return await call(
            self._connection,
            lambda wire: wire.workflow_execution_commands.create,
            execution,
            idempotency_key=idempotency_key or new_idempotency_key(),
        )

    async def get(self, execution_id: str) -> WorkflowExecution:
        """An execution with its status, tasks with what they took and gave. Raises `NotFound`."""
        return await call(
            self._connection, lambda wire: wire.workflow_execution_queries.get, WorkflowExecutionId(value=execution_id)
        )

    async def signal(self, execution_id: str, name: str, data: Value | None = None, *, id: str = "") -> SignalResponse:
        """Hand it a signal. The same `id` again is the same signal. Raises `NotFound`, and `FailedPrecondition` where it has ended."""
        request = SignalRequest(execution_id=execution_id, name=name, data=data, id=id)
        return await call(
            self._connection, lambda wire: wire.steering.Signal, request, idempotency_key=new_idempotency_key()
        )

    async def retry(self, execution_id: str) -> str:
        """Run an execution that has ended once more, with the same input; the id of the new one. Raises `NotFound`, `FailedPrecondition`."""
        answer = await call(
            self._connection,
            lambda wire: wire.steering.Retry,
            RetryRequest(execution_id=execution_id),
            idempotency_key=new_idempotency_key(),
        )
        return answer.execution_id

    async def go_on(self, execution_id: str, task: str = "") -> RetryResponse:
        """Begin a new execution where one failed or was stopped, or with one of its tasks: what was done before is taken over.

        `task`: its name, its place in the document, or the id of a visit. Raises `NotFound`, `InvalidArgument` for a task that is none of it, and
        `FailedPrecondition` where it goes on, did not fail, or its events do not say enough to begin there.
        """
        request = RetryRequest(execution_id=execution_id, from_failed=not task, from_task=task)
        return await call(
            self._connection, lambda wire: wire.steering.Retry, request, idempotency_key=new_idempotency_key()
        )

    async def publish(
        self, type: str, data: Value | None = None, *, id: str = "", source: str = "", subject: str = ""
    ) -> PublishResponse:
        """Tell an event to all workflows that wait for its type, and start those whose schedule names it. Raises `InvalidArgument`."""
        request = PublishRequest(type=type, data=data, id=id, source=source, subject=subject)
        return await call(
            self._connection, lambda wire: wire.steering.Publish, request, idempotency_key=new_idempotency_key()
        )

    async def complete(self, token: str, result: Value) -> CompleteResponse:
        """Complete a task that waits for somebody outside. Raises `NotFound` for a token that is not good any more."""
        request = CompleteRequest(token=token, result=result)
        return await self._complete(request)

    async def fail(self, token: str, error: str) -> CompleteResponse:
        """Let such a task fail, with a reason in words for a person."""
        return await self._complete(CompleteRequest(token=token, error=error))

    async def _complete(self, request: CompleteRequest) -> CompleteResponse:
        return await call(
            self._connection, lambda wire: wire.steering.Complete, request, idempotency_key=new_idempotency_key()
        )

    # Schedules.

    async def schedules(self, *, page_size: int = 0, page_token: str = "") -> ListSchedulesResponse:
        """A page of schedules, by the workflow's name."""
        request = ListSchedulesRequest(page_size=page_size, page_token=page_token)
        return await call(self._connection, lambda wire: wire.schedules.ListSchedules, request)

    async def pause_schedule(self, workflow: str) -> Schedule:
        """Start nothing more by the schedule of a workflow, by its id or name. Raises `NotFound`."""
        request = PauseScheduleRequest(workflow=workflow)
        answer = await call(
            self._connection, lambda wire: wire.schedules.PauseSchedule, request, idempotency_key=new_idempotency_key()
        )
        return answer.schedule

    async def resume_schedule(self, workflow: str) -> Schedule:
        """Go on by it. Raises `NotFound`."""
        request = ResumeScheduleRequest(workflow=workflow)
        answer = await call(
            self._connection, lambda wire: wire.schedules.ResumeSchedule, request, idempotency_key=new_idempotency_key()
        )
        return answer.schedule

    async def trigger_schedule(self, workflow: str) -> str:
        """Start the workflow now; the execution's id. Raises `NotFound`."""
        request = TriggerScheduleRequest(workflow=workflow)
        answer = await call(
            self._connection,
            lambda wire: wire.schedules.TriggerSchedule,
            request,
            idempotency_key=new_idempotency_key(),
        )
        return answer.execution_id
