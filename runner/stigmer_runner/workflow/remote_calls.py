"""`call: grpc`: a method of a service, described by its `.proto` file or by the server itself."""

from collections.abc import Mapping
from typing import Any

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError, SerializeToJsonError
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from stigmer_apis.transport import aio, grpc
from stigmer_runner.durable.workflow_messages import GRPC
from stigmer_runner.workflow.activities import LARGEST_RESULT, Asked, QuietWork
from stigmer_runner.workflow.descriptions import from_server, from_source, method_of
from stigmer_runner.workflow.http import endpoint_of, time_of
from stigmer_runner.workflow.problems import Kind, TaskProblem
from stigmer_runner.workflow.proof import Proofs
from stigmer_runner.workflow.reach import Reach
from stigmer_runner.workflow.resources import Resources

MOST_ANSWERS = 10_000
"""Messages of a stream that a task gives."""
_STATUS = {
    grpc.StatusCode.INVALID_ARGUMENT: (Kind.VALIDATION, 400),
    grpc.StatusCode.UNAUTHENTICATED: (Kind.AUTHENTICATION, 401),
    grpc.StatusCode.PERMISSION_DENIED: (Kind.AUTHORIZATION, 403),
    grpc.StatusCode.NOT_FOUND: (Kind.COMMUNICATION, 404),
    grpc.StatusCode.ALREADY_EXISTS: (Kind.COMMUNICATION, 409),
    grpc.StatusCode.ABORTED: (Kind.COMMUNICATION, 409),
    grpc.StatusCode.FAILED_PRECONDITION: (Kind.COMMUNICATION, 412),
    grpc.StatusCode.RESOURCE_EXHAUSTED: (Kind.COMMUNICATION, 429),
    grpc.StatusCode.DEADLINE_EXCEEDED: (Kind.TIMEOUT, 408),
    grpc.StatusCode.UNIMPLEMENTED: (Kind.CONFIGURATION, 501),
    grpc.StatusCode.UNAVAILABLE: (Kind.COMMUNICATION, 503),
}
"""What an answer's code is as an error, with the status of HTTP that says the same."""


class CallGrpc(QuietWork):
    """Calls a method. The answer is its JSON form; of a stream a list of them. Port 443 is spoken to by TLS, others in the clear."""

    name = GRPC

    def __init__(self, reach: Reach, proofs: Proofs, resources: Resources) -> None:
        self._reach = reach
        self._proofs = proofs
        self._resources = resources

    async def do(self, asked: Asked) -> object:
        """See `Work.do`."""
        place = asked.mapping("service")
        service, host = str(place.get("name") or ""), str(place.get("host") or "")
        if not service or not host:
            raise TaskProblem(Kind.CONFIGURATION, "`service` names no service, or no host")
        port = place.get("port") or 443
        if not isinstance(port, int) or not 0 < port < 65_536:
            raise TaskProblem(Kind.CONFIGURATION, f"{str(port)[:40]!r} is no port")
        metadata = await self._metadata(asked.authentication)
        channel = await self._channel(host, port)
        try:
            pool = await self._pool(asked, channel, service)
            method = method_of(pool, service, asked.text("method"))
            return await self._called(channel, pool, method, asked, metadata)
        except aio.AioRpcError as error:
            raise _problem(error, f"{service}/{asked.text('method')} at {host}:{port}") from error
        finally:
            await channel.close()

    async def _channel(self, host: str, port: int) -> aio.Channel:
        addresses = await self._reach.addresses(host, port, named=self._reach.names(host, port))
        kind = "ipv6" if ":" in addresses[0] else "ipv4"
        there = [f"[{each}]:{port}" if ":" in each else f"{each}:{port}" for each in addresses]
        target = f"{kind}:{','.join(each for each in there if ('[' in each) == (kind == 'ipv6'))}"
        options = [
            ("grpc.default_authority", f"{host}:{port}"),
            ("grpc.max_receive_message_length", LARGEST_RESULT),
            ("grpc.max_send_message_length", LARGEST_RESULT),
            ("grpc.enable_http_proxy", 0),
            ("grpc.use_local_subchannel_pool", 1),
        ]
        if port != 443:
            return aio.insecure_channel(target, options=options)
        named = [*options, ("grpc.ssl_target_name_override", host)]
        return aio.secure_channel(target, grpc.ssl_channel_credentials(), options=named)

    async def _pool(self, asked: Asked, channel: aio.Channel, service: str) -> DescriptorPool:
        proto = asked.mapping("proto")
        if not proto:
            return await from_server(channel, service)
        uri = endpoint_of(proto)
        return from_source(await self._resources.text(proto), uri.rpartition("/")[2] or uri)

    async def _metadata(self, authentication: Mapping[str, object]) -> list[tuple[str, str]]:
        header = await self._proofs.header(authentication)
        return [("authorization", header)] if header else []

    async def _called(
        self,
        channel: aio.Channel,
        pool: DescriptorPool,
        method: MethodDescriptor,
        asked: Asked,
        metadata: "list[tuple[str, str]]",
    ) -> object:
        if method.client_streaming:
            raise TaskProblem(Kind.CONFIGURATION, f"{method.name} takes a stream of messages, which a task has not")
        request = _request(pool, method, asked.mapping("arguments"))
        answer = GetMessageClass(method.output_type)
        path, seconds = f"/{method.containing_service.full_name}/{method.name}", time_of(asked)
        if not method.server_streaming:
            unary: aio.UnaryUnaryMultiCallable[Message, Message] = channel.unary_unary(
                path, request_serializer=_encoded, response_deserializer=answer.FromString
            )
            return _told(pool, await unary(request, metadata=metadata, timeout=seconds))
        stream: aio.UnaryStreamMultiCallable[Message, Message] = channel.unary_stream(
            path, request_serializer=_encoded, response_deserializer=answer.FromString
        )
        told: list[object] = []
        size = 0
        async for each in stream(request, metadata=metadata, timeout=seconds):
            size += each.ByteSize()
            if len(told) >= MOST_ANSWERS or size > LARGEST_RESULT:
                raise TaskProblem(Kind.COMMUNICATION, f"{method.name} answers by more than a task can give", status=502)
            told.append(_told(pool, each))
        return told


def _request(pool: DescriptorPool, method: MethodDescriptor, arguments: Mapping[str, object]) -> Message:
    try:
        return ParseDict(dict(arguments), GetMessageClass(method.input_type)(), descriptor_pool=pool)
    except (ParseError, TypeError, ValueError) as error:
        raise TaskProblem(
            Kind.VALIDATION, f"`arguments` are no {method.input_type.full_name}", str(error), status=400
        ) from error


def _told(pool: DescriptorPool, message: Message) -> dict[str, Any]:
    try:
        return MessageToDict(message, always_print_fields_with_no_presence=True, descriptor_pool=pool)
    except (SerializeToJsonError, DecodeError, TypeError) as error:
        raise TaskProblem(Kind.COMMUNICATION, "the answer cannot be told as JSON", str(error), status=502) from error


def _encoded(message: Message) -> bytes:
    return message.SerializeToString()


def _problem(error: aio.AioRpcError, what: str) -> TaskProblem:
    code = error.code()
    kind, status = _STATUS.get(code, (Kind.COMMUNICATION, 500))
    return TaskProblem(kind, f"{what} was answered by {code.name}", error.details() or "", status=status)
