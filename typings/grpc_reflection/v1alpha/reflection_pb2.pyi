"""The messages of the reflection service, as far as they are used."""

from collections.abc import Sequence

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.message import Message

DESCRIPTOR: FileDescriptor

class ServerReflectionRequest(Message):
    def __init__(self, *, list_services: str = ...) -> None: ...

class ServiceResponse(Message):
    name: str

class ListServiceResponse(Message):
    service: Sequence[ServiceResponse]

class ServerReflectionResponse(Message):
    list_services_response: ListServiceResponse
