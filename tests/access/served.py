"""A real gRPC server behind the interceptor, on a unix socket, that answers every RPC of every descriptor with an empty message."""

import importlib
import pkgutil
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

import stigmer_apis._generated
from stigmer_apis.home import Home
from stigmer_apis.transport import aio, grpc, server_options, unix_target
from stigmer_backend.access import AccessInterceptor, Role, Tokens


@dataclass(frozen=True, slots=True)
class Rpc:
    """One RPC, as its descriptor says."""

    method: str
    """Full name, with its leading slash."""
    client_streaming: bool
    server_streaming: bool
    request: type[Message]
    answer: type[Message]

    def __str__(self) -> str:
        return self.method


def every_rpc() -> list[Rpc]:
    """Every RPC of every service that is published, ours, the health check, or the reflection, from the compiled descriptors."""
    package = stigmer_apis._generated
    names = [found.name for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    files = [importlib.import_module(name).DESCRIPTOR for name in names if name.endswith("_pb2")]
    services = [
        service
        for file in [*files, health_pb2.DESCRIPTOR, reflection_pb2.DESCRIPTOR]
        for service in file.services_by_name.values()
    ]
    return [rpc for service in services for rpc in _rpcs(cast("ServiceDescriptor", service))]


def _rpcs(service: ServiceDescriptor) -> Iterator[Rpc]:
    for method in cast("Iterable[MethodDescriptor]", service.methods):
        yield Rpc(
            f"/{service.full_name}/{method.name}",
            method.client_streaming,
            method.server_streaming,
            message_factory.GetMessageClass(method.input_type),
            message_factory.GetMessageClass(method.output_type),
        )


class AnswersAll(grpc.GenericRpcHandler):
    """Serves the given RPCs with an empty answer, whatever the request: what is refused was refused before it."""

    def __init__(self, rpcs: Iterable[Rpc]) -> None:
        self._rpcs = {rpc.method: rpc for rpc in rpcs}

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[object, object] | None":
        rpc = self._rpcs.get(handler_call_details.method)
        if rpc is None:
            return None

        async def one(_request: object, _context: object) -> bytes:
            return rpc.answer().SerializeToString()

        async def many(_request: object, _context: object) -> AsyncIterator[bytes]:
            yield rpc.answer().SerializeToString()

        make = {
            (False, False): grpc.unary_unary_rpc_method_handler,
            (False, True): grpc.unary_stream_rpc_method_handler,
            (True, False): grpc.stream_unary_rpc_method_handler,
            (True, True): grpc.stream_stream_rpc_method_handler,
        }[rpc.client_streaming, rpc.server_streaming]
        return make(many if rpc.server_streaming else one)


@asynccontextmanager
async def serving(
    home: Home, handlers: Sequence[grpc.GenericRpcHandler], *, admits: Iterable[Role] = frozenset(Role)
) -> AsyncGenerator[tuple[AccessInterceptor, Tokens, aio.Channel]]:
    """A server with `handlers` behind the interceptor, its tokens, and a channel to it."""
    home.prepare()
    tokens = Tokens.open(home)
    interceptor = AccessInterceptor(tokens, admits=admits)
    server = aio.server(interceptors=[interceptor], options=server_options())
    server.add_generic_rpc_handlers(handlers)
    server.add_insecure_port(unix_target(home.operator_socket))
    await server.start()
    try:
        async with aio.insecure_channel(unix_target(home.operator_socket)) as channel:
            yield interceptor, tokens, channel
    finally:
        await server.stop(None)


async def call(
    channel: aio.Channel, rpc: Rpc, token: str | None, request: bytes = b"", *, hold: bool = False
) -> tuple[grpc.StatusCode, str]:
    """Make a call of `rpc`'s kind with raw bytes and return how it ended.

    With `hold` a streaming client sends nothing and does not close: only a server that refuses without reading can answer.
    """
    metadata = () if token is None else (("authorization", f"Bearer {token}"),)

    async def requests() -> AsyncIterator[bytes]:
        yield request

    try:
        match rpc.client_streaming, rpc.server_streaming:
            case False, False:
                await channel.unary_unary(rpc.method)(request, metadata=metadata, timeout=20)
            case False, True:
                down: aio.UnaryStreamMultiCallable[bytes, bytes] = channel.unary_stream(rpc.method)
                async for _ in down(request, metadata=metadata, timeout=20):
                    break
            case True, False:
                await channel.stream_unary(rpc.method)(requests(), metadata=metadata, timeout=20)
            case _:
                both: aio.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(rpc.method)
                async for _ in both(None if hold else requests(), metadata=metadata, timeout=20):
                    break
    except aio.AioRpcError as error:
        return error.code(), error.details() or ""
    return grpc.StatusCode.OK, ""


def short_home(directory: Path) -> Home:
    """A home below `directory`, with its run directory inside it."""
    return Home.at(directory / "home", {})
