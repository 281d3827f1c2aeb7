"""Looks at every call: which, how it ended, how long it took."""

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

from stigmer_apis.transport import aio, grpc
from stigmer_backend.access.policy import policy_of
from stigmer_backend.telemetry.facts import CallFact

_Request = TypeVar("_Request")
_Response = TypeVar("_Response")
_Context = aio.ServicerContext[object, object]
_Behaviour = Callable[[object, _Context], Awaitable[object]]

TRACE_PARENT = "traceparent"
"""Metadata key of the caller's trace (W3C Trace Context)."""
_LONGEST_PARENT = 100


class CallWatcher(aio.ServerInterceptor):
    """Stands before the one that admits, so that refused calls count too. Handlers behind it are coroutines, as that one makes them."""

    def __init__(self, tell: Callable[[CallFact], None], clock_ns: Callable[[], int] = time.time_ns) -> None:
        self._tell = tell
        self._clock_ns = clock_ns

    async def intercept_service(
        self,
        continuation: "Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[_Request, _Response] | None]]",
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "grpc.RpcMethodHandler[_Request, _Response] | None":
        """The handler, watched."""
        handler = cast("grpc.RpcMethodHandler[object, object] | None", await continuation(handler_call_details))
        policy = policy_of(handler_call_details.method)
        if handler is None or (policy is not None and policy.open):
            return cast("grpc.RpcMethodHandler[_Request, _Response] | None", handler)
        service, _, method = handler_call_details.method.strip("/").rpartition("/")
        if policy is None:
            service, method = "unknown", "unknown"
        parent = _parent(handler_call_details)
        watched = self._watched(service, method, parent, handler)
        return cast("grpc.RpcMethodHandler[_Request, _Response]", watched)

    def _watched(
        self, service: str, method: str, parent: str, handler: "grpc.RpcMethodHandler[object, object]"
    ) -> "grpc.RpcMethodHandler[object, object]":
        behaviour = cast(
            "_Behaviour", handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream
        )

        async def answer(request: object, context: _Context) -> object:
            began, code = self._clock_ns(), grpc.StatusCode.CANCELLED
            try:
                answered = await behaviour(request, context)
                code = grpc.StatusCode.OK
                return answered
            except aio.AbortError:
                code = _code(context)
                raise
            finally:
                fact = CallFact(
                    service=service,
                    method=method,
                    code=code.name,
                    streams=handler.response_streaming,
                    began_ns=began,
                    ended_ns=self._clock_ns(),
                    parent=parent,
                )
                self._tell(fact)

        match handler.request_streaming, handler.response_streaming:
            case False, False:
                make = grpc.unary_unary_rpc_method_handler
            case False, True:
                make = grpc.unary_stream_rpc_method_handler
            case True, False:
                make = grpc.stream_unary_rpc_method_handler
            case _:
                make = grpc.stream_stream_rpc_method_handler
        return make(answer, handler.request_deserializer, handler.response_serializer)


def _code(context: _Context) -> grpc.StatusCode:
    """What the call was answered with. gRPC keeps a code as a number or as a member."""
    found = cast("object", context.code())
    if isinstance(found, grpc.StatusCode):
        return found
    return next((code for code in grpc.StatusCode if code.value[0] == found), grpc.StatusCode.UNKNOWN)


def _parent(details: grpc.HandlerCallDetails) -> str:
    for key, value in details.invocation_metadata:
        if key == TRACE_PARENT and isinstance(value, str) and len(value) <= _LONGEST_PARENT:
            return value
    return ""
