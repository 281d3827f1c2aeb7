"""What a document refers to, with the place of each reference."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from stigmer_tui.manifests import shortcuts
from stigmer_tui.manifests.kinds import AGENT, AGENT_INSTANCE, BY_NUMBER, WORKFLOW, Kind
from stigmer_tui.manifests.reading import Document

_BY_ID_OR_NAME = {"agent_id": AGENT, "agent_instance_id": AGENT_INSTANCE, "workflow_id": WORKFLOW}


@dataclass(frozen=True, slots=True)
class Reference:
    """One name of another resource."""

    path: str
    """Of the field that names it."""
    kind: Kind
    name: str
    """Slug or id."""


def references(document: Document) -> Iterator[Reference]:
    """Every reference in the spec of `document`."""
    message: Any = getattr(document.resource, document.kind.field)
    yield from _inside(message.spec, "spec")


def _inside(message: Message, path: str) -> Iterator[Reference]:
    for field, value in message.ListFields():
        here = f"{path}.{field.name}"
        named = _BY_ID_OR_NAME.get(field.name)
        if named is not None and field.message_type is None:
            yield Reference(here, named, str(value))
        elif field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        elif field.is_repeated:
            for position, item in enumerate(value):
                yield from _in_message(item, f"{here}[{position}]")
        else:
            yield from _in_message(value, here)


def _in_message(message: Any, path: str) -> Iterator[Reference]:
    if message.DESCRIPTOR.full_name != shortcuts.REFERENCE:
        yield from _inside(message, path)
        return
    kind = BY_NUMBER.get(message.kind)
    if kind is not None and message.slug:
        yield Reference(f"{path}.slug", kind, message.slug)
