"""What a workflow starts with, and what signals bring, from the command line: JSON as text, a file or standard input, and single values over it."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click
from google.protobuf.json_format import Parse
from google.protobuf.struct_pb2 import Value

from stigmer_apis.errors import InvalidArgument

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

LARGEST = 16 << 20
"""Bytes of a file."""


def input_of(source: str | None, settings: Sequence[str]) -> Value | None:
    """The input: JSON of a file or of standard input (`-`), with single values (`a.b=1`) put over it; None where neither is given.

    Raises `InvalidArgument` for what is no JSON, with its line and column.
    """
    if source is None and not settings:
        return None
    value = None if source is None else _read(source)
    for setting in settings:
        value = _put(value, setting)
    return value_of(value)


def data_of(text: str | None) -> Value | None:
    """Data of a signal: JSON, `@FILE`, or `-` for standard input; None where nothing is given."""
    if text is None:
        return None
    if text == "-" or text.startswith("@"):
        return value_of(_read(text.removeprefix("@")))
    return value_of(parsed(text, "--data"))


def value_of(value: Json) -> Value:
    """As a request has it."""
    return Parse(json.dumps(value), Value())


def parsed(text: str, where: str) -> Json:
    """JSON. Raises `InvalidArgument`."""
    try:
        value: Json = json.loads(text, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise InvalidArgument(
            f"{where}:{error.lineno}:{error.colno}: this is no JSON: {error.msg}",
            remedy='JSON is such as {"name": "value"}; text alone stands in quotes',
        ) from error
    except (ValueError, RecursionError) as error:
        raise InvalidArgument(f"{where}: this is no JSON: {error}", remedy="write numbers, and less deep") from error
    return value


def _no_number(name: str) -> Json:
    raise ValueError(f"{name} is no number")


def _read(source: str) -> Json:
    if source == "-":
        data = sys.stdin.buffer.read(LARGEST + 1)
    else:
        try:
            with Path(source).open("rb") as file:
                data = file.read(LARGEST + 1)
        except OSError as error:
            raise InvalidArgument(f"{source} cannot be read: {error.strerror}", remedy="name a file of JSON") from error
    if len(data) > LARGEST:
        raise InvalidArgument(f"{source} has more than 16 MiB", remedy="give the workflow a place to read it from")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidArgument(f"{source} is no text in UTF-8", remedy="store it as UTF-8") from error
    return parsed(text, "standard input" if source == "-" else source)


def _put(value: Json, setting: str) -> Json:
    """One value at its place: `orders.limit=10`. What is no JSON is text."""
    path, equals, text = setting.partition("=")
    steps = path.split(".")
    if not equals or not all(steps):
        raise click.UsageError(f"{setting!r}: a value is set as NAME=VALUE, or NAME.NAME=VALUE")
    try:
        given: Json = json.loads(text)
    except (ValueError, RecursionError):
        given = text
    whole: Json = {} if value is None else value
    below = whole
    for place, step in enumerate(steps):
        if not isinstance(below, dict):
            at = ".".join(steps[:place]) or "the input"
            raise click.UsageError(f"{setting!r}: {at} is no object, so that nothing in it has a name")
        if place == len(steps) - 1:
            below[step] = given
        else:
            below = below.setdefault(step, {})
    return whole
