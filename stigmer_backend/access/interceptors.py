"""What happens to every call before and after the service: who calls, may they, is the request valid, how is a failure told."""

import asyncio
import inspect
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterable
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import TypeVar, cast

from google.protobuf.message import DecodeError

from stigmer_apis.errors import (
    InvalidArgument,
    PermissionDenied,
    ResourceExhausted,
    StigmerError,
    Unauthenticated,
    Unavailable,
    Unimplemented,
)
from stigmer_apis.errors_grpc import abort
from stigmer_apis.protocol import AUTHORIZATION, MAX_ARCHIVE_MESSAGE_BYTES, TRANSPORT_MESSAGE_BYTES
from stigmer_apis.transport import aio, grpc
from stigmer_backend.access.failures import Translation, as_stigmer_error
from stigmer_backend.access.policy import ARCHIVES, deed_of, policy_of
from stigmer_backend.access.principal import NOBODY, Authenticator, Principal, Role, acting_as
from stigmer_backend.access.validation import validate

_BEARER = "bearer "
_CONTROLLER = re.compile(r"(Command|Query|Service)*Controller$")
_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")

_Request = TypeVar("_Request")
_Response = TypeVar("_Response")
_Context = aio.ServicerContext[object, object]
_Behaviour = Callable[[object, _Context], object]


