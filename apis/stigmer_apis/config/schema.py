"""The settings as a list, made from the model."""

import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from difflib import get_close_matches
from typing import Final, cast

from stigmer_apis.config.model import ABOUT, About, Settings

_VARIABLES: Final = "variables"
"""The part of the model that has no keys in the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting."""

    key: str
    """`backend.local.llm.model`; for one of the environment alone its variable."""
    path: tuple[str, ...]
    """Where it stands in the model."""
    kind: type
    """Its type: bool, int, float, str, Path, or an Enum."""
    default: object
    about: About
    in_file: bool
    """Whether the file may have it."""


def _settings(model: type, path: tuple[str, ...]) -> Iterator[Setting]:
    hints = typing.get_type_hints(model)
    for each in cast("tuple[Field[object], ...]", fields(model)):
        kind: type[object] = _kind(hints[each.name])
        where = (*path, each.name)
        if is_dataclass(kind):
            yield from _settings(kind, where)
            continue
        about = cast("About", each.metadata[ABOUT])
        in_file = path[:1] != (_VARIABLES,)
        yield Setting(
            key=".".join(where) if in_file else about.variables[0],
            path=where,
            kind=kind,
            default=None if each.default is MISSING else each.default,
            about=about,
            in_file=in_file,
        )


def _kind(hint: object) -> type[object]:
    """The type of a field; of `X | None`, X."""
    if isinstance(hint, types.UnionType):
        [hint] = [member for member in hint.__args__ if member is not types.NoneType]
    return cast("type[object]", hint)


SETTINGS: Final[Mapping[str, Setting]] = {setting.key: setting for setting in _settings(Settings, ())}
"""Every setting by its key, in the order of the model."""


def sections() -> frozenset[tuple[str, ...]]:
    """The paths that have settings below them, in the file."""
    return frozenset(
        setting.path[:depth] for setting in SETTINGS.values() if setting.in_file for depth in range(len(setting.path))
    )


def names_below(path: tuple[str, ...]) -> tuple[str, ...]:
    """What a section of the file may hold: settings, sections, and older names."""
    found: dict[str, None] = {}
    for setting in SETTINGS.values():
        if setting.in_file and setting.path[: len(path)] == path and len(setting.path) > len(path):
            found[setting.path[len(path)]] = None
            if len(setting.path) == len(path) + 1:
                found.update(dict.fromkeys(name for name in setting.about.older if name.islower()))
    return tuple(found)


def nearest(name: str, known: typing.Iterable[str]) -> str:
    """The known name that is most like `name`; empty where none is."""
    known = list(known)
    found = get_close_matches(name, known, n=1, cutoff=0.6)
    if not found:
        tails = {each.rpartition(".")[2]: each for each in known}
        found = [tails[tail] for tail in get_close_matches(name.rpartition(".")[2], tails, n=1, cutoff=0.75)]
    return found[0] if found else ""


def build(values: Mapping[tuple[str, ...], object]) -> Settings:
    """The model with these values, by path; what is not named has its default."""
    return cast("Settings", _built(Settings, (), values))


def _built(model: type, path: tuple[str, ...], values: Mapping[tuple[str, ...], object]) -> object:
    hints, given = typing.get_type_hints(model), dict[str, object]()
    for each in cast("tuple[Field[object], ...]", fields(model)):
        kind, where = _kind(hints[each.name]), (*path, each.name)
        if is_dataclass(kind):
            given[each.name] = _built(kind, where, values)
        elif where in values:
            given[each.name] = values[where]
    return cast("Callable[..., object]", model)(**given)


VARIABLES: Final[Mapping[str, Setting]] = {
    name: setting
    for setting in SETTINGS.values()
    for name in (*setting.about.variables, *(older for older in setting.about.older if older.isupper()))
}
"""Every variable, and the setting that it sets."""
