"""What arguments a tool takes: told to the model as a JSON schema, and checked by the same words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, cast

from stigmer_runner.models.port import ToolSpec
from stigmer_runner.tools.interface import Arguments, ToolArgumentError

LONGEST = 1024 * 1024
"""Characters of one text argument, unless its parameter says otherwise."""

Kind = Literal["string", "integer", "number", "boolean", "array"]


@dataclass(frozen=True)
class Parameter:
    """One argument."""

    name: str
    kind: Kind
    description: str
    required: bool = False
    default: str | int | float | bool | None = None
    """What it is where it is not given; None: it is left out."""
    least: float | None = None
    """Of a number."""
    most: float | None = None
    """Of a number; of a text the characters; of an array its items."""
    choices: tuple[str, ...] = ()
    items: "tuple[Parameter, ...]" = ()
    """Of an array of objects: the fields of each. Empty: an array of texts."""

    def schema(self) -> dict[str, object]:
        """Its JSON schema."""
        schema: dict[str, object] = {"type": self.kind, "description": self.description}
        if self.choices:
            schema["enum"] = list(self.choices)
        if self.kind in ("integer", "number"):
            schema |= {
                key: bound for key, bound in (("minimum", self.least), ("maximum", self.most)) if bound is not None
            }
        if self.kind == "array":
            schema["items"] = object_schema(self.items) if self.items else {"type": "string"}
        return schema


def object_schema(parameters: Sequence[Parameter]) -> dict[str, object]:
    """The JSON schema of an object with these fields and no others."""
    return {
        "type": "object",
        "properties": {parameter.name: parameter.schema() for parameter in parameters},
        "required": [parameter.name for parameter in parameters if parameter.required],
        "additionalProperties": False,
    }


@dataclass(frozen=True)
class Signature:
    """The name, the description and the parameters of a tool."""

    name: str
    description: str
    parameters: tuple[Parameter, ...] = ()

    @cached_property
    def spec(self) -> ToolSpec:
        """As a model is told."""
        return ToolSpec(self.name, self.description, object_schema(self.parameters))

    def check(self, arguments: Arguments) -> Arguments:
        """`arguments` with defaults filled in. Raises `ToolArgumentError`."""
        return _object(self.name, "", self.parameters, arguments)


def _object(tool: str, where: str, parameters: Sequence[Parameter], given: Mapping[str, object]) -> Arguments:
    known = {parameter.name for parameter in parameters}
    strange = [name for name in given if name not in known]
    if strange:
        raise ToolArgumentError(
            f"{tool}: there is no argument {where}{strange[0][:100]!r}: it takes {', '.join(sorted(known)) or 'none'}"
        )
    checked: dict[str, object] = {}
    for parameter in parameters:
        value = given.get(parameter.name)
        if value is None:
            if parameter.required:
                raise ToolArgumentError(f"{tool}: the argument {where}{parameter.name!r} is missing")
            if parameter.default is not None:
                checked[parameter.name] = parameter.default
            continue
        checked[parameter.name] = _value(tool, where, parameter, value)
    return checked


def _value(tool: str, where: str, parameter: Parameter, value: object) -> object:
    name = f"{where}{parameter.name}"
    match parameter.kind:
        case "string":
            return _string(tool, name, parameter, value)
        case "boolean":
            if isinstance(value, bool):
                return value
        case "integer" | "number":
            number = _number(parameter.kind, value)
            if number is not None:
                _bounded(tool, name, parameter, number)
                return number
        case "array":
            if isinstance(value, list | tuple):
                return _array(tool, name, parameter, cast("Sequence[object]", value))
    raise ToolArgumentError(f"{tool}: {name!r} has to be of type {parameter.kind}, not {type(value).__name__}")


def _string(tool: str, name: str, parameter: Parameter, value: object) -> str:
    if not isinstance(value, str):
        raise ToolArgumentError(f"{tool}: {name!r} has to be of type string, not {type(value).__name__}")
    longest = LONGEST if parameter.most is None else int(parameter.most)
    if len(value) > longest:
        raise ToolArgumentError(f"{tool}: {name!r} has {len(value):,} characters, and at most {longest:,} are taken")
    if "\0" in value:
        raise ToolArgumentError(f"{tool}: {name!r} holds a NUL character: leave it out")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise ToolArgumentError(f"{tool}: {name!r} holds half a surrogate pair, which is no text")
    if parameter.choices and value not in parameter.choices:
        raise ToolArgumentError(f"{tool}: {name!r} has to be one of {', '.join(parameter.choices)}")
    return value


def _number(kind: Kind, value: object) -> int | float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and value.is_integer():  # a Struct knows no integers
        return int(value)
    return value if kind == "number" or isinstance(value, int) else None


def _bounded(tool: str, name: str, parameter: Parameter, number: float) -> None:
    low, high = parameter.least, parameter.most
    if not (low is None or number >= low) or not (high is None or number <= high) or number != number:
        raise ToolArgumentError(f"{tool}: {name!r} is {number}, and has to be from {low} to {high}")


def _array(tool: str, name: str, parameter: Parameter, value: Sequence[object]) -> object:
    most = 1000 if parameter.most is None else int(parameter.most)
    if len(value) > most:
        raise ToolArgumentError(f"{tool}: {name!r} has {len(value):,} items, and at most {most:,} are taken")
    if not parameter.items:
        each = Parameter(name, "string", "")
        return [_string(tool, f"{name}[{number}]", each, item) for number, item in enumerate(value)]
    checked: list[object] = []
    for number, item in enumerate(value):
        if not isinstance(item, Mapping):
            raise ToolArgumentError(f"{tool}: {name}[{number}] has to be an object, not {type(item).__name__}")
        checked.append(_object(tool, f"{name}[{number}].", parameter.items, cast("Mapping[str, object]", item)))
    return checked


def text(arguments: Arguments, name: str) -> str:
    """The text argument `name`, empty where it was not given."""
    value = arguments.get(name, "")
    assert isinstance(value, str)
    return value


def whole(arguments: Arguments, name: str) -> int:
    """The integer argument `name`, which has a default."""
    value = arguments[name]
    assert isinstance(value, int)
    return value


def decimal(arguments: Arguments, name: str) -> float:
    """The number argument `name`, which has a default."""
    value = arguments[name]
    assert isinstance(value, int | float)
    return float(value)


def flag(arguments: Arguments, name: str) -> bool:
    """The boolean argument `name`, False where it was not given."""
    return arguments.get(name) is True


def texts(arguments: Arguments, name: str) -> list[str]:
    """The texts of the array argument `name`."""
    return [item for item in cast("Sequence[object]", arguments.get(name, ())) if isinstance(item, str)]


def objects(arguments: Arguments, name: str) -> list[Arguments]:
    """The objects of the array argument `name`."""
    return [cast(Arguments, item) for item in cast("Sequence[object]", arguments.get(name, ()))]
