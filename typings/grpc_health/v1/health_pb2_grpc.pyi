"""The health service's server side, as far as it is used. The messages have stubs of their own in the package."""

from collections.abc import AsyncIterator, Awaitable

from grpc import aio
from grpc_health.v1 import health_pb2

class HealthServicer:
    def Check(
        self,
        request: health_pb2.HealthCheckRequest,
        context: aio.ServicerContext[health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse],
    ) -> Awaitable[health_pb2.HealthCheckResponse]: ...
    def List(
        self,
        request: health_pb2.HealthListRequest,
        context: aio.ServicerContext[health_pb2.HealthListRequest, health_pb2.HealthListResponse],
    ) -> Awaitable[health_pb2.HealthListResponse]: ...
    def Watch(
        self,
        request: health_pb2.HealthCheckRequest,
        context: aio.ServicerContext[health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse],
    ) -> AsyncIterator[health_pb2.HealthCheckResponse]: ...

class HealthStub:
    def __init__(self, channel: aio.Channel) -> None: ...
    Check: aio.UnaryUnaryMultiCallable[health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse]
    List: aio.UnaryUnaryMultiCallable[health_pb2.HealthListRequest, health_pb2.HealthListResponse]
    Watch: aio.UnaryStreamMultiCallable[health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse]

def add_HealthServicer_to_server(servicer: HealthServicer, server: aio.Server) -> None: ...
