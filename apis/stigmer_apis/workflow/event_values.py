"""Values in events, where they are to be worked with again: as they were, or not at all."""

import re
from typing import Final

from google.protobuf.struct_pb2 import Value

from stigmer_apis.workflow.document_json import Json

MOST_LEVELS: Final = 24
"""Lists and objects inside each other in an event; what is deeper stands there as JSON text."""
CUT_KEY: Final = "$cut"
_MOST_EXACT = 2**53
_SECRET = re.compile(r"\[secret [^\]]*\]")


class Inexact(Exception):
    """An event does not hold the value as it was; why, in words for a person."""


def exact(value: Value, level: int = 0) -> Json:
    """The value. Raises `Inexact`."""
    match value.WhichOneof("kind"):
        case "bool_value":
            return value.bool_value
        case "number_value":
            return _number(value.number_value)
        case "string_value":
            return _text(value.string_value)
        case "list_value":
            _look(level)
            return [exact(each, level + 1) for each in value.list_value.values]
        case "struct_value":
            _look(level)
            fields = value.struct_value.fields
            if set(fields) == {CUT_KEY}:
                raise Inexact(f"of its {fields[CUT_KEY].number_value:,.0f} bytes only the number is kept")
            return {_text(key): exact(each, level + 1) for key, each in fields.items()}
        case _:
            return None


def _text(text: str) -> str:
    if _SECRET.search(text):
        raise Inexact("it has a secret in it, which is written down nowhere")
    return text


def _look(level: int) -> None:
    if level >= MOST_LEVELS - 1:
        raise Inexact(f"it is nested {MOST_LEVELS} deep, or deeper")


def _number(number: float) -> Json:
    if number != number or number in (float("inf"), float("-inf")):
        raise Inexact("it has a number that JSON has not")
    if abs(number) > _MOST_EXACT:
        raise Inexact("it has a number of more than 15 digits")
    return int(number) if number.is_integer() else number
