"""Looking through a whole execution, on the server."""

from collections.abc import AsyncGenerator

from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import (
    SearchExecutionRequest,
    SearchExecutionResponse,
)
from stigmer_apis.client.connection import Connection
from stigmer_apis.matching import Pattern
from stigmer_apis.transport import aio


async def search_execution(
    connection: Connection, execution_id: str, pattern: Pattern, max_hits: int
) -> AsyncGenerator[SearchExecutionResponse, None]:
    """See `Client.search_execution`."""
    request = SearchExecutionRequest(
        execution_id=execution_id,
        text=pattern.text,
        regex=pattern.regex,
        match_case=pattern.match_case,
        max_hits=max_hits,
    )
    async with connection.wire() as wire:
        call = wire.executions.SearchExecution(request, metadata=wire.metadata())
        try:
            while isinstance(step := await _read(call), SearchExecutionResponse):
                yield step
                if step.done:
                    return
        except aio.AioRpcError as error:
            raise connection.broken(wire, error) from error
        finally:
            call.cancel()


async def _read(call: "aio.UnaryStreamCall[SearchExecutionRequest, SearchExecutionResponse]") -> object:
    return await call.read()
