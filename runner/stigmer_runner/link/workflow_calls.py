"""What a workflow's run asks of the daemon: children, events, and callbacks from outside."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct

from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import (
    AwaitCallbackRequest,
    AwaitCallbackResponse,
    AwaitExecutionRequest,
    AwaitExecutionResponse,
    CancelChildRequest,
    CreateCallbackRequest,
    CreateCallbackResponse,
    PublishEventRequest,
    PublishEventResponse,
    StartChildExecutionRequest,
)
from stigmer_apis._generated.stigmer.runner.v1.link_pb2_grpc import RunnerServiceStub
from stigmer_runner.link.link import Link
from stigmer_runner.link.outbox import Outbox


@dataclass(frozen=True)
class AgentWanted:
    """An agent, and what it is asked."""

    agent: str
    """Id or name."""
    message: str
    env: Mapping[str, str]
    model: str
    schema: Mapping[str, object] | None
    """What its answer shall be like."""


class WorkflowCalls:
    """The calls of one lease. Each waits for a daemon where there is none, may be made again, and raises `RefusedByDaemon` with the
    daemon's words, and `LeaseLost`."""

    def __init__(self, link: Link, outbox: Outbox) -> None:
        self._link = link
        self._outbox = outbox

    async def start_agent(self, key: str, wanted: AgentWanted) -> str:
        """The execution of an agent; the same key again finds the same."""
        agent = StartChildExecutionRequest.Agent(
            agent=wanted.agent, message=wanted.message, env=wanted.env, model=wanted.model, share_workspace=True
        )
        if wanted.schema is not None:
            agent.output_schema.CopyFrom(ParseDict(dict(wanted.schema), Struct()))
        return await self._start(StartChildExecutionRequest(key=key, agent=agent))

    async def start_workflow(self, key: str, name: str, input_json: str) -> str:
        """The execution of a stored workflow; the same key again finds the same."""
        workflow = StartChildExecutionRequest.Workflow(name=name, input_json=input_json)
        return await self._start(StartChildExecutionRequest(key=key, workflow=workflow))

    async def ended(
        self, child_id: str, stands: Callable[[AwaitExecutionResponse], None] = lambda _: None
    ) -> AwaitExecutionResponse:
        """How a child ended, once it has. `stands` is told of each change before."""
        request = AwaitExecutionRequest(execution_id=self._id, epoch=self._epoch, child_execution_id=child_id)

        async def ask(stub: RunnerServiceStub) -> AwaitExecutionResponse | None:
            async for response in stub.AwaitExecution(request, metadata=self._link.metadata):
                if response.ended:
                    return response
                stands(response)
            return None

        while (found := await self._link.asked(self._outbox, ask)) is None:
            pass
        return found

    async def cancel(self, child_id: str, reason: str) -> None:
        """Ask a child to end."""
        request = CancelChildRequest(
            execution_id=self._id, epoch=self._epoch, child_execution_id=child_id, reason=reason
        )

        async def ask(stub: RunnerServiceStub) -> None:
            await stub.CancelChild(request, metadata=self._link.metadata)

        await self._link.asked(self._outbox, ask)

    async def publish(self, key: str, event_json: str) -> PublishEventResponse:
        """Hand an event to whoever waits for its type; the same key again is the same event."""
        request = PublishEventRequest(execution_id=self._id, epoch=self._epoch, key=key, event_json=event_json)

        async def ask(stub: RunnerServiceStub) -> PublishEventResponse:
            return await stub.PublishEvent(request, metadata=self._link.metadata)

        return await self._link.asked(self._outbox, ask)

    async def callback(self, key: str, task_id: str, queue: str, expires_micros: int) -> CreateCallbackResponse:
        """A token by which somebody outside completes a task; the same key again gives the same."""
        request = CreateCallbackRequest(
            execution_id=self._id,
            epoch=self._epoch,
            key=key,
            task_id=task_id,
            queue=queue,
            expires_unix_micros=expires_micros,
        )

        async def ask(stub: RunnerServiceStub) -> CreateCallbackResponse:
            return await stub.CreateCallback(request, metadata=self._link.metadata)

        return await self._link.asked(self._outbox, ask)

    async def completed(self, token: str) -> AwaitCallbackResponse:
        """How a task was completed, once it was, or the token has expired."""
        request = AwaitCallbackRequest(execution_id=self._id, epoch=self._epoch, token=token)

        async def ask(stub: RunnerServiceStub) -> AwaitCallbackResponse:
            return await stub.AwaitCallback(request, metadata=self._link.metadata)

        return await self._link.asked(self._outbox, ask)

    @property
    def _id(self) -> str:
        return self._outbox.execution_id

    @property
    def _epoch(self) -> int:
        return self._outbox.epoch

    async def _start(self, request: StartChildExecutionRequest) -> str:
        request.execution_id, request.epoch = self._id, self._epoch

        async def ask(stub: RunnerServiceStub) -> str:
            return (await stub.StartChildExecution(request, metadata=self._link.metadata)).child_execution_id

        return await self._link.asked(self._outbox, ask)
