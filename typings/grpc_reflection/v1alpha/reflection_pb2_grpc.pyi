"""The client's side of the reflection service."""

from grpc import aio
from grpc_reflection.v1alpha import reflection_pb2

class ServerReflectionStub:
    def __init__(self, channel: aio.Channel) -> None: ...
    ServerReflectionInfo: aio.StreamStreamMultiCallable[
        reflection_pb2.ServerReflectionRequest, reflection_pb2.ServerReflectionResponse
    ]
