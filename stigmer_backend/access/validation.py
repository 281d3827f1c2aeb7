"""Checks requests against the rules in the contract (`buf.validate`), by protovalidate."""

from google.protobuf.message import Message
from protovalidate import Validator, Violation

from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import ApiResourceReference
from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis.errors import FieldViolation, InvalidArgument

_validator = Validator()


def validate(request: object) -> None:
    """Raise `InvalidArgument`, naming each field and rule, when `request` breaks a rule of its message."""
    if not isinstance(request, Message):
        return
    found = [violation for violation in _validator.collect_violations(request) if not _tolerated(violation)]
    if not found:
        return
    told = [_field_violation(violation) for violation in found]
    first = f"{told[0].field}: {told[0].message}" if told[0].field else told[0].message
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    raise InvalidArgument(f"{request.DESCRIPTOR.name} is not valid: {first}{more}", violations=told)


def _tolerated(violation: Violation) -> bool:
    """Whether the contract's own mistake is met: its rule on `environment_refs` asks for 52, while an environment's kind is 53."""
    value: object = violation.field_value
    return (
        violation.proto.rule_id == "environment_refs.kind"
        and isinstance(value, ApiResourceReference)
        and value.kind == ApiResourceKind.environment
    )


def _field_violation(violation: Violation) -> FieldViolation:
    proto = violation.proto
    path = ""
    for element in proto.field.elements if proto.field is not None else ():
        path += f".{element.field_name}" if path else element.field_name
        if element.subscript is not None:
            subscript = element.subscript.value
            path += f"[{subscript!r}]" if isinstance(subscript, str) else f"[{subscript}]"
    return FieldViolation(field=path, rule=proto.rule_id, message=proto.message)
