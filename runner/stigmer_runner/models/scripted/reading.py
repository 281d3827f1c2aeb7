"""Scripts from YAML. `docs/scripted-provider.md` describes the form."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar, cast

import yaml

from stigmer_runner.errors import RunnerError
from stigmer_runner.models.scripted.script import (
    Conversation,
    Fault,
    FaultKind,
    Script,
    ScriptedCall,
    ScriptedUsage,
    Turn,
)


class ScriptRefused(RunnerError):
    """The script cannot be read; the text says where and why."""


def read_script(path: Path) -> Script:
    """The script in a file. Raises ScriptRefused."""
    try:
        return parse_script(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ScriptRefused(f"{path} cannot be read: {error}") from error
    except ScriptRefused as error:
        raise ScriptRefused(f"{path}: {error}") from error


def parse_script(text: str) -> Script:
    """The script in `text`. Raises ScriptRefused."""
    try:
        document: object = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ScriptRefused(f"not YAML: {error}") from error
    top = _object(document, "the script")
    _known(top, ("model", "pullable", "turns", "conversations"), "the script")
    conversations: list[Conversation] = []
    for number, entry in enumerate(_list(top.get("conversations"), "conversations"), 1):
        where = f"conversations[{number}]"
        fields = _object(entry, where)
        _known(fields, ("when", "turns"), where)
        conversations.append(Conversation(_turns(fields.get("turns"), where), str(fields.get("when", ""))))
    if turns := _turns(top.get("turns"), "the script"):
        conversations.append(Conversation(turns))
    if not conversations:
        raise ScriptRefused("it has no turns")
    pullable = tuple(str(name) for name in _list(top.get("pullable"), "pullable"))
    return Script(tuple(conversations), str(top.get("model", "scripted")), pullable)


def _turns(value: object, where: str) -> tuple[Turn, ...]:
    return tuple(_turn(entry, f"{where}, turn {number}") for number, entry in enumerate(_list(value, where), 1))


def _turn(value: object, where: str) -> Turn:
    fields = dict(_object(value, where))
    calls = tuple(
        _flat(ScriptedCall, _object(each, f"{where}: a call"), f"{where}: a call")
        for each in _list(fields.pop("calls", None), where)
    )
    usage = _flat(ScriptedUsage, _object(fields.pop("usage", {}), f"{where}: usage"), f"{where}: usage")
    fault = fields.pop("fault", None)
    return dataclasses.replace(
        _flat(Turn, fields, where),
        calls=calls,
        usage=usage,
        fault=None if fault is None else _fault(fault, f"{where}: fault"),
    )


def _fault(value: object, where: str) -> Fault:
    fields = dict(_object({"kind": value} if isinstance(value, str) else value, where))
    name = fields.pop("kind", "")
    kinds = {kind.value: kind for kind in FaultKind}
    if not isinstance(name, str) or name not in kinds:
        raise ScriptRefused(f"{where}: `{name}` is no kind of fault. Known are {', '.join(kinds)}")
    return dataclasses.replace(_flat(Fault, {"kind": "", **fields}, where), kind=kinds[name])


_Flat = TypeVar("_Flat", Turn, ScriptedCall, ScriptedUsage, Fault)


def _flat(kind: type[_Flat], values: Mapping[str, object], where: str) -> _Flat:
    """A dataclass of plain values; every value has the type of the field's default."""
    names = {item.name: item for item in dataclasses.fields(kind)}
    _known(values, tuple(names), where)
    for name, value in values.items():
        if not _fits(names[name].default, value):
            raise ScriptRefused(f"{where}: `{name}` cannot be {value!r}")
    try:
        return cast(_Flat, cast(Callable[..., object], kind)(**values))
    except TypeError as error:
        raise ScriptRefused(f"{where}: {error}") from error


def _fits(default: object, value: object) -> bool:
    """Whether `value` can stand where `default` does."""
    if default is dataclasses.MISSING:
        return isinstance(value, str | Mapping)
    if default is None or isinstance(default, float):
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is type(default)


def _known(fields: Mapping[str, object], names: Sequence[str], where: str) -> None:
    for name in fields:
        if name not in names:
            raise ScriptRefused(f"{where}: `{name}` is unknown. Known are {', '.join(names)}")


def _object(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in cast(Mapping[object, object], value)):
        raise ScriptRefused(f"{where} is no mapping")
    return cast(Mapping[str, object], value)


def _list(value: object, where: str) -> Sequence[object]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise ScriptRefused(f"{where}: a list is wanted")
    return cast(Sequence[object], value)
