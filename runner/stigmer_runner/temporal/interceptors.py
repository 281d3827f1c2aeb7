"""What stands between the durable definitions and the library, so that both engines keep the same promises."""

from collections.abc import Mapping
from contextvars import ContextVar
from datetime import timedelta

from stigmer_runner.engine.temporalio_names import workflow
from stigmer_runner.temporal.library import (
    ActivityInboundInterceptor,
    ClientInterceptor,
    ExecuteActivityInput,
    HandleSignalInput,
    OutboundInterceptor,
    Payload,
    RetryPolicy,
    SignalWorkflowInput,
    StartActivityInput,
    StartChildWorkflowInput,
    WorkerInterceptor,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)
from stigmer_runner.temporal.naming import execution_of, work_queue_of

HEARTBEAT = timedelta(seconds=10)
"""An activity that says nothing for so long has lost its runner."""
LOST_RUNNERS = 50
"""Attempts of one activity: dying runners use them up, nothing else does where the definition asks for one."""
_BETWEEN = timedelta(seconds=1)
_AT_MOST_BETWEEN = timedelta(seconds=10)
_COMMAND = "stigmer-command"
_ONCE = "stigmer-once"

signalling_command: ContextVar[str] = ContextVar("signalling_command", default="")
"""The command that brings the signal which is sent in this context."""
asked_once: ContextVar[bool] = ContextVar("asked_once", default=False)
"""Whether the definition asks for one attempt at the activity that runs in this context."""


class _Outbound(WorkflowOutboundInterceptor):
    def start_activity(self, input: StartActivityInput) -> "workflow.ActivityHandle[object]":
        """Have the activity done where the lease is held, and again where its runner was lost."""
        once = input.retry_policy is not None and input.retry_policy.maximum_attempts == 1
        input.task_queue = work_queue_of(_execution())
        own_limit, input.heartbeat_timeout = input.heartbeat_timeout, input.heartbeat_timeout or HEARTBEAT
        if once and own_limit is None:
            input.headers = {**input.headers, _ONCE: Payload(data=b"1")}
            input.retry_policy = RetryPolicy(
                initial_interval=_BETWEEN, maximum_interval=_AT_MOST_BETWEEN, maximum_attempts=LOST_RUNNERS
            )
        return super().start_activity(input)

    async def start_child_workflow(
        self, input: StartChildWorkflowInput
    ) -> "workflow.ChildWorkflowHandle[object, object]":
        """Keep the names of children apart from those of other executions', and end them with their parent."""
        execution_id = _execution()
        if execution_id not in input.id:
            input.id = f"{execution_id}/{input.id}"
        input.parent_close_policy = workflow.ParentClosePolicy.REQUEST_CANCEL
        return await super().start_child_workflow(input)


class _Inbound(WorkflowInboundInterceptor):
    def __init__(self, next: WorkflowInboundInterceptor) -> None:
        super().__init__(next)
        self._taken: set[str] = set()

    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        """Take the way out as well."""
        super().init(_Outbound(outbound))

    async def handle_signal(self, input: HandleSignalInput) -> None:
        """Pass over a command that was taken before: whoever sent it may have died before it could say so."""
        command_id = _text(input.headers, _COMMAND)
        if command_id:
            if command_id in self._taken:
                return
            self._taken.add(command_id)
        await super().handle_signal(input)


class _ActivityInbound(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> object:
        """Note how often the definition wants it tried."""
        asked_once.set(bool(_text(input.headers, _ONCE)))
        return await super().execute_activity(input)


class OfWorkers(WorkerInterceptor):
    """For workers."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """Of activities."""
        return _ActivityInbound(next)

    def workflow_interceptor_class(
        self, input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor] | None:
        """Of workflows."""
        return _Inbound


class _ClientOutbound(OutboundInterceptor):
    async def signal_workflow(self, input: SignalWorkflowInput) -> None:
        """Say which command brings the signal."""
        command_id = signalling_command.get()
        if command_id:
            input.headers = {**input.headers, _COMMAND: Payload(data=command_id.encode())}
        await super().signal_workflow(input)


class OfClients(ClientInterceptor):
    """For clients."""

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        """What a client sends."""
        return _ClientOutbound(next)


def _execution() -> str:
    """The execution that the workflow of this context is of; a child is of its parent's."""
    info = workflow.info()
    return execution_of(info.workflow_id)


def _text(headers: Mapping[str, Payload], name: str) -> str:
    found = headers.get(name)
    return "" if found is None else found.data.decode("utf-8", "replace")
