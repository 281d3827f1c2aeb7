"""What an export reads beside resources and events."""

import asyncio
from collections.abc import AsyncIterator

from stigmer_apis._generated.stigmer.maintenance.v1.maintenance_service_pb2 import (
    Belonging,
    ReadBelongingsRequest,
    ReadBelongingsResponse,
)
from stigmer_apis.client.client import Client
from stigmer_apis.errors import Unavailable
from stigmer_apis.transport import aio


async def belongings(client: Client, record_id: str) -> AsyncIterator[Belonging]:
    """What belongs to the resource or run with this id and stands in none of its own fields. Raises `NotFound`."""
    async with client.connection.wire() as wire:
        stream = wire.maintenance.ReadBelongings(ReadBelongingsRequest(id=record_id), metadata=wire.metadata())
        try:
            while True:
                try:
                    async with asyncio.timeout(client.connection.options.watchdog):
                        part = await stream.read()
                except TimeoutError as error:
                    client.connection.drop(wire, "the server is silent")
                    raise Unavailable("the server is silent", remedy="`stigmer server status` tells more") from error
                except aio.AioRpcError as error:
                    raise client.connection.broken(wire, error) from error
                if not isinstance(part, ReadBelongingsResponse):
                    return
                yield part.belonging
        finally:
            stream.cancel()
