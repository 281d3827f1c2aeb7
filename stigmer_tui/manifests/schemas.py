"""JSON Schemas (draft 2020-12) of what a document may say, for editors: made from the messages' descriptors and the contract's rules.

They say what `reading` checks, as far as JSON Schema can: names and types of fields, names of enumerations, lengths, ranges, patterns, what is required.
Fields may be written in snake_case too, which is allowed without being suggested. What CEL rules say stands in descriptions.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from stigmer_apis._generated.buf.validate import validate_pb2
from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import Resource
from stigmer_apis.protocol import API_VERSION
from stigmer_tui.manifests import shortcuts
from stigmer_tui.manifests.binding import descriptor_of
from stigmer_tui.manifests.kinds import DESCRIBED, Kind
from stigmer_tui.manifests.scalars import enum_names

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]

_KNOWN: Mapping[str, Schema] = {
    "google.protobuf.Struct": {"type": "object"},
    "google.protobuf.ListValue": {"type": "array"},
    "google.protobuf.Value": {},
    "google.protobuf.Duration": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?s$", "examples": ["600s"]},
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
}
_WHOLE: Mapping[int, tuple[int, int]] = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}
_LONG = (FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT64)
_FLOATS = (FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE)
_KIND_ENUM = "ApiResourceKind"


def kind_schema(kind: Kind) -> Schema:
    """The schema of documents of one kind."""
    definitions: dict[str, Schema] = {}
    field = descriptor_of(Resource()).fields_by_name[kind.field]
    root = _document(kind, _message_type(field), definitions)
    return {"$schema": DIALECT, "title": f"A Stigmer {kind.words}", **root, "$defs": dict(sorted(definitions.items()))}


def all_kinds_schema() -> Schema:
    """The schema of documents of any kind."""
    definitions: dict[str, Schema] = {}
    branches: list[Schema] = []
    for kind in DESCRIBED:
        field = descriptor_of(Resource()).fields_by_name[kind.field]
        definitions[kind.name] = _document(kind, _message_type(field), definitions)
        chosen: Schema = {"properties": {"kind": {"const": kind.name}}, "required": ["kind"]}
        branches.append({"if": chosen, "then": {"$ref": f"#/$defs/{kind.name}"}})
    return {
        "$schema": DIALECT,
        "title": "A resource of Stigmer",
        "type": "object",
        "properties": {"kind": {"enum": [kind.name for kind in DESCRIBED]}},
        "required": ["kind"],
        "allOf": branches,
        "$defs": dict(sorted(definitions.items())),
    }


def _document(kind: Kind, message: Descriptor, definitions: dict[str, Schema]) -> Schema:
    schema = _object(message, definitions)
    schema["properties"] |= {
        "apiVersion": {"const": API_VERSION},
        "kind": {"const": kind.name},
        "status": {"description": "Written by the server; what stands here is passed over."},
    }
    schema["required"] = ["kind", "metadata", "spec"]
    schema.pop("allOf", None)
    if kind.name == "Session":
        schema["required"].remove("metadata")
    else:
        named = {"anyOf": [{"required": ["name"]}, {"required": ["slug"]}]}
        schema["properties"]["metadata"] = {"allOf": [schema["properties"]["metadata"], named]}
    return schema


def _object(message: Descriptor, definitions: dict[str, Schema]) -> Schema:
    """A message with its fields."""
    properties: dict[str, Schema] = {}
    allowed: dict[str, Schema] = {}
    required: list[Schema] = []
    short = {name: key for key, name in shortcuts.NAMES_FOR_IDS.get(message.full_name, {}).items()}
    for field in message.fields:
        schema = _nullable(_field(field, definitions))
        properties[field.json_name] = schema
        names = [field.json_name]
        if field.name != field.json_name:
            allowed[f"^{field.name}$"] = schema
            names.append(field.name)
        if field.name in short:
            properties[short[field.name]] = {**schema, "description": "Its name, or its id."}
            names.append(short[field.name])
        if _is_required(field):
            required.append(
                {"required": names} if len(names) == 1 else {"anyOf": [{"required": [each]} for each in names]}
            )
    schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    if allowed:
        schema["patternProperties"] = allowed
    exclusions = [
        _at_most_one([each.json_name for each in oneof.fields]) for oneof in message.oneofs if len(oneof.fields) > 1
    ]
    if required or exclusions:
        schema["allOf"] = [*required, *exclusions]
    return schema


def _at_most_one(names: Sequence[str]) -> Schema:
    pairs = [{"required": [one, other]} for place, one in enumerate(names) for other in names[place + 1 :]]
    return {"not": {"anyOf": pairs}}


def _nullable(schema: Schema) -> Schema:
    """Also nothing: a key without a value is the same as no key."""
    kind = schema.get("type")
    if isinstance(kind, str) and "enum" not in schema and "const" not in schema:
        return {**schema, "type": [kind, "null"]}
    return {"anyOf": [schema, {"type": "null"}]} if schema else {}


def _field(field: FieldDescriptor, definitions: dict[str, Schema]) -> Schema:
    rules = _rules(field)
    said = {"description": " ".join(rule.message for rule in rules.cel)} if rules.cel else {}
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        values = _single(_message_type(field).fields_by_name["value"], rules.map.values, definitions)
        return {
            "type": "object",
            "additionalProperties": values,
            **_bounds(rules.map, "min_pairs", "minProperties", "max_pairs", "maxProperties"),
            **said,
        }
    if field.is_repeated:
        items = _single(field, rules.repeated.items, definitions)
        unique = {"uniqueItems": True} if rules.repeated.unique else {}
        bounds = _bounds(rules.repeated, "min_items", "minItems", "max_items", "maxItems")
        return {"type": "array", "items": items, **bounds, **unique, **said}
    return {**_single(field, rules, definitions), **said}


def _single(field: FieldDescriptor, rules: validate_pb2.FieldRules, definitions: dict[str, Schema]) -> Schema:
    """One value."""
    if field.message_type is not None:
        return _reference(field, definitions)
    if field.enum_type is not None:
        names = enum_names(field.enum_type)
        if field.enum_type.name == _KIND_ENUM:
            return {"anyOf": [{"enum": list(names)}, {"type": "string", "pattern": "^[A-Za-z_-]+$"}]}
        return {"enum": [*names.values(), *(name for name in names if name not in names.values())]}
    if field.cpp_type in _WHOLE:
        return _whole_number(field, rules)
    if field.cpp_type in _FLOATS:
        return {"type": "number"}
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return {"type": "boolean"}
    if field.type == FieldDescriptor.TYPE_BYTES:
        return {"type": "string", "contentEncoding": "base64"}
    return _text(rules)


def _reference(field: FieldDescriptor, definitions: dict[str, Schema]) -> Schema:
    message = _message_type(field)
    if message.full_name in _KNOWN:
        return dict(_KNOWN[message.full_name])
    name = message.full_name
    if name not in definitions:
        definitions[name] = {}
        definitions[name] = _object(message, definitions)
    pointer: Schema = {"$ref": f"#/$defs/{name}"}
    return {"anyOf": [{"type": "string", "minLength": 1}, pointer]} if name == shortcuts.REFERENCE else pointer


def _text(rules: validate_pb2.FieldRules) -> Schema:
    text = rules.string
    schema: Schema = {"type": "string"}
    if text.HasField("const"):
        return {"const": text.const}
    if getattr(text, "in"):
        return {"enum": list(getattr(text, "in"))}
    if text.HasField("min_len"):
        schema["minLength"] = text.min_len
    if text.HasField("max_len"):
        schema["maxLength"] = text.max_len
    if text.HasField("pattern"):
        schema["pattern"] = text.pattern
    if text.WhichOneof("well_known") == "uri":
        schema["format"] = "uri"
    return schema


def _whole_number(field: FieldDescriptor, rules: validate_pb2.FieldRules) -> Schema:
    least, most = _WHOLE[field.cpp_type]
    chosen = rules.WhichOneof("type")
    numbers: Any = getattr(rules, chosen) if chosen in ("int32", "uint32", "int64", "uint64") else None
    if numbers is not None:
        least = numbers.gte if numbers.HasField("gte") else numbers.gt + 1 if numbers.HasField("gt") else least
        most = numbers.lte if numbers.HasField("lte") else numbers.lt - 1 if numbers.HasField("lt") else most
    whole: Schema = {"type": "integer", "minimum": least, "maximum": most}
    return {"anyOf": [whole, {"type": "string", "pattern": "^[-+]?[0-9]+$"}]} if field.cpp_type in _LONG else whole


def _is_required(field: FieldDescriptor) -> bool:
    """Whether a document without it breaks a rule: it is required, or empty is too little."""
    rules = _rules(field)
    if rules.required:
        return True
    if field.is_repeated:
        return rules.repeated.min_items > 0 or rules.map.min_pairs > 0
    if field.message_type is not None:
        return False
    text = rules.string
    return text.min_len > 0 or bool(text.const) or any(bound > 0 for bound in (rules.int32.gte, rules.uint32.gte))


def _bounds(rules: Any, least: str, least_name: str, most: str, most_name: str) -> Schema:
    pairs = ((least, least_name), (most, most_name))
    return {name: getattr(rules, bound) for bound, name in pairs if rules.HasField(bound)}


def _message_type(field: FieldDescriptor) -> Descriptor:
    return cast(Descriptor, field.message_type)


@cache
def _rules(field: FieldDescriptor) -> validate_pb2.FieldRules:
    return field.GetOptions().Extensions[validate_pb2.field]
