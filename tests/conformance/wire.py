"""Calls of the published services by the name of the kind and of the method, as any client in any language would make them."""

import functools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from importlib import import_module
from typing import cast

from google.protobuf.descriptor import FileDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from stigmer_apis.protocol import IDEMPOTENCY_KEY
from stigmer_apis.transport import aio
from stigmer_backend.resources.kinds import AnyKind, Kind, R, Resource
from stigmer_backend.services.calls import OUTCOME
from tests.support.served_backend import Metadata, Served

_SERVICES = {
    "Agent": "agent.v1.agent",
    "AgentInstance": "agentinstance.v1.agent_instance",
    "Session": "session.v1.session",
    "AgentExecution": "agentexecution.v1.agent_execution",
    "Workflow": "workflow.v1.workflow",
    "WorkflowInstance": "workflowinstance.v1.workflow_instance",
    "WorkflowExecution": "workflowexecution.v1.workflow_execution",
    "Environment": "environment.v1.environment",
    "ExecutionContext": "executioncontext.v1.execution_context",
    "Skill": "skill.v1.skill",
    "McpServer": "mcpserver.v1.mcp_server",
}


@dataclass(frozen=True, slots=True)
class Wire:
    """A person's connection to a backend."""

    served: Served
    channel: aio.Channel
    metadata: Metadata

    async def call(self, kind: AnyKind, name: str, request: Message, *more: tuple[str, str]) -> Message:
        """Call a method that has one answer."""
        return (await self.told(kind, name, request, *more))[0]

    async def told(self, kind: AnyKind, name: str, request: Message, *more: tuple[str, str]) -> tuple[Message, str]:
        """Call a method that has one answer; gives it with what is said beside it of what came of a write."""
        method = methods(kind)[name]
        stub = self.channel.unary_unary(
            _path(method),
            request_serializer=type(request).SerializeToString,
            response_deserializer=GetMessageClass(method.output_type).FromString,
        )
        call = stub(request, metadata=(*self.metadata, *more))
        answer = await call
        trailing = dict(await call.trailing_metadata() or ())
        return answer, str(trailing.get(OUTCOME, ""))

    async def stream(self, kind: AnyKind, name: str, request: Message) -> AsyncIterator[Message]:
        """Call a method that answers with a stream."""
        method = methods(kind)[name]
        stub = self.channel.unary_stream(
            _path(method),
            request_serializer=type(request).SerializeToString,
            response_deserializer=GetMessageClass(method.output_type).FromString,
        )
        async for answer in stub(request, metadata=self.metadata):
            yield answer

    async def write(self, kind: Kind[R], name: str, resource: R, *, key: str = "") -> R:
        """`create`, `update` or `apply`."""
        more = ((IDEMPOTENCY_KEY, key),) if key else ()
        return cast(R, await self.call(kind, name, cast(Message, resource), *more))

    async def get(self, kind: Kind[R], resource_id: str) -> R:
        """The resource with this id."""
        return cast(R, await self.call(kind, "get", by_id(kind, "get", resource_id)))

    async def delete(self, kind: Kind[R], resource_id: str, *, force: bool = False) -> R:
        """Delete by id."""
        more = (("stigmer-force", "true"),) if force else ()
        return cast(R, await self.call(kind, "delete", by_id(kind, "delete", resource_id), *more))


def by_id(kind: AnyKind, name: str, resource_id: str) -> Message:
    """The request of a method that takes nothing but an id, whatever its field is called."""
    message = GetMessageClass(methods(kind)[name].input_type)
    field = next(one for one in ("value", "resource_id", "execution_id") if one in message.DESCRIPTOR.fields_by_name)
    return message(**{field: resource_id})


@functools.cache
def methods(kind: AnyKind) -> dict[str, MethodDescriptor]:
    """All published methods of a kind, by name."""
    module = import_module(f"stigmer_apis._generated.ai.stigmer.agentic.{_SERVICES[kind.name]}_service_pb2")
    file = cast(FileDescriptor, module.DESCRIPTOR)
    return {method.name: method for service in file.services_by_name.values() for method in service.methods}


def _path(method: MethodDescriptor) -> str:
    return f"/{method.containing_service.full_name}/{method.name}"


def copy_of(resource: R) -> R:
    """A message of its own."""
    return cast(R, type(cast(Resource, resource)).FromString(resource.SerializeToString()))
