"""Every call passed on, as bytes both ways: metadata, messages, deadline, cancellation, and how it ended."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import suppress
from typing import cast

from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import LinkResponse
from stigmer_apis.errors import StigmerError, Unavailable
from stigmer_apis.errors_grpc import is_from_stigmer
from stigmer_apis.protocol import AUTHORIZATION
from stigmer_apis.transport import aio, grpc
from stigmer_backend.access import POLICIES, Principal, principal
from stigmer_backend.peers.credential import credential
from stigmer_backend.peers.way import Way

LINK = "/stigmer.runner.v1.RunnerService/Link"

_OWN = frozenset({AUTHORIZATION, "user-agent", "content-type", "te", "grpc-accept-encoding", "grpc-timeout", "host"})
"""Metadata that belongs to one connection."""

_LOST = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.UNAUTHENTICATED})
"""How a call ends whose way broke; and a credential that is not taken, which is no fault of the caller."""

_Context = aio.ServicerContext[bytes, bytes]
_Call = aio.StreamStreamCall[bytes, bytes]


class Forwarding:
    """Answers by asking the daemon that leads."""

    def __init__(self, way: Way, host: str) -> None:
        """`host`: this daemon's machine, as the one that leads is told."""
        self._way = way
        self._host = host
        self._links: Counter[str] = Counter()
        self._farewells: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._reasons: dict[str, str] = {}

    def register(self, server: aio.Server, methods: Iterable[str]) -> None:
        """Pass `methods` (`/package.Service/Method`) on. What is registered already under a name is replaced."""
        by_service: defaultdict[str, dict[str, grpc.RpcMethodHandler[bytes, bytes]]] = defaultdict(dict)
        for method in methods:
            _, service, name = method.split("/")
            by_service[service][name] = grpc.stream_stream_rpc_method_handler(self._behaviour(method))
        for service, handlers in by_service.items():
            server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
            server.add_registered_method_handlers(service, handlers)

    def is_linked(self, runner_id: str) -> bool:
        """Whether a runner is connected by way of this daemon."""
        return self._links[runner_id] > 0

    def say_farewell(self, runner_id: str, reason: str) -> None:
        """Tell a runner that is connected here to end what it runs, and to leave."""
        self._reasons[runner_id] = reason
        self._farewells[runner_id].set()

    async def ask(self, method: str, request: bytes, caller: Principal, seconds: float) -> bytes:
        """One call of this daemon's own, as `caller`. Raises `Unavailable`, `aio.AioRpcError`."""
        lead, channel = await self._way.channel()
        call: aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method)
        shown = credential(lead, caller, self._host)
        return await call(request, timeout=seconds, metadata=((AUTHORIZATION, f"Bearer {shown}"),))

    def _behaviour(self, method: str) -> Callable[[AsyncIterator[bytes], _Context], Awaitable[None]]:
        async def pass_on(requests: AsyncIterator[bytes], context: _Context) -> None:
            caller = principal()
            lead, channel = await self._way.channel()
            async with self._way.used():
                multi: aio.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(method)
                shown = credential(lead, caller, self._host)
                refusals: list[StigmerError] = []
                call = multi(
                    _noting(requests, refusals), timeout=context.time_remaining(), metadata=_passed_on(context, shown)
                )
                try:
                    await self._answer(method, caller, call, context)
                except (aio.AioRpcError, asyncio.CancelledError) as error:
                    if refusals:
                        raise refusals[0] from error
                    if isinstance(error, asyncio.CancelledError):
                        raise
                    await _end(context, error, lead.presence.name)
                finally:
                    call.cancel()

        return pass_on

    async def _answer(self, method: str, caller: Principal, call: _Call, context: _Context) -> None:
        """Pass on what comes back. Raises `aio.AioRpcError` for a call that ends otherwise than well."""
        if method == LINK:
            self._links[caller.runner_id] += 1
            try:
                await self._answer_link(caller.runner_id, call, context)
            finally:
                self._links[caller.runner_id] -= 1
        else:
            async for answer in call:
                await context.write(answer)
        await _raise_for(call)
        context.set_trailing_metadata(_visible(await call.trailing_metadata()))

    async def _answer_link(self, runner_id: str, call: _Call, context: _Context) -> None:
        """As any other call, and with this daemon's own word in between when it ends."""
        leaving = asyncio.create_task(self._farewells[runner_id].wait())
        reading = asyncio.ensure_future(call.read())
        told = False
        try:
            while True:
                await asyncio.wait([reading] if told else [reading, leaving], return_when=asyncio.FIRST_COMPLETED)
                if leaving.done() and not told:
                    told = True
                    frame = LinkResponse(shut_down=LinkResponse.ShutDown(reason=self._reasons[runner_id]))
                    await context.write(frame.SerializeToString())
                if reading.done():
                    answer = reading.result()
                    if answer is aio.EOF:
                        return
                    await context.write(cast("bytes", answer))
                    reading = asyncio.ensure_future(call.read())
        finally:
            for task in (leaving, reading):
                task.cancel()
                with suppress(asyncio.CancelledError, aio.AioRpcError):
                    await task


def every_method(*, but: Iterable[str] = ()) -> list[str]:
    """All that there is a policy for, without the services and methods that begin as `but` says."""
    left_out = tuple(but)
    return [method for method in POLICIES if not method.startswith(left_out)]


async def _noting(requests: AsyncIterator[bytes], refusals: list[StigmerError]) -> AsyncIterator[bytes]:
    """The requests; why one of them is refused here stands in `refusals`, since gRPC forgets it."""
    try:
        async for request in requests:
            yield request
    except StigmerError as refusal:
        refusals.append(refusal)
        raise


def _passed_on(context: _Context, shown: str) -> tuple[tuple[str, str | bytes], ...]:
    kept = [(key, value) for key, value in context.invocation_metadata() or () if key not in _OWN]
    return (*kept, (AUTHORIZATION, f"Bearer {shown}"))


def _visible(metadata: aio.Metadata | None) -> tuple[tuple[str, str | bytes], ...]:
    return tuple((str(key), value) for key, value in metadata or ())


async def _raise_for(call: _Call) -> None:
    code = await call.code()
    if code is not grpc.StatusCode.OK:
        raise aio.AioRpcError(code, await call.initial_metadata(), await call.trailing_metadata(), await call.details())


async def _end(context: _Context, error: aio.AioRpcError, who: str) -> None:
    """End the call as the other one ended: with its words, or with ours where it is the way that broke."""
    if error.code() in _LOST and (not is_from_stigmer(error) or error.code() is grpc.StatusCode.UNAUTHENTICATED):
        why = f" ({error.details()})" if error.code() is grpc.StatusCode.UNAUTHENTICATED else ""
        raise Unavailable(
            f"{who}, which leads the database, went away before it answered{why}: this may or may not have been done",
            remedy="try again in a moment: another daemon takes its place",
        ) from error
    await context.abort(error.code(), error.details() or "", _visible(error.trailing_metadata()))
