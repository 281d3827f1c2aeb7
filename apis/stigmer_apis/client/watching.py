"""Which executions change, for as long as somebody wants to know."""

import asyncio
from collections.abc import AsyncGenerator

from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import WatchRequest, WatchResponse
from stigmer_apis.client.connection import Connection
from stigmer_apis.client.options import Backoff
from stigmer_apis.errors import DaemonNotStarted, Unauthenticated, Unavailable
from stigmer_apis.transport import aio


async def watch(connection: Connection, after_revision: int) -> AsyncGenerator[WatchResponse, None]:
    """See `Client.watch`."""
    revision = after_revision
    backoff = Backoff(connection.options)
    refused = False
    while True:
        try:
            async with connection.wire() as wire:
                call = wire.executions.Watch(WatchRequest(after_revision=revision), metadata=wire.metadata())
                try:
                    while isinstance(response := await _read(call), WatchResponse):
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


async def _read(call: "aio.UnaryStreamCall[WatchRequest, WatchResponse]") -> object:
    return await call.read()
