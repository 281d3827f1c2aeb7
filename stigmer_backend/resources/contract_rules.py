"""The rules that stand in the contract itself (`buf.validate`, CEL included), checked by protovalidate."""

from google.protobuf.message import Message
from protovalidate import Validator, Violation

from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import ApiResourceReference
from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis.errors import FieldViolation

_SEEN_CHARACTERS = 60
_HIDDEN = frozenset(
    {"value", "data", "runtime_env", "headers", "query_params", "env_placeholders", "passphrase", "token"}
)
"""Fields whose values are never repeated, nor what is inside them: they are where secrets are."""
_MENDING = {
    "required": "set it",
    "string.const": "write it exactly so",
    "string.min_len": "write more",
    "string.max_len": "write less",
    "repeated.min_items": "give at least one",
    "repeated.max_items": "send fewer at a time",
    "enum.defined_only": "use a value that the contract names",
}
"""How to mend what breaks a rule, where the rule's own words do not say it."""

_validator = Validator()


def violations_of(message: Message) -> list[FieldViolation]:
    """Every rule that `message` breaks: which field, which rule, what was seen, what to do."""
    return [_told(violation) for violation in _validator.collect_violations(message) if not _tolerated(violation)]


def _tolerated(violation: Violation) -> bool:
    """Whether the contract's own mistake is met: its rule on `environment_refs` asks for 52, while an environment's kind is 53."""
    value: object = violation.field_value
    return (
        violation.proto.rule_id == "environment_refs.kind"
        and isinstance(value, ApiResourceReference)
        and value.kind == ApiResourceKind.environment
    )


def _told(violation: Violation) -> FieldViolation:
    proto = violation.proto
    path = ""
    hidden = False
    for element in proto.field.elements if proto.field is not None else ():
        hidden = hidden or element.field_name in _HIDDEN
        path += f".{element.field_name}" if path else element.field_name
        if element.subscript is not None:
            subscript = element.subscript.value
            path += f"[{subscript!r}]" if isinstance(subscript, str) else f"[{subscript}]"
    message = proto.message
    seen = "" if hidden else _seen(violation.field_value)
    if seen:
        message += f", not {seen}"
    mending = _MENDING.get(proto.rule_id, "")
    if proto.rule_id.endswith(("owner_scope.platform_or_org_only", "owner_scope.org_or_identity_only")):
        mending = "set metadata.owner_scope to `organization`"
    elif proto.rule_id.endswith("owner_scope.unspecified_only"):
        mending = "leave metadata.owner_scope out"
    return FieldViolation(path, proto.rule_id, f"{message}: {mending}" if mending else message)


def _seen(value: object) -> str:
    """A value as an error repeats it: names, numbers and words, cut; nothing of bytes and messages."""
    match value:
        case bool() | bytes():
            return ""
        case str():
            cut = value if len(value) <= _SEEN_CHARACTERS else value[:_SEEN_CHARACTERS] + "…"
            return repr(cut) if cut else ""
        case int() | float():
            return str(value)
        case _:
            return ""
