"""The generated modules: their names, and their descriptors as one image."""

import importlib
import pkgutil

from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import FileDescriptor

import stigmer_apis._generated


def module_names() -> list[str]:
    """Every module of the generated package, sorted."""
    package = stigmer_apis._generated
    return sorted(found.name for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."))


def image() -> descriptor_pb2.FileDescriptorSet:
    """What the generated modules were compiled from, each file after those that it imports, with no source read."""
    files: dict[str, descriptor_pb2.FileDescriptorProto] = {}
    for name in module_names():
        if name.endswith("_pb2"):
            _add(importlib.import_module(name).DESCRIPTOR, files)
    return descriptor_pb2.FileDescriptorSet(file=files.values())


def _add(file: FileDescriptor, files: dict[str, descriptor_pb2.FileDescriptorProto]) -> None:
    for imported in file.dependencies:
        _add(imported, files)
    if file.name not in files:
        files[file.name] = descriptor_pb2.FileDescriptorProto()
        file.CopyToProto(files[file.name])
