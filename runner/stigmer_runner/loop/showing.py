"""A tool call's arguments as an event tells them: whatever a model wrote."""

import json
import math
from collections.abc import Mapping
from typing import cast

from google.protobuf.json_format import Parse, ParseError
from google.protobuf.struct_pb2 import Struct

LONGEST_TEXT = 64 * 1024
"""Characters of one text that are shown; what runs has it whole."""
LONGEST = 256 * 1024
"""Bytes of all arguments that are shown one by one."""
DEEPEST = 16
"""Levels: a message that is nested deeper cannot be read again."""


def shown_arguments(args_json: str) -> Struct:
    """The arguments as a message; those that are no JSON object, or too much, as one text."""
    shown = Struct()
    try:
        value: object = json.loads(args_json, parse_constant=str)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict) and _depth(cast(object, value)) <= DEEPEST:
        _fill(shown, cast(object, value))
    if not shown.fields or shown.ByteSize() > LONGEST:
        shown.Clear()
    if not shown.fields and args_json.strip() not in ("", "{}"):
        shown.update({"arguments": _short(args_json)})
    return shown


def _fill(shown: Struct, value: object) -> None:
    try:
        Parse(json.dumps(_cut(value)), shown)
    except (ParseError, OverflowError):
        shown.Clear()


def _cut(value: object) -> object:
    match value:
        case str():
            return _short(value)
        case dict():
            return {str(key): _cut(each) for key, each in cast(Mapping[str, object], value).items()}
        case list():
            return [_cut(each) for each in cast(list[object], value)]
        case float() if not math.isfinite(value):
            return str(value)
        case _:
            return value


def _short(text: str) -> str:
    if len(text) <= LONGEST_TEXT:
        return text
    return f"{text[:LONGEST_TEXT]}… [{len(text) - LONGEST_TEXT} characters more]"


def _depth(value: object) -> int:
    deepest, level = 0, [value]
    while level and deepest <= DEEPEST:
        deepest += 1
        inner: list[object] = []
        for each in level:
            if isinstance(each, dict):
                inner.extend(cast(Mapping[str, object], each).values())
            elif isinstance(each, list):
                inner.extend(cast(list[object], each))
        level = inner
    return deepest
