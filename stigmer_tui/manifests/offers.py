"""What can be written at a place of a document: keys, names of enumerations, and what has to be asked for. From the messages' descriptors, as `apply` reads them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from stigmer_apis._generated.buf.validate import validate_pb2
from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import Resource
from stigmer_apis.protocol import API_VERSION
from stigmer_tui.completion.document_place import Place
from stigmer_tui.manifests import shortcuts
from stigmer_tui.manifests.binding import descriptor_of
from stigmer_tui.manifests.kinds import AGENT, AGENT_INSTANCE, BY_NUMBER, WORKFLOW, Kind
from stigmer_tui.manifests.scalars import enum_names, wanted

TOOLS: Mapping[str, str] = {
    "ask_person": "put a question to the person",
    "delegate": "give a task to a sub-agent",
    "edit": "change parts of a file",
    "fetch": "get a page of the web",
    "glob": "find files by their names",
    "grep": "search in files",
    "keep_file": "keep a file as an artifact of the run",
    "list": "list a directory",
    "read": "read a file",
    "read_output": "read on in a long output",
    "shell": "run a command",
    "shell_input": "write to a command that runs",
    "shell_kill": "end a command",
    "shell_list": "list commands that run",
    "shell_wait": "wait for a command",
    "skill": "learn a skill",
    "todos": "keep a list of what is to do",
    "write": "write a file",
}
"""Tools that every runner brings, and what they are for."""

_WORDS: Mapping[str, Mapping[str, str]] = {
    "stigmer.policy.v1.Policy.preset": {
        "read-only": "nothing is changed",
        "ask": "what changes something is asked for",
        "auto": "what the sandbox holds is not asked for",
    },
    "stigmer.agent.v1.ModelSettings.reasoning": {"low": "", "medium": "", "high": ""},
}
"""Fields of text that know some words."""
_TOLD = {
    "google.protobuf.Duration": "a time, such as 600s",
    "google.protobuf.Timestamp": "a moment, such as 2026-01-31T12:00:00Z",
}
_SERVERS = {"status"}
_METADATA = {"id", "version", "org", "ownerScope"}
"""Keys that only the server writes, or that no person needs: read where they stand, not offered."""


class Names(Enum):
    """Names that only the server knows."""

    RESOURCE = "resource"
    MODEL = "model"
    TOOL = "tool"
    VARIABLE = "variable"


@dataclass(frozen=True, slots=True)
class Word:
    """Something that can be written."""

    text: str
    words: str = ""
    """What it is."""
    follows: str = ""
    """What comes behind it: for a key its colon, and where its value begins."""


@dataclass(frozen=True, slots=True)
class Offered:
    """What can be written at a place."""

    words: tuple[Word, ...] = ()
    names: Names | None = None
    """Names that belong to it as well, which have to be asked for."""
    kind: Kind | None = None
    """Of which kind, for `Names.RESOURCE`."""


def offered(kind: Kind, place: Place) -> Offered:
    """What fits at a place of a document of a kind; nothing where nobody can know."""
    if place.is_value and place.path in (("apiVersion",), ("kind",)):
        return Offered((Word(API_VERSION if place.path[0] == "apiVersion" else kind.name),))
    found = _holder(kind, place.path)
    if found is None:
        return Offered()
    message, field = found
    if field is not None and place.is_value and not (field.message_type and not _is_reference(field)):
        return _values(field)
    if not place.is_key:
        return Offered()
    if message is None:
        return Offered(names=Names.VARIABLE) if _is_variables(field) else Offered()
    return Offered(tuple(_keys(message, place, root=not place.path)))


def _holder(kind: Kind, path: Sequence[str]) -> tuple[Descriptor | None, FieldDescriptor | None] | None:
    """The message whose keys stand under a path, and the field that holds it; None for the message where keys are free."""
    message: Descriptor | None = descriptor_of(Resource()).fields_by_name[kind.field].message_type
    field: FieldDescriptor | None = None
    for key in path:
        if message is None:  # a key of one's own
            entry = field.message_type.fields_by_name["value"] if field is not None and field.message_type else None
            message, field = (entry.message_type, None) if entry is not None else (None, None)
            continue
        field = _field(message, key)
        if field is None or (field.message_type and field.message_type.full_name.startswith("google.protobuf.")):
            return None
        message = None if _is_map(field) else field.message_type
    return message, field


def _field(message: Descriptor, key: str) -> FieldDescriptor | None:
    name = shortcuts.NAMES_FOR_IDS.get(message.full_name, {}).get(key, key)
    return next((each for each in message.fields if name in (each.name, each.json_name)), None)


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def _is_reference(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.full_name == shortcuts.REFERENCE


def _is_variables(field: FieldDescriptor | None) -> bool:
    """Whether the keys under it are names of variables that environments have."""
    return field is not None and field.full_name == "ai.stigmer.agentic.environment.v1.EnvironmentSpec.data"


def _keys(message: Descriptor, place: Place, *, root: bool) -> "Sequence[Word]":
    short = {name: key for key, name in shortcuts.NAMES_FOR_IDS.get(message.full_name, {}).items()}
    left_out = set(place.siblings)
    if root:
        left_out |= _SERVERS
    if message.full_name.endswith(".ApiResourceMetadata"):
        left_out |= _METADATA
    taken = {each.name for each in message.fields if {each.name, each.json_name, short.get(each.name)} & place.siblings}
    chosen = {
        oneof.name
        for oneof in message.oneofs
        if len(oneof.fields) > 1 and any(each.name in taken for each in oneof.fields)
    }
    found: list[Word] = []
    for field in message.fields:
        name = short.get(field.name, field.json_name)
        together = field.containing_oneof
        if name in left_out or field.name in taken or (together is not None and together.name in chosen):
            continue
        found.append(Word(name, _told(field), _follows(field, place.indent)))
    return found


def _told(field: FieldDescriptor) -> str:
    """What a field takes, in words."""
    if _is_map(field):
        return "keys of your own"
    if field.is_repeated:
        return "a list"
    if field.message_type is not None and field.message_type.full_name in _TOLD:
        return _TOLD[field.message_type.full_name]
    if field.enum_type is not None and len(field.enum_type.values) <= 6:
        return " or ".join(_choices(field))
    return wanted(field)


def _follows(field: FieldDescriptor, indent: int) -> str:
    inner = " " * (indent + 2)
    if _is_map(field) or (field.message_type is not None and not field.is_repeated and not _is_reference(field)):
        scalar = field.message_type is not None and field.message_type.full_name in _TOLD
        return ": " if scalar else f":\n{inner}"
    return f":\n{inner}- " if field.is_repeated else ": "


def _choices(field: FieldDescriptor) -> list[str]:
    enum = field.enum_type
    return [plain for plain in enum_names(enum).values() if not plain.endswith("unspecified")] if enum else []


def _values(field: FieldDescriptor) -> Offered:
    if _is_map(field):
        return Offered()
    by_name = {"agent_id": AGENT, "agent_instance_id": AGENT_INSTANCE, "workflow_id": WORKFLOW}
    if field.name in by_name and field.message_type is None:
        return Offered(names=Names.RESOURCE, kind=by_name[field.name])
    if _is_reference(field):
        number = shortcuts.REFERRED.get(field.name)
        return Offered(names=Names.RESOURCE, kind=BY_NUMBER[number]) if number is not None else Offered()
    if field.full_name == "ai.stigmer.agentic.agent.v1.AgentSpec.model":
        return Offered(names=Names.MODEL)
    if field.name == "tools" or field.full_name == "stigmer.policy.v1.Policy.Rule.tool":
        return Offered(tuple(Word(name, words) for name, words in TOOLS.items()), Names.TOOL)
    if field.full_name in _WORDS:
        return Offered(tuple(Word(word, words) for word, words in _WORDS[field.full_name].items()))
    if field.enum_type is not None:
        return Offered(tuple(Word(name) for name in _choices(field)))
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return Offered((Word("true"), Word("false")))
    rules = field.GetOptions().Extensions[validate_pb2.field]
    return Offered(tuple(Word(word) for word in getattr(rules.string, "in") if word))
