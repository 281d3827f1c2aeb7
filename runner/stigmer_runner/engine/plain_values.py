"""How values between workflows and activities become JSON and come back: as the workflow library does it, at a tenth of its cost.

The library looks every field's type up anew for every value, and copies what it writes. A call of a model carries the whole
conversation, so that both grow with it. What is not understood here is left to the library.
"""

import dataclasses
import functools
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, cast

from stigmer_runner.engine.temporalio_names import (
    AdvancedJSONEncoder,
    CompositePayloadConverter,
    DefaultPayloadConverter,
    JSONPlainPayloadConverter,
    JSONTypeConverter,
)

_Reader: TypeAlias = Callable[[object], object]


class _Encoder(AdvancedJSONEncoder):
    def default(self, o: object) -> object:
        names = _fields(type(o))
        return super().default(o) if names is None else {name: getattr(o, name) for name in names}


class _Dataclasses(JSONTypeConverter):
    def to_typed_value(self, hint: type, value: object) -> object:
        reader = _of_dataclass(hint) if dataclasses.is_dataclass(hint) else None
        return JSONTypeConverter.Unhandled if reader is None else reader(value)


class PlainValues(CompositePayloadConverter):
    """The library's converters, with JSON by this module."""

    def __init__(self) -> None:
        json = JSONPlainPayloadConverter(encoder=_Encoder, custom_type_converters=[_Dataclasses()])
        super().__init__(
            *(
                json if isinstance(each, JSONPlainPayloadConverter) else each
                for each in DefaultPayloadConverter.default_encoding_payload_converters
            )
        )


@functools.cache
def _fields(kind: type) -> tuple[str, ...] | None:
    """The names of a dataclass's fields; None for anything else."""
    return tuple(each.name for each in dataclasses.fields(kind)) if dataclasses.is_dataclass(kind) else None


@functools.cache
def _of_dataclass(kind: type) -> _Reader | None:
    """What makes a value of a dataclass; None where a field is of no type that is understood here."""
    hints = typing.get_type_hints(kind)
    readers = {name: _of_hint(hints[name]) for name in _fields(kind) or ()}
    known = {name: reader for name, reader in readers.items() if reader is not None}
    if len(known) < len(readers):
        return None
    make = cast(Callable[..., object], kind)

    def read(value: object) -> object:
        if not isinstance(value, Mapping):
            raise TypeError(f"expected an object for {kind.__name__}, not {type(value).__name__}")
        given = cast(Mapping[str, object], value)
        return make(**{name: reader(given[name]) for name, reader in known.items() if name in given})

    return read


def _of_hint(hint: object) -> _Reader | None:
    if isinstance(hint, type):
        return _of_class(hint)
    inner = typing.get_args(hint)
    if typing.get_origin(hint) is tuple and len(inner) == 2 and inner[1] is Ellipsis:
        return _sequence(_of_hint(inner[0]))
    if typing.get_origin(hint) in (types.UnionType, typing.Union) and len(inner) == 2 and type(None) in inner:
        return _optional(_of_hint(next(each for each in inner if each is not type(None))))
    return None


def _of_class(kind: type) -> _Reader | None:
    if kind in (str, int, bool):
        return _exactly(kind)
    if kind is float:
        return _number
    return _of_dataclass(kind) if dataclasses.is_dataclass(kind) else None


def _exactly(kind: type) -> _Reader:
    def read(value: object) -> object:
        if not isinstance(value, kind):
            raise TypeError(f"expected {kind.__name__}, not {type(value).__name__}")
        return value

    return read


def _number(value: object) -> object:
    if not isinstance(value, int | float):
        raise TypeError(f"expected a number, not {type(value).__name__}")
    return float(value)


def _sequence(of: _Reader | None) -> _Reader | None:
    if of is None:
        return None

    def read(value: object) -> object:
        if not isinstance(value, list):
            raise TypeError(f"expected a list, not {type(value).__name__}")
        return tuple(map(of, cast(Sequence[object], value)))

    return read


def _optional(of: _Reader | None) -> _Reader | None:
    return None if of is None else lambda value: None if value is None else of(value)
