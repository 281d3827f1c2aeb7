"""Writes the interface as a page for people: every service, message and enum with the words that stand above it in the sources."""

import re
from collections.abc import Callable, Iterator, Sequence

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    ServiceDescriptorProto,
)

HEAD = """# API reference

Made from the `.proto` files below `apis/` by `python apis/generate.py`; `make check` looks that it is up to date. `ai.stigmer.*` is the published interface, which only ever grows: fields of
ours in its messages have numbers from 1000 up. `stigmer.*` is ours. What frames mean, field by field, is in [events.md](events.md); who may call what is the last column: a
**viewer** reads, an **operator** reads and changes, a **runner** works. How to connect: [sdk.md](sdk.md), [remote.md](remote.md).
"""

_PREFIXES = ("ai.stigmer.", "stigmer.")
_WORDS = re.compile(r"\s+")
_SCALARS = {
    value: name.removeprefix("TYPE_").lower()
    for name, value in FieldDescriptorProto.Type.items()
    if name not in ("TYPE_MESSAGE", "TYPE_ENUM", "TYPE_GROUP")
}

# Places of things in a file, as in `google.protobuf.SourceCodeInfo.Location.path`.
_MESSAGE, _ENUM, _SERVICE = 4, 5, 6
_FIELD, _NESTED, _NESTED_ENUM = 2, 3, 4
_VALUE, _METHOD = 2, 2

Who = Callable[[str], str]
"""Who may call a method, by its full name, in words."""


def reference(image: FileDescriptorSet, who: Who) -> str:
    """The page. `image` holds comments."""
    packages: dict[str, list[FileDescriptorProto]] = {}
    for file in image.file:
        if file.package.startswith(_PREFIXES):
            packages.setdefault(file.package, []).append(file)
    parts = [HEAD, "## Packages", "\n".join(_contents(packages))]
    for package, files in sorted(packages.items()):
        parts.append(f"## {package}")
        writers = [_File(file, who) for file in files]
        for kind in ("services", "messages", "enums"):
            parts += [block for writer in writers for block in getattr(writer, kind)()]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _contents(packages: dict[str, list[FileDescriptorProto]]) -> Iterator[str]:
    for package, files in sorted(packages.items()):
        services = ", ".join(service.name for file in files for service in file.service)
        anchor = package.replace(".", "")
        yield f"- [{package}](#{anchor}){f': {services}' if services else ''}"


class _File:
    """Writes what one file holds."""

    def __init__(self, file: FileDescriptorProto, who: Who) -> None:
        self._file = file
        self._who = who
        self._comments = {
            tuple(place.path): _WORDS.sub(" ", place.leading_comments or place.trailing_comments).strip()
            for place in file.source_code_info.location
            if place.leading_comments or place.trailing_comments
        }

    def services(self) -> Iterator[str]:
        """Each with its methods."""
        for index, service in enumerate(self._file.service):
            path = (_SERVICE, index)
            yield _block(
                service.name,
                self._said(path),
                ("method", "takes", "answers", "what", "who"),
                self._methods(service, path),
            )

    def messages(self) -> Iterator[str]:
        """Each with its fields, and those within."""
        for index, message in enumerate(self._file.message_type):
            yield from self._message(message, "", (_MESSAGE, index))

    def enums(self) -> Iterator[str]:
        """Each with its values."""
        for index, enum in enumerate(self._file.enum_type):
            yield self._enum(enum, "", (_ENUM, index))

    def _methods(self, service: ServiceDescriptorProto, path: tuple[int, ...]) -> Iterator[Sequence[str]]:
        for index, method in enumerate(service.method):
            name = f"/{self._file.package}.{service.name}/{method.name}"
            yield (
                f"`{method.name}`",
                _streamed(method.input_type, method.client_streaming, self._file.package),
                _streamed(method.output_type, method.server_streaming, self._file.package),
                self._said((*path, _METHOD, index)),
                self._who(name),
            )

    def _message(self, message: DescriptorProto, scope: str, path: tuple[int, ...]) -> Iterator[str]:
        if message.options.map_entry:
            return
        name = f"{scope}{message.name}"
        entries = {entry.name: entry for entry in message.nested_type if entry.options.map_entry}
        rows = (
            (str(field.number), f"`{field.name}`", self._type(field, entries), self._said((*path, _FIELD, index)))
            for index, field in enumerate(message.field)
        )
        yield _block(name, self._said(path), ("", "field", "type", "what"), rows)
        for index, nested in enumerate(message.nested_type):
            yield from self._message(nested, f"{name}.", (*path, _NESTED, index))
        for index, enum in enumerate(message.enum_type):
            yield self._enum(enum, f"{name}.", (*path, _NESTED_ENUM, index))

    def _enum(self, enum: EnumDescriptorProto, scope: str, path: tuple[int, ...]) -> str:
        rows = (
            (str(value.number), f"`{value.name}`", self._said((*path, _VALUE, index)))
            for index, value in enumerate(enum.value)
        )
        return _block(f"{scope}{enum.name}", self._said(path), ("", "value", "what"), rows)

    def _type(self, field: FieldDescriptorProto, entries: dict[str, DescriptorProto]) -> str:
        entry = entries.get(field.type_name.rpartition(".")[2])
        if entry is not None and field.label == FieldDescriptorProto.LABEL_REPEATED:
            key, value = entry.field
            return f"map of {self._one(key)} to {self._one(value)}"
        one = self._one(field)
        if field.label == FieldDescriptorProto.LABEL_REPEATED:
            return f"repeated {one}"
        return f"optional {one}" if field.proto3_optional else one

    def _one(self, field: FieldDescriptorProto) -> str:
        return _SCALARS.get(field.type) or _short(field.type_name, self._file.package)

    def _said(self, path: tuple[int, ...]) -> str:
        return self._comments.get(path, "").replace("|", "\\|")


def _block(name: str, said: str, head: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    lines = [" | ".join(row) for row in rows]
    table = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *(f"| {line} |" for line in lines)] if lines else []
    return "\n\n".join(part for part in (f"### {name}", said, "\n".join(table)) if part)


def _streamed(name: str, streamed: bool, package: str) -> str:
    return f"{'stream of ' if streamed else ''}{_short(name, package)}"


def _short(name: str, package: str) -> str:
    return f"`{name.removeprefix('.').removeprefix(f'{package}.')}`"
