"""Nodes to messages, by the messages' descriptors: field names in camelCase or snake_case, as protobuf JSON has them.

Protobuf's own reader stops at the first mistake and knows no lines. This one goes on, notes where each field stands, and keeps all that is wrong.
"""

from dataclasses import dataclass, field
from typing import Any, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from stigmer_apis.documents.nearest import suggestion
from stigmer_apis.documents.nodes import Entry, ListNode, MapNode, Node, Place, Scalar, ScalarType
from stigmer_apis.documents.problems import Problem
from stigmer_tui.manifests import shortcuts
from stigmer_tui.manifests.scalars import Value, WrongValue, described, text_of, value_of

_STRUCT, _VALUE, _LIST = "google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue"
_TIMES = ("google.protobuf.Duration", "google.protobuf.Timestamp")


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a field stands, and as what."""

    place: Place
    shown: str
    """Its path as the file spells it."""


@dataclass(slots=True)
class Spots:
    """Where the fields of one document stand, by their paths in the message: `spec.env_spec.data['A'].value`, `spec.tools[2]`."""

    _spots: dict[str, Spot] = field(default_factory=dict[str, Spot])

    def note(self, path: str, spot: Spot) -> None:
        """The field at `path` stands there."""
        self._spots[path] = spot

    def find(self, path: str) -> tuple[Spot, str]:
        """Where `path` stands, or the nearest part of the document around it, and the rest of the path that is not there."""
        rest = ""
        while path not in self._spots:
            cut = max(path.rfind("."), path.rfind("["))
            if cut <= 0:
                return self._spots[""], (path + rest).lstrip(".")
            path, rest = path[:cut], path[cut:] + rest
        return self._spots[path], rest.lstrip(".")


class Binder:
    """Binds one document. `problems` are what was wrong, `broken` the paths that they are about."""

    def __init__(self, source: str, document: Node) -> None:
        self._source = source
        self.spots = Spots()
        self.spots.note("", Spot(document.place, ""))
        self.problems: list[Problem] = []
        self.broken: set[str] = set()

    def bind(self, node: Node, message: Message, path: str = "", shown: str = "", skip: tuple[str, ...] = ()) -> None:
        """Fill `message` from `node`, passing over the fields in `skip`."""
        name = message.DESCRIPTOR.full_name
        if name in (_STRUCT, _VALUE, _LIST) or name in _TIMES:
            self._bind_known(node, message, path, shown)
            return
        if name == shortcuts.REFERENCE and isinstance(node, Scalar) and node.type is not ScalarType.NULL:
            self._slug_alone(node, message, path, shown)
            return
        if not isinstance(node, MapNode):
            self._wrong(path, node.place, shown, f"a mapping is wanted, and this is {described(node)}")
            return
        names = _names(descriptor_of(message))
        taken: dict[str, Entry] = {}
        oneofs: dict[str, str] = {}
        for entry in node.entries:
            shown_here = f"{shown}.{entry.key}" if shown else entry.key
            found = names.get(entry.key)
            if found is None:
                self._wrong(
                    f"{path}.{entry.key}",
                    entry.place,
                    shown_here,
                    f"unknown field `{entry.key[:60]}`",
                    suggestion(entry.key, _shown_names(descriptor_of(message))),
                )
                continue
            if found.name in skip:
                continue
            here = f"{path}.{found.name}" if path else found.name
            if found.name in taken:
                self._wrong(
                    here,
                    entry.place,
                    shown_here,
                    f"this is the same field as `{taken[found.name].key}`",
                    "keep one of the two",
                )
                continue
            taken[found.name] = entry
            if isinstance(entry.value, Scalar) and entry.value.type is ScalarType.NULL:
                continue
            together = found.containing_oneof
            if together is not None and len(together.fields) > 1:
                if together.name in oneofs:
                    self._wrong(
                        here,
                        entry.place,
                        shown_here,
                        f"`{entry.key}` and `{oneofs[together.name]}` exclude each other",
                        "keep one of the two",
                    )
                    continue
                oneofs[together.name] = entry.key
            self.spots.note(here, Spot(entry.place, shown_here))
            self._bind_field(entry.value, message, found, here, shown_here)

    def _bind_field(self, node: Node, message: Message, into: FieldDescriptor, path: str, shown: str) -> None:
        holder: Any = message
        if into.message_type is not None and into.message_type.GetOptions().map_entry:
            self._bind_map(node, getattr(holder, into.name), into, path, shown)
        elif into.is_repeated:
            self._bind_list(node, getattr(holder, into.name), into, path, shown)
        elif into.message_type is not None:
            below: Message = getattr(holder, into.name)
            below.SetInParent()
            self.bind(node, below, path, shown)
        else:
            value = self._value(into, node, path, shown)
            if value is not None:
                setattr(holder, into.name, value)

    def _bind_list(self, node: Node, items: Any, into: FieldDescriptor, path: str, shown: str) -> None:
        if not isinstance(node, ListNode):
            self._wrong(
                path,
                node.place,
                shown,
                f"a list is wanted, and this is {described(node)}",
                "write each item on a line of its own after `- `",
            )
            return
        for position, item in enumerate(node.items):
            here, shown_here = f"{path}[{position}]", f"{shown}[{position}]"
            self.spots.note(here, Spot(item.place, shown_here))
            if into.message_type is not None:
                below: Message = items.add()
                self.bind(item, below, here, shown_here)
                if into.name in shortcuts.REFERRED and not getattr(below, "kind", 1):
                    setattr(below, "kind", shortcuts.REFERRED[into.name])  # noqa: B010  (the message is known by its descriptor alone)
                continue
            value = self._value(into, item, here, shown_here)
            if value is not None:
                items.append(value)

    def _bind_map(self, node: Node, items: Any, into: FieldDescriptor, path: str, shown: str) -> None:
        if not isinstance(node, MapNode):
            self._wrong(path, node.place, shown, f"a mapping is wanted, and this is {described(node)}")
            return
        holds = cast(Descriptor, into.message_type).fields_by_name["value"]
        for entry in node.entries:
            here, shown_here = f"{path}[{entry.key!r}]", f"{shown}.{entry.key}"
            self.spots.note(here, Spot(entry.place, shown_here))
            if holds.message_type is not None:
                self.bind(entry.value, items[entry.key], here, shown_here)
                continue
            value = self._value(holds, entry.value, here, shown_here)
            if value is not None:
                items[entry.key] = value

    def _bind_known(self, node: Node, message: Message, path: str, shown: str) -> None:
        """Google's own messages with a JSON form of their own."""
        known: Any = message
        match message.DESCRIPTOR.full_name:
            case name if name in _TIMES:
                self._bind_time(node, known, path, shown)
            case name if name == _STRUCT:
                if isinstance(node, MapNode):
                    known.update(_plain(node))
                else:
                    self._wrong(path, node.place, shown, f"a mapping is wanted, and this is {described(node)}")
            case name if name == _LIST:
                if isinstance(node, ListNode):
                    known.extend(_plain(node))
                else:
                    self._wrong(path, node.place, shown, f"a list is wanted, and this is {described(node)}")
            case _:
                known.struct_value.update({"": _plain(node)})
                known.CopyFrom(known.struct_value.fields[""])

    def _bind_time(self, node: Node, message: Timestamp | Duration, path: str, shown: str) -> None:
        form = "`600s`" if isinstance(message, Duration) else "`2026-01-31T12:00:00Z`"
        try:
            if not isinstance(node, Scalar):
                raise ValueError(node)
            message.FromJsonString(node.text)
        except ValueError:
            self._wrong(
                path, node.place, shown, f"a time is wanted, and this is {described(node)}", f"write it as {form}"
            )

    def _slug_alone(self, node: Scalar, message: Message, path: str, shown: str) -> None:
        into = descriptor_of(message).fields_by_name["slug"]
        value = self._value(into, node, path, shown)
        if value is not None:
            setattr(message, into.name, value)
            self.spots.note(f"{path}.slug", Spot(node.place, shown))

    def _value(self, into: FieldDescriptor, node: Node, path: str, shown: str) -> Value | None:
        if isinstance(node, Scalar) and node.type is ScalarType.NULL:
            self._wrong(
                path,
                node.place,
                shown,
                "a value is wanted, and this is nothing",
                'leave the item out, or write "" for an empty text',
            )
            return None
        try:
            return value_of(into, node)
        except WrongValue as wrong:
            self._wrong(path, node.place, shown, wrong.what, wrong.remedy)
            return None

    def _wrong(self, path: str, place: Place, shown: str, what: str, remedy: str = "") -> None:
        self.broken.add(path)
        self.problems.append(Problem(self._source, place.line, place.column, what, shown, remedy))


