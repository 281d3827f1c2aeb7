"""A `.proto` file as its description: what a gRPC call needs of it, and no more.

Messages with their fields, nested ones, maps and `oneof`s, enums and services, in proto2 and proto3. Options, reserved names and comments are
passed over. Other files cannot be imported, but for those that come with protobuf; extensions and groups are refused.
"""

import re
from typing import Final

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    OneofDescriptorProto,
)

from stigmer_runner.workflow.problems import Kind, TaskProblem

_TOKEN: Final = re.compile(
    r"\s+|//[^\n]*|/\*.*?\*/|(?P<text>\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*')|(?P<word>\.?[A-Za-z_][\w.]*|-?\d[\w.+-]*)|(?P<sign>[{}\[\]()<>;=,:-])",
    re.DOTALL,
)
_SCALARS: Final = {
    "double": 1, "float": 2, "int64": 3, "uint64": 4, "int32": 5, "fixed64": 6, "fixed32": 7, "bool": 8, "string": 9,
    "bytes": 12, "uint32": 13, "sfixed32": 15, "sfixed64": 16, "sint32": 17, "sint64": 18,
}  # fmt: skip
_LABELS: Final = {
    "optional": FieldDescriptorProto.LABEL_OPTIONAL,
    "required": FieldDescriptorProto.LABEL_REQUIRED,
    "repeated": FieldDescriptorProto.LABEL_REPEATED,
}
WELL_KNOWN: Final = "google/protobuf/"
_DEEPEST: Final = 50


def described(source: str, name: str) -> FileDescriptorProto:
    """The description of a file. Raises `TaskProblem` with the line that cannot be read."""
    file = _File(source, name)
    while not file.words.at_end:
        file.statement()
    return file.found


class _Words:
    """The words of a file, one after another."""

    def __init__(self, source: str, name: str) -> None:
        self._name = name
        self._words: list[tuple[str, int]] = []
        self._next = 0
        at = line = 0
        while at < len(source):
            found = _TOKEN.match(source, at)
            if found is None:
                self._words.append((source[at], line))
                self._next = len(self._words) - 1
                raise self.wrong(f"{source[at]!r} is not expected")
            if found.lastgroup is not None:
                self._words.append((found[0], line))
            line += found[0].count("\n")
            at = found.end()

    @property
    def at_end(self) -> bool:
        return self._next >= len(self._words)

    def see(self) -> str:
        return "" if self.at_end else self._words[self._next][0]

    def take(self, *wanted: str) -> str:
        """The next word, which has to be one of `wanted` where there are any."""
        word = self.see()
        if not word or (wanted and word not in wanted):
            raise self.wrong(f"{' or '.join(map(repr, wanted)) or 'more'} is expected, not {word or 'the end'!r}")
        self._next += 1
        return word

    def took(self, word: str) -> bool:
        found = self.see() == word
        self._next += found
        return found

    def number(self) -> int:
        word = self.take()
        try:
            return int(word, 0)
        except ValueError:
            self._next -= 1
            raise self.wrong(f"a number is expected, not {word!r}") from None

    def skip(self) -> None:
        """To the end of a statement: its `;`, or the bracket that closes what it opens."""
        depth = 0
        while True:
            word = self.take()
            depth += word in "{[(<" and word != ""
            depth -= word in "}])>" and word != ""
            if depth <= 0 and word in (";", "}"):
                return

    def wrong(self, what: str) -> TaskProblem:
        line = self._words[min(self._next, len(self._words) - 1)][1] + 1 if self._words else 1
        return TaskProblem(Kind.CONFIGURATION, f"{self._name}, line {line}: {what}")


