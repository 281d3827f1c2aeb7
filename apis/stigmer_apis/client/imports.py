"""Items of an archive, sent to a server's store."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from stigmer_apis._generated.stigmer.maintenance.v1.maintenance_service_pb2 import ImportRequest, ImportResponse
from stigmer_apis.client.client import Client
from stigmer_apis.errors import Unavailable
from stigmer_apis.transport import aio

_SILENCE_SECONDS = 120.0
"""A server that has to compare a large run with the one that it has says nothing meanwhile."""


async def import_items(client: Client, requests: AsyncGenerator[ImportRequest]) -> AsyncIterator[ImportResponse]:
    """What became of each item, as the server takes it in. What was answered is there; of an item that broke off, nothing is.

    Raises what `requests` raises.
    """
    async with client.connection.wire() as wire:
        stream = wire.maintenance.Import(metadata=wire.metadata())
        writing = asyncio.ensure_future(_write(stream, requests))
        try:
            while True:
                try:
                    async with asyncio.timeout(_SILENCE_SECONDS):
                        answer = await stream.read()
                except TimeoutError as error:
                    client.connection.drop(wire, "the server is silent")
                    raise Unavailable(
                        "the server is silent", remedy="import it again: what is there stays as it is"
                    ) from error
                except aio.AioRpcError as error:
                    raise client.connection.broken(wire, error) from error
                except asyncio.CancelledError:
                    if writing.done():
                        await writing
                    raise
                if not isinstance(answer, ImportResponse):
                    return
                yield answer
        finally:
            writing.cancel()
            stream.cancel()
            await asyncio.wait([writing])


async def _write(
    stream: "aio.StreamStreamCall[ImportRequest, ImportResponse]", requests: AsyncGenerator[ImportRequest]
) -> None:
    """Send all; where that fails here, the stream ends."""
    try:
        async with aclosing(requests):
            async for request in requests:
                await stream.write(request)
        await stream.done_writing()
    except aio.AioRpcError:
        return  # Who reads is told.
    except BaseException:
        stream.cancel()
        raise
