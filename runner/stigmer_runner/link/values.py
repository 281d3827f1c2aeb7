"""Values that are too large for a cluster's history: kept by the daemon, for any runner."""

import asyncio
import contextlib

from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import KeepValueRequest, KeepValueResponse, ReadValueRequest
from stigmer_apis._generated.stigmer.runner.v1.link_pb2_grpc import RunnerServiceStub
from stigmer_runner.link.link import Link

PIECE = 1024 * 1024
"""Bytes that are sent at once."""
_WITHIN = 20.0
"""Seconds after which a cluster's task that waits for a value is given up: the cluster asks again."""


class ValueCalls:
    """Keeps and reads. Raises `RefusedByDaemon` with the daemon's words, `TimeoutError` where there is no daemon."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def keep(self, execution_id: str, data: bytes) -> str:
        """Keep a value of an execution; returns its hash."""

        async def ask(stub: RunnerServiceStub) -> KeepValueResponse:
            call = stub.KeepValue(metadata=self._link.metadata)
            with contextlib.suppress(asyncio.InvalidStateError):  # refused in between: the answer says why
                await call.write(KeepValueRequest(execution_id=execution_id))
                for start in range(0, len(data), PIECE):
                    await call.write(KeepValueRequest(data=data[start : start + PIECE]))
                await call.done_writing()
            return await call

        async with asyncio.timeout(_WITHIN):
            return (await self._link.asked(None, ask)).hash

    async def read(self, execution_id: str, digest: str) -> bytes:
        """A value that was kept."""
        request = ReadValueRequest(execution_id=execution_id, hash=digest)

        async def ask(stub: RunnerServiceStub) -> bytes:
            return b"".join([piece.data async for piece in stub.ReadValue(request, metadata=self._link.metadata)])

        async with asyncio.timeout(_WITHIN):
            return await self._link.asked(None, ask)
