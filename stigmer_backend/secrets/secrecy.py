"""What stands between the wire and every service, so that none of them can forget it: secrets are masked in answers.

And where a request brings a secret to store, the master key is fetched before the service begins its transaction.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Final, TypeAlias, TypeVar, cast

from google.protobuf.message import Message

from stigmer_apis._generated.stigmer.execution.v1 import execution_service_pb2
from stigmer_apis._generated.stigmer.runner.v1 import link_pb2
from stigmer_apis._generated.stigmer.terminal.v1 import attach_pb2
from stigmer_apis.transport import aio, grpc
from stigmer_backend.resources.secret_values import has_plain, holds_secrets, masked
from stigmer_backend.secrets.vault import Vault

PLAIN: Final = "/stigmer.runner.v1.RunnerService/GetExecutionContext"
"""The one method whose answer has secrets in plain text."""
HARMLESS: Final = frozenset(
    f"/{service.full_name}/{method.name}"
    for file in (attach_pb2, execution_service_pb2, link_pb2)
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
    if method.server_streaming and not holds_secrets(method.output_type)
)
"""Streams whose messages hold no secrets: nothing stands in their way. Of every other method each answer is looked at."""

_Request = TypeVar("_Request")
_Response = TypeVar("_Response")
_Context = aio.ServicerContext[object, object]
_Handler: TypeAlias = "grpc.RpcMethodHandler[object, object]"


class Secrecy(aio.ServerInterceptor):
    """Wraps all methods but those that are known to hold no secrets."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    async def intercept_service(
        self,
        continuation: "Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[_Request, _Response] | None]]",
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "grpc.RpcMethodHandler[_Request, _Response] | None":
        """Return the service's handler, with its answers masked."""
        handler = await continuation(handler_call_details)
        if handler is None or handler_call_details.method in HARMLESS or handler_call_details.method == PLAIN:
            return handler
        wrapped = _with_mask(self._with_key(cast("_Handler", handler)))
        return cast("grpc.RpcMethodHandler[_Request, _Response]", wrapped)

    def _with_key(self, handler: "_Handler") -> "_Handler":
        """For calls with one request."""
        if handler.unary_unary is None:
            return handler
        behaviour = cast("Callable[[object, _Context], Awaitable[object]]", handler.unary_unary)

        async def answer(request: object, context: _Context) -> object:
            if has_plain(cast(Message, request)):
                await self._vault.prepare()
            return await behaviour(request, context)

        return grpc.unary_unary_rpc_method_handler(answer, handler.request_deserializer, handler.response_serializer)


def _with_mask(handler: "_Handler") -> "_Handler":
    if handler.response_streaming:
        streaming = cast(
            "Callable[[object, _Context], AsyncIterator[object]]", handler.unary_stream or handler.stream_stream
        )

        async def answers(request: object, context: _Context) -> AsyncGenerator[object]:
            async with aclosing(cast("AsyncGenerator[object]", streaming(request, context))) as stream:
                async for answer in stream:
                    yield masked(cast(Message, answer))

        make = (
            grpc.stream_stream_rpc_method_handler if handler.request_streaming else grpc.unary_stream_rpc_method_handler
        )
        return make(answers, handler.request_deserializer, handler.response_serializer)
    single = cast("Callable[[object, _Context], Awaitable[object]]", handler.unary_unary or handler.stream_unary)

    async def answer(request: object, context: _Context) -> object:
        return masked(cast(Message, await single(request, context)))

    make_single = (
        grpc.stream_unary_rpc_method_handler if handler.request_streaming else grpc.unary_unary_rpc_method_handler
    )
    return make_single(answer, handler.request_deserializer, handler.response_serializer)