class AccessInterceptor(aio.ServerInterceptor):
    """Stands before every service of one server.

    The token and the policy are checked on the headers, before a request is read. Inside the call `principal()` is the caller; each
    request, each message of a stream of requests too, is checked against the contract's rules before the service sees it, so services
    take requests from their argument, never by `context.read()`. A `StigmerError` becomes its status; anything else is logged with a
    reference and answered with that reference alone.
    """

    def __init__(
        self,
        tokens: Authenticator,
        *,
        admits: Iterable[Role],
        largest_request: int = TRANSPORT_MESSAGE_BYTES,
        where_tokens_are: str = "",
        translations: Iterable[Translation] = (),
        needs_token: bool = True,
        most_calls: int | None = None,
    ) -> None:
        """Stand before a server that admits only the roles `admits`, whatever the policy says.

        `largest_request` is in bytes, of each message; one that carries an archive may be as large as that. `where_tokens_are` is told to
        callers without a token; where it is not `needs_token`, one without a token is shown to `tokens` as an empty one. Past `most_calls` at once further ones
        are refused. `translations` turn errors of layers below into `StigmerError`s.
        """
        self._largest_request = largest_request
        self._tokens = tokens
        self._admits = frozenset(admits)
        self._where_tokens_are = where_tokens_are
        self._translations = tuple(translations)
        self._needs_token = needs_token
        self._most_calls = most_calls
        self._calls = 0
        self._streams: set[asyncio.Task[object]] = set()
        self._ending = False

    @property
    def open_streams(self) -> int:
        """Calls under way that answer with a stream."""
        return len(self._streams)

    def end_streams(self) -> None:
        """End every call that answers with a stream: the server stops, and such calls need not end by themselves.

        Their services are cancelled, their callers are told `Unavailable`.
        """
        self._ending = True
        for task in self._streams:
            task.cancel()

    async def intercept_service(
        self,
        continuation: "Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[_Request, _Response] | None]]",
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "grpc.RpcMethodHandler[_Request, _Response] | None":
        """Return the service's handler, guarded, or one that refuses."""
        method = handler_call_details.method
        try:
            caller = self._admit(method, _token(handler_call_details))
            handler = await continuation(handler_call_details)
            if handler is None:
                raise _not_served(method)
            if policy_of(method) is None:
                raise PermissionDenied(f"{method} has no policy, so nobody may call it")
        except StigmerError as refusal:
            return cast("grpc.RpcMethodHandler[_Request, _Response]", _refuse(refusal))
        guarded = self._guard(method, caller, cast("grpc.RpcMethodHandler[object, object]", handler))
        return cast("grpc.RpcMethodHandler[_Request, _Response]", guarded)

    def _admit(self, method: str, token: str | None) -> Principal:
        """Who calls. Raises `Unauthenticated` or `PermissionDenied` for who may not. A method without a policy passes as it is."""
        policy = policy_of(method)
        if policy is not None and policy.open:
            return (self._tokens.authenticate(token) if token else None) or NOBODY
        if token is None and not self._needs_token:
            token = ""
        if token is None:
            raise Unauthenticated(
                "this call carries no token",
                remedy=f"send one as `authorization: Bearer <token>`{self._where_tokens_are}",
            )
        caller = self._tokens.authenticate(token)
        if caller is None:
            raise Unauthenticated(
                "the token is not known here",
                remedy=f"it was replaced, or belongs to another home: read it again{self._where_tokens_are}",
            )
        if caller.role not in self._admits:
            raise PermissionDenied(f"the role {caller.role.value} is not admitted on this socket")
        if policy is not None and caller.role not in policy.roles:
            allowed = " or ".join(sorted(role.value for role in policy.roles))
            raise PermissionDenied(
                f"the role {caller.role.value} may not {deed_of(method)}: that takes the role {allowed}",
                remedy=f"`stigmer apikey create NAME --role {min(role.value for role in policy.roles)}` on the server's machine makes a key that may",
            )
        return caller

    def _guard(
        self, method: str, caller: Principal, handler: "grpc.RpcMethodHandler[object, object]"
    ) -> "grpc.RpcMethodHandler[object, object]":
        behaviour = cast(
            "_Behaviour", handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream
        )
        check = _checked_stream if handler.request_streaming else _checked

        async def answer(request: object, context: _Context) -> object:
            async with _Call(method, caller, context, self._translations):
                with self._counted():
                    return await cast("Awaitable[object]", behaviour(check(request), context))

        async def answer_by_stream(request: object, context: _Context) -> None:
            async with self._stream(context), _Call(method, caller, context, self._translations):
                with self._counted():
                    await _write_all(behaviour(check(request), context), context)

        match handler.request_streaming, handler.response_streaming:
            case False, False:
                make, guarded = grpc.unary_unary_rpc_method_handler, answer
            case False, True:
                make, guarded = grpc.unary_stream_rpc_method_handler, answer_by_stream
            case True, False:
                make, guarded = grpc.stream_unary_rpc_method_handler, answer
            case _:
                make, guarded = grpc.stream_stream_rpc_method_handler, answer_by_stream
        limit = MAX_ARCHIVE_MESSAGE_BYTES if method in ARCHIVES else self._largest_request
        return make(guarded, _reader(handler.request_deserializer, limit), handler.response_serializer)

    @contextmanager
    def _counted(self) -> Generator[None]:
        """Inside the block a call is under way. Raises `ResourceExhausted` where too many are."""
        if self._most_calls is not None and self._calls >= self._most_calls:
            raise ResourceExhausted(
                f"the server answers {self._calls} calls at once and takes no more",
                remedy="try again when others have ended; `server.max_calls` in its settings is the limit",
            )
        self._calls += 1
        try:
            yield
        finally:
            self._calls -= 1

    @asynccontextmanager
    async def _stream(self, context: _Context) -> AsyncGenerator[None]:
        """Inside the block this task's call is an open stream."""
        task = asyncio.current_task()
        assert task is not None
        self._streams.add(task)
        try:
            yield
        except asyncio.CancelledError:
            if not self._ending:
                raise
            task.uncancel()
            await abort(context, Unavailable("the server stops", remedy="`stigmer server start` starts it again"))
        finally:
            self._streams.discard(task)


class _Call:
    """A call under way: inside the block `caller` calls, and what is raised in it becomes the status of the call."""

    def __init__(
        self, method: str, caller: Principal, context: _Context, translations: tuple[Translation, ...]
    ) -> None:
        self._method = method
        self._acting = acting_as(caller)
        self._context = context
        self._translations = translations

    async def __aenter__(self) -> None:
        self._acting.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._acting.__exit__(None, None, None)
        if isinstance(error, Exception) and not isinstance(error, aio.AbortError):
            await abort(self._context, as_stigmer_error(error, self._method, self._translations))


def _token(details: grpc.HandlerCallDetails) -> str | None:
    """The bearer token of the call; None without one. Two different ones are none: it is not ours to choose."""
    found = {
        value[len(_BEARER) :].strip()
        for key, value in details.invocation_metadata
        if key == AUTHORIZATION and isinstance(value, str) and value.lower().startswith(_BEARER)
    }
    return found.pop() if len(found) == 1 else None


@dataclass(frozen=True, slots=True)
class _Unread:
    """Stands for a request that was not read."""

    refusal: StigmerError


def _reader(deserialize: Callable[[bytes], object] | None, limit: int) -> Callable[[bytes], object]:
    """Reads requests up to `limit` bytes, as the transport's own limit is one for all methods.

    What cannot be read becomes a refusal with words: an error in here would be answered as one that nobody foresaw.
    """

    def read(body: bytes) -> object:
        if len(body) > limit:
            return _Unread(
                ResourceExhausted(
                    f"the request has {len(body)} bytes; at most {limit} are taken", remedy="send less at a time"
                )
            )
        try:
            return body if deserialize is None else deserialize(body)
        except DecodeError:
            return _Unread(
                InvalidArgument(
                    "the request cannot be read: it is no message of this method, or nested too deeply",
                    remedy="client and server may be of different versions; nest less deeply",
                )
            )

    return read


def _checked(request: object) -> object:
    if isinstance(request, _Unread):
        raise request.refusal
    validate(request)
    return request


async def _checked_stream(requests: object) -> AsyncIterator[object]:
    async for request in cast("AsyncIterator[object]", requests):
        yield _checked(request)


async def _write_all(answers: object, context: _Context) -> None:
    """Send what a streaming service yields, and close it in this task whatever happens; a service that writes itself is awaited."""
    if isinstance(answers, AsyncGenerator):
        async with aclosing(cast("AsyncGenerator[object]", answers)) as stream:
            async for answer in stream:
                await context.write(answer)
    elif inspect.isawaitable(answers):
        await answers
    else:
        raise TypeError(
            f"a streaming service is an asynchronous generator or a coroutine, not {type(answers).__name__}"
        )


def _refuse(refusal: StigmerError) -> "grpc.RpcMethodHandler[object, object]":
    """A handler that refuses at once. As a stream of both sides it fits every kind of call: it waits for no request."""

    async def refuse(_requests: object, context: _Context) -> None:
        await abort(context, refusal)

    return grpc.stream_stream_rpc_method_handler(refuse)


def _not_served(method: str) -> Unimplemented:
    """Why there is nobody to answer `method`."""
    service, _, name = method.strip("/").rpartition("/")
    if policy_of(method) is None:
        return Unimplemented(
            f"this server has no method {method!r}", remedy="client and server may be of different versions"
        )
    return Unimplemented(f"{_kind_of(service)}: `{name}` comes later: this version does not serve it yet")


def _kind_of(service: str) -> str:
    """The kind that a service serves, in words: `workflow instance` for `...WorkflowInstanceQueryController`."""
    name = _CONTROLLER.sub("", service.rpartition(".")[2])
    return _WORD.sub(" ", name).lower()
