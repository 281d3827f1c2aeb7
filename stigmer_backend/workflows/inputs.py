"""What a workflow execution starts with, as a JSON text."""

import json
from typing import cast

from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import NullValue, Value

from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_pb2 import WorkflowExecutionSpec
from stigmer_apis.errors import FieldViolation, InvalidArgument

CUT_BYTES = 64 << 10
"""A larger value stands in events as its size alone."""
LONGEST_BYTES = 8 << 20
_DEEPEST = 100


def input_of(spec: WorkflowExecutionSpec) -> str:
    """The input of an execution: `input` where it is set, else `trigger_message`, as JSON where it is JSON, else as a text.

    Raises `InvalidArgument` for one that is too long or too deep.
    """
    if spec.HasField("input"):
        return checked(as_json(spec.input), "spec.input")
    said = spec.trigger_message
    if not said:
        return "null"
    try:
        json.loads(said, parse_constant=_no_constant)
    except RecursionError:
        raise _refused("spec.trigger_message", f"is nested more than {_DEEPEST} deep") from None
    except ValueError:
        return checked(json.dumps(said, ensure_ascii=False), "spec.trigger_message")
    return checked(said, "spec.trigger_message")


def checked(text: str, field: str) -> str:
    """`text`, a JSON text. Raises `InvalidArgument` where it is none, or is too long or too deep."""
    if len(text) > LONGEST_BYTES:
        raise _refused(field, f"has {len(text):,} characters; at most {LONGEST_BYTES:,} are taken")
    try:
        deep = _depth(json.loads(text, parse_constant=_no_constant)) > _DEEPEST
    except ValueError as error:
        raise _refused(field, f"is no JSON: {error}") from error
    except RecursionError:
        deep = True
    if deep:
        raise _refused(field, f"is nested more than {_DEEPEST} deep")
    return text


def as_json(value: Value) -> str:
    """A value as a JSON text."""
    return json.dumps(MessageToDict(value), ensure_ascii=False, separators=(",", ":"))


def as_value(text: str) -> Value:
    """A JSON text as a value. A whole number beyond 2^53 loses its last digits: the text keeps them."""
    return _value(json.loads(text))


def shown(text: str) -> Value:
    """A JSON text as it stands in events: cut to its size where it is long."""
    size = len(text.encode("utf-8", "surrogateescape"))
    return as_value(text) if size <= CUT_BYTES else _value({"$cut": size})


def _value(data: object) -> Value:
    match data:
        case None:
            return Value(null_value=NullValue.NULL_VALUE)
        case bool():
            return Value(bool_value=data)
        case int() | float():
            return Value(number_value=float(data))
        case str():
            return Value(string_value=data)
        case list():
            made = Value()
            made.list_value.values.extend(_value(one) for one in cast("list[object]", data))
            made.list_value.SetInParent()
            return made
        case _:
            made = Value()
            made.struct_value.SetInParent()
            for key, one in cast("dict[str, object]", data).items():
                made.struct_value.fields[key].CopyFrom(_value(one))
            return made


def _depth(data: object) -> int:
    """How deep plain data is nested."""
    deepest, level = 0, [data]
    while level:
        below: list[object] = []
        for one in level:
            if isinstance(one, dict):
                below.extend(cast("dict[str, object]", one).values())
            elif isinstance(one, list):
                below.extend(cast("list[object]", one))
        deepest, level = deepest + 1, below
        if deepest > _DEEPEST:
            break
    return deepest


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


def _refused(field: str, what: str) -> InvalidArgument:
    return InvalidArgument(
        f"the input {what}",
        remedy="give a JSON text; larger data belongs into a file of the workspace",
        violations=[FieldViolation(field, "stigmer.workflow.input", what)],
    )
