"""Messages as YAML that people read and edit, and that can be applied again."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

import yaml
from google.protobuf.descriptor import Descriptor
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from stigmer_tui.manifests.binding import descriptor_of
from stigmer_tui.manifests.scalars import enum_names

SERVERS = ("status",)
"""Parts of a resource that the server alone writes."""


class _Dumper(yaml.SafeDumper):
    """Block style, keys in the order of the contract, texts of several lines as they read."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Items of a list stand further in than its key."""
        super().increase_indent(flow, False)


_BREAKS = re.compile("[\x85\u2028\u2029]")
"""Line breaks to some readers of YAML and characters to others: always written as escapes."""


def _text(dumper: Any, text: str) -> yaml.ScalarNode:
    style = None
    if _BREAKS.search(text):
        style = '"'
    elif "\n" in text and not any(line.endswith((" ", "\t")) for line in text.split("\n")):
        style = "|"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def resource_data(message: Message, *, leave_out: Sequence[str] = ()) -> dict[str, Any]:
    """A resource as nested dictionaries, with the names of protobuf JSON, without the named parts.

    What a person may write is as they would write it: `allow`, not `DECISION_ALLOW`.
    """
    data: dict[str, Any] = MessageToDict(message)
    written = {key: value for key, value in data.items() if key not in SERVERS}
    _plain_names(descriptor_of(message), written)
    return {key: _whole_numbers(value) for key, value in (data | written).items() if key not in leave_out}


def _plain_names(descriptor: Descriptor, data: dict[str, Any]) -> None:
    """Give values of enumerations in `data`, a message of `descriptor` as a dictionary, their plain names."""
    for field in descriptor.fields:
        value = data.get(field.json_name)
        if value is None:
            continue
        inner, named = field.message_type, field.enum_type
        if inner is not None and inner.GetOptions().map_entry:
            held = inner.fields_by_name["value"]
            inner, named = held.message_type, held.enum_type
            entries: list[tuple[Any, Any]] = list(value.items())
        elif field.is_repeated:
            entries = list(enumerate(cast("list[Any]", value)))
        else:
            entries, value = [(field.json_name, value)], data
        for key, entry in entries:
            if named is not None:
                value[key] = enum_names(named).get(entry, entry)
            elif inner is not None and isinstance(entry, dict) and not inner.full_name.startswith("google.protobuf."):
                _plain_names(inner, cast("dict[str, Any]", entry))


def _whole_numbers(value: Any) -> Any:
    """Numbers without a fraction as a person writes them: protobuf keeps every number of a free form as a float."""
    match value:
        case float() if value.is_integer() and abs(value) < 2**53:
            return int(value)
        case dict():
            return {key: _whole_numbers(inside) for key, inside in cast("dict[str, Any]", value).items()}
        case list():
            return [_whole_numbers(inside) for inside in cast("list[Any]", value)]
        case _:
            return value


def editable_data(message: Message) -> dict[str, Any]:
    """The same without what only the server writes, but for id and version: with them a later change by somebody else is noticed."""
    data = resource_data(message, leave_out=SERVERS)
    metadata: dict[str, Any] = data.get("metadata", {})
    version: Mapping[str, Any] = metadata.pop("version", {})
    if version.get("id"):
        metadata["version"] = {"id": version["id"]}
    return data


def lasting_data(message: Message) -> dict[str, Any]:
    """The same without what is different on another machine or after another write: what a file holds, and a diff compares."""
    data = editable_data(message)
    metadata: dict[str, Any] = data.get("metadata", {})
    metadata.pop("version", None)
    metadata.pop("id", None)
    return data


def to_yaml(data: object) -> str:
    """`data` as one YAML document."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=4096)


def to_yaml_documents(all_data: Sequence[object]) -> str:
    """Several documents, each after `---`."""
    return "".join(f"---\n{to_yaml(data)}" for data in all_data)
