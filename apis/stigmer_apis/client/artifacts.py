"""Files that runs made, as a client gets them."""

import asyncio
from collections.abc import AsyncGenerator

from stigmer_apis._generated.stigmer.execution.v1.artifact_service_pb2 import (
    Artifact,
    GetArtifactRequest,
    GetArtifactResponse,
    ListArtifactsRequest,
    ListArtifactsResponse,
)
from stigmer_apis.client.calls import call
from stigmer_apis.client.connection import Connection
from stigmer_apis.client.wire import Wire
from stigmer_apis.errors import DataLoss, Unavailable
from stigmer_apis.transport import aio


class Artifacts:
    """What runs handed over for the person; it goes with its run."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def list(self, execution_id: str = "", *, page_size: int = 0, page_token: str = "") -> ListArtifactsResponse:
        """A page of the files of an execution, or of all; newest first. `page_size` 1 to 1000, 0 for 50. Raises `NotFound`."""
        request = ListArtifactsRequest(execution_id=execution_id, page_size=page_size, page_token=page_token)
        return await call(self._connection, lambda wire: wire.artifacts.ListArtifacts, request)

    async def read(self, artifact_id: str) -> AsyncGenerator[Artifact | bytes, None]:
        """What the file is, then its bytes in order.

        Not tried again: what came before an error is not the file. Raises `NotFound`, `DataLoss` behind the last byte where they are not
        what was kept, and `Unavailable`.
        """
        async with self._connection.wire() as wire:
            stream = wire.artifacts.GetArtifact(GetArtifactRequest(artifact_id=artifact_id), metadata=wire.metadata())
            told = came = 0
            try:
                while (piece := await self._next(wire, stream)) is not None:
                    if piece.HasField("artifact"):
                        told = piece.artifact.size
                        yield piece.artifact
                    else:
                        came += len(piece.data)
                        yield piece.data
            finally:
                stream.cancel()
            if came != told:
                raise DataLoss(f"the file {artifact_id} ended after {came} of {told} bytes", remedy="get it again")

    async def _next(
        self, wire: Wire, stream: "aio.UnaryStreamCall[GetArtifactRequest, GetArtifactResponse]"
    ) -> GetArtifactResponse | None:
        """The next piece, None at the end."""
        try:
            async with asyncio.timeout(self._connection.options.watchdog):
                piece = await stream.read()
        except TimeoutError as error:
            self._connection.drop(wire, "the server is silent")
            raise Unavailable("the server is silent", remedy="`stigmer server status` tells more") from error
        except aio.AioRpcError as error:
            raise self._connection.broken(wire, error) from error
        return piece if isinstance(piece, GetArtifactResponse) else None