class _File:
    def __init__(self, source: str, name: str) -> None:
        self.words = _Words(source, name)
        self.found = FileDescriptorProto(name=name, syntax="proto2")
        self._depth = 0

    def statement(self) -> None:
        words = self.words
        match words.take():
            case "syntax":
                words.take("=")
                self.found.syntax = words.take().strip("\"'")
                words.take(";")
            case "package":
                self.found.package = words.take()
                words.take(";")
            case "import":
                self._import()
            case "message":
                self.found.message_type.append(self._message())
            case "enum":
                self.found.enum_type.append(self._enum())
            case "service":
                self._service()
            case "option":
                words.skip()
            case ";":
                pass
            case other:
                raise words.wrong(f"`{other}` is not understood here")

    def _import(self) -> None:
        words = self.words
        if words.see() in ("public", "weak"):
            words.take()
        path = words.take().strip("\"'")
        if not path.startswith(WELL_KNOWN):
            raise words.wrong(f"{path!r} cannot be imported: put what is needed of it into this file")
        self.found.dependency.append(path)
        words.take(";")

    def _message(self) -> DescriptorProto:
        words, message = self.words, DescriptorProto(name=self.words.take())
        self._depth += 1
        if self._depth > _DEEPEST:
            raise words.wrong("messages are nested too deep")
        words.take("{")
        while not words.took("}"):
            match words.see():
                case "message":
                    words.take()
                    message.nested_type.append(self._message())
                case "enum":
                    words.take()
                    message.enum_type.append(self._enum())
                case "oneof":
                    self._oneof(message)
                case "option" | "reserved" | "extensions":
                    words.skip()
                case "extend" | "group":
                    raise words.wrong(f"`{words.see()}` is not supported")
                case ";":
                    words.take()
                case "map":
                    self._map(message)
                case _:
                    self._field(message)
        self._depth -= 1
        # Those of `optional` come behind the others.
        for field in message.field:
            if field.proto3_optional:
                field.oneof_index = len(message.oneof_decl)
                message.oneof_decl.append(OneofDescriptorProto(name=f"_{field.name}"))
        return message

    def _field(self, message: DescriptorProto, oneof: int | None = None) -> None:
        words, field = self.words, message.field.add()
        word = words.take()
        field.label = FieldDescriptorProto.LABEL_OPTIONAL
        if oneof is None and word in _LABELS:
            field.label = _LABELS[word]
            field.proto3_optional = word == "optional" and self.found.syntax == "proto3"
            word = words.take()
        if word == "group":
            raise words.wrong("`group` is not supported")
        self._typed(field, word)
        if oneof is not None:
            field.oneof_index = oneof
        self._numbered(field)

    def _typed(self, field: FieldDescriptorProto, word: str) -> None:
        scalar = _SCALARS.get(word)
        if scalar is None:
            field.type_name = word
        else:
            field.type = FieldDescriptorProto.Type.ValueType(scalar)

    def _numbered(self, field: FieldDescriptorProto) -> None:
        words = self.words
        field.name = words.take()
        words.take("=")
        field.number = words.number()
        field.json_name = json_name(field.name)
        if words.see() == "[":
            self._options(field)
        words.take(";")

    def _options(self, field: FieldDescriptorProto) -> None:
        words = self.words
        words.take("[")
        depth = 1
        while depth:
            word = words.take()
            depth += word in ("[", "{")
            depth -= word in ("]", "}")
            if depth == 1 and word == "json_name" and words.took("="):
                field.json_name = words.take().strip("\"'")

    def _oneof(self, message: DescriptorProto) -> None:
        words = self.words
        words.take("oneof")
        index = len(message.oneof_decl)
        message.oneof_decl.append(OneofDescriptorProto(name=words.take()))
        words.take("{")
        while not words.took("}"):
            if words.see() == "option":
                words.skip()
            elif not words.took(";"):
                self._field(message, index)

    def _map(self, message: DescriptorProto) -> None:
        words = self.words
        words.take("map")
        words.take("<")
        entry, key, value = DescriptorProto(), words.take(), ""
        words.take(",")
        value = words.take()
        words.take(">")
        field = message.field.add(label=FieldDescriptorProto.LABEL_REPEATED)
        self._numbered(field)
        entry.name = "".join(part[:1].upper() + part[1:] for part in field.name.split("_")) + "Entry"
        entry.options.map_entry = True
        for number, (name, kind) in enumerate((("key", key), ("value", value)), 1):
            part = entry.field.add(name=name, number=number, json_name=name, label=FieldDescriptorProto.LABEL_OPTIONAL)
            self._typed(part, kind)
        message.nested_type.append(entry)
        field.type_name = entry.name
        field.type = FieldDescriptorProto.TYPE_MESSAGE

    def _enum(self) -> EnumDescriptorProto:
        words, enum = self.words, EnumDescriptorProto(name=self.words.take())
        words.take("{")
        while not words.took("}"):
            word = words.take()
            if word == "option":
                if words.took("allow_alias"):
                    words.take("=")
                    enum.options.allow_alias = words.take() == "true"
                words.skip()
            elif word == "reserved":
                words.skip()
            elif word != ";":
                words.take("=")
                enum.value.add(name=word, number=words.number())
                words.skip()
        return enum

    def _service(self) -> None:
        words = self.words
        service = self.found.service.add(name=words.take())
        words.take("{")
        while not words.took("}"):
            word = words.take("rpc", "option", ";")
            if word == "option":
                words.skip()
            elif word == "rpc":
                method = service.method.add(name=words.take())
                method.client_streaming, method.input_type = self._side()
                words.take("returns")
                method.server_streaming, method.output_type = self._side()
                words.skip()

    def _side(self) -> tuple[bool, str]:
        words = self.words
        words.take("(")
        word = words.take()
        streams = word == "stream"
        if streams:
            word = words.take()
        words.take(")")
        return streams, word


def json_name(name: str) -> str:
    """The name of a field in JSON."""
    first, *rest = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)
