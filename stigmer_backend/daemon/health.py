"""The standard health service, grpc.health.v1."""

import asyncio
from collections.abc import AsyncGenerator

from grpc_health.v1 import health_pb2, health_pb2_grpc

from stigmer_apis.errors import NotFound
from stigmer_apis.transport import aio

WHOLE_SERVER = ""
"""The name under which the daemon as a whole is asked for; there is no other."""

_Response = health_pb2.HealthCheckResponse


class Health(health_pb2_grpc.HealthServicer):
    """Says whether the daemon serves. It does not before `tell(serving=True)`."""

    def __init__(self) -> None:
        self._serving = False
        self._changed = asyncio.Event()

    def tell(self, *, serving: bool) -> None:
        """Say from now on that it serves, or that it does not."""
        self._serving = serving
        self._changed.set()
        self._changed = asyncio.Event()

    async def Check(
        self,
        request: health_pb2.HealthCheckRequest,
        context: aio.ServicerContext[health_pb2.HealthCheckRequest, _Response],
    ) -> _Response:
        """Whether it serves now. Raises `NotFound` for another name than the empty one."""
        if request.service != WHOLE_SERVER:
            raise NotFound(
                f"health is told of the whole server alone, not of {request.service!r}", remedy="ask for the empty name"
            )
        return self._now()

    async def List(
        self,
        request: health_pb2.HealthListRequest,
        context: aio.ServicerContext[health_pb2.HealthListRequest, health_pb2.HealthListResponse],
    ) -> health_pb2.HealthListResponse:
        """Every name that is known, with its state."""
        return health_pb2.HealthListResponse(statuses={WHOLE_SERVER: self._now()})

    async def Watch(
        self,
        request: health_pb2.HealthCheckRequest,
        context: aio.ServicerContext[health_pb2.HealthCheckRequest, _Response],
    ) -> AsyncGenerator[_Response]:
        """The state now, and again whenever it changes; for another name that it is unknown, and nothing after."""
        if request.service != WHOLE_SERVER:
            yield _Response(status=_Response.SERVICE_UNKNOWN)
            await asyncio.Event().wait()
        while True:
            changed = self._changed
            yield self._now()
            await changed.wait()

    def _now(self) -> _Response:
        return _Response(status=_Response.SERVING if self._serving else _Response.NOT_SERVING)


def serve_health(health: Health, server: aio.Server) -> None:
    """Serve it on `server`."""
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
