"""Writes an interface as text, a fact a line, so that a change to it is a line in a review.

A listing names packages, services, methods, messages, fields (number, name, type, label, oneof), enum values and
extensions, each with every option that is set on it, validation rules included. Files and comments are left out: they
are free to change.
"""

import difflib
from collections.abc import Iterable, Iterator

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)
from google.protobuf.message import Message

PUBLISHED = "ai.stigmer."
"""Packages that existing programs speak begin so."""

OWN = "stigmer."
"""Packages of ours begin so."""

FIRST_OWN_FIELD = 1000
"""Fields of published messages from this number up are ours."""


def published(image: descriptor_pb2.FileDescriptorSet) -> str:
    """The published interface in `image`, without the fields that we added to it.

    `image` holds each file after those that it imports, as protoc writes it.
    """
    return _text(_Lister(image, range(FIRST_OWN_FIELD)).packages(PUBLISHED))


def own(image: descriptor_pb2.FileDescriptorSet) -> str:
    """Our interface in `image`: the fields that we added to published messages, then the packages of ours."""
    added = _Lister(image, range(FIRST_OWN_FIELD, 1 << 29)).added_fields(PUBLISHED)
    return _text([*added, "", *_Lister(image, range(1 << 29)).packages(OWN)])


def removed(before: str, after: str) -> list[str]:
    """The lines of the listing `before` that `after` no longer has, each as `number: line`; order counts."""
    lines = before.splitlines()
    changes = difflib.SequenceMatcher(None, lines, after.splitlines(), autojunk=False).get_opcodes()
    lost = (index for kind, start, end, _, _ in changes if kind in ("replace", "delete") for index in range(start, end))
    return [f"{index + 1}: {lines[index].strip()}" for index in lost if lines[index]]


def _text(lines: Iterable[str]) -> str:
    return "\n".join(lines).strip() + "\n"


class _Lister:
    """Lists `image`, of each message the fields whose numbers are in `numbers`."""

    def __init__(self, image: descriptor_pb2.FileDescriptorSet, numbers: range) -> None:
        self._numbers = numbers
        self._files: dict[str, list[FileDescriptorProto]] = {}
        self._pool = descriptor_pool.DescriptorPool()
        for file in image.file:
            self._files.setdefault(file.package, []).append(file)
            self._pool.AddSerializedFile(file.SerializeToString())

    def packages(self, prefix: str) -> Iterator[str]:
        """Every package whose name begins with `prefix`, whole."""
        for package, files in sorted(self._files.items()):
            if package.startswith(prefix):
                yield from ("", f"package {package}")
                blocks = [block for file in files for block in self._file(file)]
                for block in sorted(blocks):
                    yield from ("", *block)

    def added_fields(self, prefix: str) -> Iterator[str]:
        """The messages of packages that begin with `prefix`, where they have a field to list, by their full names."""
        for package, files in sorted(self._files.items()):
            if package.startswith(prefix):
                messages = [
                    block
                    for file in files
                    for found in file.message_type
                    for block in self._message(found, f"{package}.")
                ]
                for head, *fields in sorted(messages):
                    if fields:
                        yield from ("", head, *fields)

    def _file(self, file: FileDescriptorProto) -> Iterator[list[str]]:
        for service in file.service:
            methods = [
                f"  rpc {method.name}({_streamed(method.client_streaming, method.input_type)})"
                f" returns ({_streamed(method.server_streaming, method.output_type)}){self._options(method.options)}"
                for method in service.method
            ]
            yield [f"service {service.name}{self._options(service.options)}", *methods]
        for found in file.message_type:
            yield from self._message(found, "")
        for found in file.enum_type:
            yield self._enum(found, "")
        for field in file.extension:
            yield [f"extend {field.extendee.removeprefix('.')}", self._field(field, file.syntax, {}, {})]

    def _message(self, found: DescriptorProto, scope: str) -> Iterator[list[str]]:
        name = f"{scope}{found.name}"
        entries = {entry.name: entry for entry in found.nested_type if entry.options.map_entry}
        oneofs = {
            index: f"oneof {oneof.name}{self._options(oneof.options)}" for index, oneof in enumerate(found.oneof_decl)
        }
        fields = [
            self._field(field, name, entries, oneofs)
            for field in sorted(found.field, key=lambda field: field.number)
            if field.number in self._numbers
        ]
        reserved = [
            f"  reserved {span.start} to {span.end - 1}" for span in found.reserved_range if span.start in self._numbers
        ]
        yield [f"message {name}{self._options(found.options)}", *reserved, *fields]
        for nested in found.nested_type:
            if nested.name not in entries:
                yield from self._message(nested, f"{name}.")
        for nested in found.enum_type:
            yield self._enum(nested, f"{name}.")

    def _field(
        self, field: FieldDescriptorProto, owner: str, entries: dict[str, DescriptorProto], oneofs: dict[int, str]
    ) -> str:
        entry = (
            entries.get(field.type_name.rpartition(".")[2]) if field.type == FieldDescriptorProto.TYPE_MESSAGE else None
        )
        if entry is not None:
            kind = f"map<{_type(entry.field[0])}, {_type(entry.field[1])}>"
        else:
            kind = f"{_label(field)}{_type(field)}"
        oneof = f" {oneofs[field.oneof_index]}" if field.HasField("oneof_index") and not field.proto3_optional else ""
        renamed = f" json_name={field.json_name}" if field.json_name not in ("", _camel(field.name)) else ""
        return f"  {field.number} {field.name} {kind}{oneof}{renamed}{self._options(field.options)}"

    def _enum(self, found: EnumDescriptorProto, scope: str) -> list[str]:
        values = [f"  {value.number} {value.name}{self._options(value.options)}" for value in found.value]
        return [f"enum {scope}{found.name}{self._options(found.options)}", *values]

    def _options(self, options: Message) -> str:
        """What is set in `options`, as text, extensions by their full names; nothing where nothing is set."""
        if not options.ByteSize():
            return ""
        known = message_factory.GetMessageClass(self._pool.FindMessageTypeByName(options.DESCRIPTOR.full_name))
        return f" {{ {text_format.MessageToString(known.FromString(options.SerializeToString()), as_one_line=True)} }}"


def _streamed(stream: bool, type_name: str) -> str:
    return f"{'stream ' if stream else ''}{type_name.removeprefix('.')}"


def _label(field: FieldDescriptorProto) -> str:
    if field.label == FieldDescriptorProto.LABEL_REPEATED:
        return "repeated "
    return "optional " if field.proto3_optional else ""


def _type(field: FieldDescriptorProto) -> str:
    return field.type_name.removeprefix(".") or FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)