def descriptor_of(message: Message) -> Descriptor:
    """The descriptor of `message`, by its documented type: the stubs tell of two that are one."""
    return cast(Descriptor, message.DESCRIPTOR)


def _names(message: Descriptor) -> dict[str, FieldDescriptor]:
    """Every name that a field of `message` may be written with."""
    found: dict[str, FieldDescriptor] = {}
    for short, name in shortcuts.NAMES_FOR_IDS.get(message.full_name, {}).items():
        found[short] = message.fields_by_name[name]
    for each in message.fields:
        found[each.name] = found[each.json_name] = each
    return found


def _shown_names(message: Descriptor) -> list[str]:
    return [each.json_name for each in message.fields] + list(shortcuts.NAMES_FOR_IDS.get(message.full_name, {}))


def _plain(node: Node) -> Any:
    """A node as Python has it, for messages that hold anything."""
    match node:
        case MapNode(entries=entries):
            return {entry.key: _plain(entry.value) for entry in entries}
        case ListNode(items=items):
            return [_plain(item) for item in items]
        case Scalar(type=ScalarType.NULL):
            return None
        case Scalar(type=ScalarType.BOOLEAN, text=text):
            return text.lower() in ("true", "yes", "on")
        case Scalar(type=ScalarType.INTEGER, text=text):
            return int(text, 0) if text[:2] in ("0x", "0o") else int(text)
        case Scalar(type=ScalarType.FLOAT, text=text):
            return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
        case Scalar():
            return text_of(Scalar(node.place, ScalarType.TEXT, node.text))
