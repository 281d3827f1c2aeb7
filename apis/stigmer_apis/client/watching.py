"""What changes, for as long as somebody wants to know."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Protocol, TypeVar

from google.protobuf.message import Message

from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import WatchRequest, WatchResponse
from stigmer_apis.client.connection import Connection
from stigmer_apis.client.options import Backoff
from stigmer_apis.client.wire import Wire
from stigmer_apis.errors import DaemonNotStarted, Unauthenticated, Unavailable
from stigmer_apis.transport import aio


class Revised(Protocol):
    """A step of a stream of changes."""

    revision: int
    reset: bool


Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response", bound=Revised)


def watch(connection: Connection, after_revision: int) -> AsyncGenerator[WatchResponse, None]:
    """See `Client.watch`."""
    return follow(
        connection,
        lambda wire, revision: wire.executions.Watch(WatchRequest(after_revision=revision), metadata=wire.metadata()),
        WatchResponse,
        after_revision,
    )


async def follow(
    connection: Connection,
    open_stream: "Callable[[Wire, int], aio.UnaryStreamCall[Request, Response]]",
    kind: type[Response],
    after_revision: int,
) -> AsyncGenerator[Response, None]:
    """Responses from a revision on, over as many streams as it takes."""
    revision = after_revision
    backoff = Backoff(connection.options)
    refused = False
    while True:
        try:
            async with connection.wire() as wire:
                call = open_stream(wire, revision)
                try:
                    while isinstance(response := await _read(call), kind):
                        backoff.reset()
                        refused = False
                        revision = response.revision if response.reset else max(revision, response.revision)
                        yield response
                except aio.AioRpcError as error:
                    raise connection.broken(wire, error) from error
                finally:
                    call.cancel()
        except Unauthenticated:
            if refused:
                raise
            refused = True
        except DaemonNotStarted:
            await asyncio.sleep(connection.options.start_delay)
        except Unavailable:
            refused = False
        await asyncio.sleep(backoff.delay())


async def _read(call: "aio.UnaryStreamCall[Request, Response]") -> object:
    return await call.read()
