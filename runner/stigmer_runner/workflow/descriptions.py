"""What a gRPC service looks like: from its `.proto` file, or by asking the server itself."""

import importlib
from collections.abc import Sequence

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest, ServerReflectionResponse
from grpc_reflection.v1alpha.reflection_pb2_grpc import ServerReflectionStub

from stigmer_apis.transport import aio, grpc
from stigmer_runner.workflow.problems import Kind, TaskProblem
from stigmer_runner.workflow.proto_source import WELL_KNOWN, described

MOST_FILES = 500
_SECONDS = 30.0


def from_source(source: str, name: str) -> DescriptorPool:
    """The descriptions in a `.proto` file. Raises `TaskProblem`."""
    file = described(source, name)
    return _pool([*_well_known(file.dependency), file])


async def from_server(channel: aio.Channel, service: str) -> DescriptorPool:
    """The descriptions that a server gives of one of its services. Raises `TaskProblem`, also where it gives none."""
    call = ServerReflectionStub(channel).ServerReflectionInfo(timeout=_SECONDS)
    try:
        return await _asked(call, service)
    except aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.UNIMPLEMENTED:
            raise
        raise TaskProblem(
            Kind.CONFIGURATION,
            f"nobody says what the service {service!r} looks like",
            "the server does not describe itself (gRPC reflection), and the task names no `proto` with the service's file",
        ) from error
    finally:
        call.cancel()


def method_of(pool: DescriptorPool, service: str, method: str) -> MethodDescriptor:
    """A method. Raises `TaskProblem`, which names those that there are."""
    try:
        found = pool.FindServiceByName(service)
    except KeyError as error:
        raise TaskProblem(
            Kind.CONFIGURATION, f"there is no service {service!r}", "write its package before its name"
        ) from error
    for each in found.methods:
        if each.name == method:
            return each
    known = ", ".join(each.name for each in found.methods)
    raise TaskProblem(Kind.CONFIGURATION, f"the service {service!r} has no method {method!r}", f"it has {known}")


async def _asked(
    call: "aio.StreamStreamCall[ServerReflectionRequest, ServerReflectionResponse]", service: str
) -> DescriptorPool:
    files: dict[str, FileDescriptorProto] = {}
    request: ServerReflectionRequest | None = ServerReflectionRequest(file_containing_symbol=service)
    while request is not None:
        await call.write(request)
        answer = await call.read()
        if not isinstance(answer, ServerReflectionResponse):
            raise TaskProblem(Kind.COMMUNICATION, "the server stopped in the middle of describing itself")
        if answer.error_response.error_code:
            known = await _services(call)
            raise TaskProblem(
                Kind.CONFIGURATION,
                f"the server has no service {service!r}: {answer.error_response.error_message}",
                f"it has {known}" if known else "",
            )
        for data in answer.file_descriptor_response.file_descriptor_proto:
            file = FileDescriptorProto.FromString(data)
            files[file.name] = file
        wanted = [name for file in files.values() for name in file.dependency if name not in files]
        if len(files) > MOST_FILES:
            raise TaskProblem(Kind.COMMUNICATION, f"the server describes itself by more than {MOST_FILES} files")
        request = ServerReflectionRequest(file_by_filename=wanted[0]) if wanted else None
    return _pool(_ordered(files))


async def _services(call: "aio.StreamStreamCall[ServerReflectionRequest, ServerReflectionResponse]") -> str:
    await call.write(ServerReflectionRequest(list_services=""))
    answer = await call.read()
    if not isinstance(answer, ServerReflectionResponse):
        return ""
    return ", ".join(each.name for each in answer.list_services_response.service)[:1000]


def _ordered(files: "dict[str, FileDescriptorProto]") -> list[FileDescriptorProto]:
    """Each behind what it imports."""
    found: dict[str, FileDescriptorProto] = {}
    waiting = list(files)
    while waiting:
        name = waiting[-1]
        missing = [each for each in files[name].dependency if each not in found and each in files]
        if name in found or not missing:
            found.setdefault(name, files[name])
            waiting.pop()
        elif len(waiting) > 2 * MOST_FILES:
            raise TaskProblem(Kind.COMMUNICATION, "the server's descriptions import each other in a circle")
        else:
            waiting.append(missing[0])
    return list(found.values())


def _well_known(names: Sequence[str]) -> list[FileDescriptorProto]:
    """Files that come with protobuf, each behind what it imports."""
    found: dict[str, FileDescriptorProto] = {}
    for name in names:
        stem = name.removeprefix(WELL_KNOWN).removesuffix(".proto")
        try:
            module = importlib.import_module(f"google.protobuf.{stem}_pb2") if stem.isidentifier() else None
        except ImportError:
            module = None
        if module is None:
            raise TaskProblem(Kind.CONFIGURATION, f"{name!r} does not come with protobuf")
        file = FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(file)
        found |= {each.name: each for each in _well_known(file.dependency)}
        found[file.name] = file
    return list(found.values())


def _pool(files: Sequence[FileDescriptorProto]) -> DescriptorPool:
    pool = DescriptorPool()
    try:
        for file in files:
            pool.AddSerializedFile(file.SerializeToString())
    except (TypeError, DecodeError) as error:
        raise TaskProblem(Kind.CONFIGURATION, "the description of the service is broken", str(error)) from error
    return pool
