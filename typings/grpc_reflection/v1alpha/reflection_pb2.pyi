"""The messages of the reflection service, as far as they are used."""

from collections.abc import Sequence

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.message import Message

DESCRIPTOR: FileDescriptor

class ServerReflectionRequest(Message):
    def __init__(
        self, *, list_services: str = ..., file_containing_symbol: str = ..., file_by_filename: str = ...
    ) -> None: ...

class ServiceResponse(Message):
    name: str

class ListServiceResponse(Message):
    service: Sequence[ServiceResponse]

class FileDescriptorResponse(Message):
    file_descriptor_proto: Sequence[bytes]

class ErrorResponse(Message):
    error_code: int
    error_message: str

class ServerReflectionResponse(Message):
    list_services_response: ListServiceResponse
    file_descriptor_response: FileDescriptorResponse
    error_response: ErrorResponse
