"""What a server's store takes on its disk, and the space that a pack gives back."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from stigmer_apis._generated.stigmer.maintenance.v1.maintenance_service_pb2 import (
    PackRequest,
    PackResponse,
    UsageRequest,
    UsageResponse,
)
from stigmer_apis.client.calls import call
from stigmer_apis.client.client import Client
from stigmer_apis.errors import Unavailable, Unimplemented
from stigmer_apis.transport import aio

_LOOK_SECONDS = 600.0
"""A look into databases of tens of gigabytes takes minutes."""


@dataclass(frozen=True, slots=True)
class Packed:
    """What a pack did to one database."""

    kind: str
    before: int
    """In bytes."""
    after: int


async def disk_usage(client: Client, *, with_dead: bool = False) -> UsageResponse:
    """What the store takes, by kind. `with_dead`: also how much a pack would give back, a second for 300,000 records."""
    request = UsageRequest(with_dead=with_dead)
    timeout = _LOOK_SECONDS if with_dead else None
    return await call(client.connection, lambda wire: wire.maintenance.Usage, request, timeout=timeout)


async def known_disk_usage(client: Client) -> UsageResponse | None:
    """What the store takes; None of a server that does not tell."""
    try:
        return await disk_usage(client)
    except Unimplemented:
        return None


async def pack(client: Client, *, only_above_percent: int = 0) -> AsyncIterator[Packed]:
    """Give back what was deleted and replaced, while the server goes on: each database as it is done.

    Whoever stops listening does not stop a pack that has begun. Raises `ResourceExhausted` where the disk has no room for the copy, `DataLoss` for a
    damaged database, each with nothing changed.
    """
    async with client.connection.wire() as wire:
        stream = wire.maintenance.Pack(PackRequest(only_above_percent=only_above_percent), metadata=wire.metadata())
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
                if not isinstance(part, PackResponse):
                    return
                if part.kind:
                    yield Packed(part.kind, part.before, part.after)
        finally:
            stream.cancel()
