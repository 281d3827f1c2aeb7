"""A call that changes something, made again with the same idempotency key, gets the answer that it got the first time, and changes nothing again.

For every method that changes something and has one answer: the answer is kept for a day, as it left, secrets masked. A service that knows its
answer inside its transaction notes it there (`Answering`); for the others it is noted right after. What a call with a key is asked is kept as a
digest, without any secret in it. A refusal is not kept: what refused may be mended, and the call made again.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final, TypeVar, cast

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from stigmer_apis.protocol import IDEMPOTENCY_KEY
from stigmer_apis.transport import aio, grpc
from stigmer_backend.access.policy import POLICIES, WRITE
from stigmer_backend.resources.repeats import Repeatable, answered_before, remember_answer
from stigmer_backend.resources.secret_values import masked
from stigmer_backend.resources.stamps import Stamps
from stigmer_backend.services.calls import idempotency_key
from stigmer_backend.store import StateWrite, Store

_SECRET_FIELDS: Final = frozenset({"value", "passphrase"})
"""Of the requests that bring a secret by itself: left out of the digest, which could be guessed at."""
_SECRET_SERVICE: Final = "stigmer.secret.v1.SecretService"
_LARGE_BYTES: Final = 1 << 20
"""A request from this size on is digested on another thread."""

_Request = TypeVar("_Request")
_Response = TypeVar("_Response")
_Context = aio.ServicerContext[object, object]


_KEEP_THEIR_OWN: Final = (
    "/create",
    ".ResourceService/ApplyResources",
    ".ExecutionService/SendMessage",
)
"""What finds by itself, in its transaction, what the same call made before, and tells of that as it is by now."""
_NOT_KEPT: Final = (
    "/stigmer.steering.v1.SteeringService/",  # Commands of executions, which know their keys themselves.
    "/stigmer.access.v1.ApiKeyService/",  # A key is told once, and is not to be found in the store.
)


def _keeps_its_own(method: str) -> bool:
    return method.endswith(_KEEP_THEIR_OWN) or method.startswith(_NOT_KEPT)


def _found(method: str) -> MethodDescriptor | None:
    """The descriptor of a method, of those that this process serves."""
    try:
        return descriptor_pool.Default().FindMethodByName(method.strip("/").replace("/", "."))
    except KeyError:
        return None


def kept_methods() -> Mapping[str, type[Message]]:
    """The methods whose answers are kept here, each with what it answers."""
    found = {
        method: described
        for method, policy in POLICIES.items()
        if policy is WRITE and not _keeps_its_own(method) and (described := _found(method)) is not None
    }
    return {
        method: GetMessageClass(described.output_type)
        for method, described in found.items()
        if not described.client_streaming and not described.server_streaming
    }


@dataclass(slots=True)
class Answering:
    """The call with a key that is being answered."""

    call: Repeatable
    noted: bool = False
    """Whether its answer was noted in the transaction of what it changed."""

    def note(self, state: StateWrite, answer: Message, at_ns: int) -> None:
        """Note the answer, inside the transaction that makes it true."""
        remember_answer(state, self.call, masked(answer).SerializeToString(), at_ns)
        self.noted = True


_answering: ContextVar[Answering | None] = ContextVar("answering", default=None)


def answering() -> Answering | None:
    """The call under way, if its answer is kept here and it has a key. On the event loop."""
    return _answering.get()


class FirstAnswers(aio.ServerInterceptor):
    """Stands outside of what masks secrets: it sees answers as they leave."""

    def __init__(self, store: Store, stamps: Stamps) -> None:
        self._store = store
        self._stamps = stamps
        self._methods = kept_methods()
        self._under_way: dict[str, asyncio.Event] = {}

    async def intercept_service(
        self,
        continuation: "Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[_Request, _Response] | None]]",
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "grpc.RpcMethodHandler[_Request, _Response] | None":
        """Return the service's handler, which is asked once for each key."""
        method = handler_call_details.method
        handler = await continuation(handler_call_details)
        answers = self._methods.get(method)
        if handler is None or answers is None or not _has_key(handler_call_details):
            return handler
        behaviour = cast("Callable[[object, _Context], Awaitable[Message]]", handler.unary_unary)

        async def answer(request: object, context: _Context) -> object:
            return await self._answer(method, answers, behaviour, cast(Message, request), context)

        return grpc.unary_unary_rpc_method_handler(answer, handler.request_deserializer, handler.response_serializer)

    async def _answer(
        self,
        method: str,
        answers: type[Message],
        behaviour: Callable[[object, _Context], Awaitable[Message]],
        request: Message,
        context: _Context,
    ) -> Message:
        call = await _call(idempotency_key(context), method, request)
        if call is None:
            return await behaviour(request, context)
        async with self._alone(call.record_id):
            before = await self._store.read_state(lambda state: answered_before(state, call))
            if before is not None:
                return answers.FromString(before)
            now = Answering(call)
            token = _answering.set(now)
            try:
                answer = await behaviour(request, context)
            finally:
                _answering.reset(token)
            if not now.noted:
                at_ns = self._stamps.now().at_ns
                await self._store.write(lambda state: now.note(state, answer, at_ns))
            return answer

    @asynccontextmanager
    async def _alone(self, record_id: str) -> AsyncGenerator[None]:
        """Inside the block no other call with the same key is being answered."""
        while (other := self._under_way.get(record_id)) is not None:
            await other.wait()
        over = self._under_way[record_id] = asyncio.Event()
        try:
            yield
        finally:
            del self._under_way[record_id]
            over.set()


def _has_key(details: grpc.HandlerCallDetails) -> bool:
    return any(key == IDEMPOTENCY_KEY for key, _ in details.invocation_metadata)


async def _call(key: str, method: str, request: Message) -> Repeatable | None:
    """The call as a repeat is known by: of secrets only that they are there. Raises `InvalidArgument` for a key that is too long."""

    def made() -> Repeatable | None:
        told = masked(request)
        if _SECRET_SERVICE in method:
            told = type(request).FromString(request.SerializeToString())
            for field in _SECRET_FIELDS & set(told.DESCRIPTOR.fields_by_name):
                told.ClearField(field)
        return Repeatable.of(key, method, told.SerializeToString(deterministic=True))

    return await asyncio.to_thread(made) if request.ByteSize() >= _LARGE_BYTES else made()
