"""The cascade: flag, then environment, then file, then default."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from stigmer_apis.config.choices import Deployment, LogFormat, Provider
from stigmer_apis.config.document import Entry, Scalar, Section, read_document
from stigmer_apis.config.file import read_file
from stigmer_apis.config.keys import KeyEntry, KeyTable
from stigmer_apis.config.model import Settings
from stigmer_apis.config.origins import Origin, Source
from stigmer_apis.config.parsing import MASK, Refused, parse
from stigmer_apis.config.schema import SETTINGS, VARIABLES, Setting, build, names_below, nearest, sections
from stigmer_apis.errors import ConfigError
from stigmer_apis.home import Home

_DATA_DIR = "backend.local.data_dir"
_NEVER_UNKNOWN = ("STIGMER_HOME",)
_OURS = "STIGMER_"
_VERY_NEAR = 0.85
_MOST_QUOTED = 60


@dataclass(frozen=True, slots=True)
class Value:
    """One setting's value, and where it comes from."""

    value: object
    origin: Origin


@dataclass(frozen=True, slots=True)
class Configuration:
    """All settings of a home, in one moment."""

    file: Path
    settings: Settings
    values: Mapping[str, Value] = field(repr=False)
    """By key; every setting is here."""
    notes: tuple[str, ...] = ()
    """What the person should know: a sentence each, no credential in it."""

    def value_of(self, setting: Setting) -> Value:
        """A setting's value; also of one entry in a section with names of its own."""
        found = self.values.get(setting.key)
        if found is not None:
            return found
        table = self.values[".".join(setting.path[:-1])].value
        entries = table.entries if isinstance(table, KeyTable) else ()
        for entry in entries:
            if entry.action_id == setting.path[-1]:
                return Value(entry.keys, Origin(Source.FILE, setting.key, entry.line))
        return Value("", Origin(Source.DEFAULT))


def load(home: Home, environ: Mapping[str, str] = os.environ, flags: Mapping[str, str] | None = None) -> Configuration:
    """The settings of a home; `flags` are values of the command line by key. Blocking: a small file is read.

    Raises `ConfigError` with every problem at once, a line each, and `HomeError` where the file is there and cannot be read.
    """
    text = read_file(home.config)
    document = read_document(text, str(home.config)) if text.strip() else None
    return resolve(home, document, environ, flags or {})


def resolve(
    home: Home, document: Section | None, environ: Mapping[str, str], flags: Mapping[str, str]
) -> Configuration:
    """The settings from their three places. Raises `ConfigError` with every problem at once."""
    cascade = _Cascade(home)
    if document is not None:
        cascade.take_section(document, ())
    cascade.take_environment(environ)
    cascade.take_flags(flags)
    if cascade.problems:
        raise ConfigError(
            "\n".join(cascade.problems), remedy="`stigmer config list` shows every setting and where it comes from"
        )
    values = cascade.finished()
    settings = build({SETTINGS[key].path: each.value for key, each in values.items()})
    notes = (*cascade.notes, *_credentials_in_file(values, home.config), *_unknown_variables(environ))
    return Configuration(home.config, settings, values, notes)


class _Cascade:
    def __init__(self, home: Home) -> None:
        self._home = home
        self._found: dict[str, Value] = {}
        self.problems: list[str] = []
        self.notes: list[str] = []

    def take_section(self, section: Section, path: tuple[str, ...]) -> None:
        """What the file says."""
        for entry in section.entries:
            where = (*path, entry.name.text)
            key = ".".join(where)
            place = f"{self._home.config}:{entry.name.line}:{entry.name.column}"
            setting = self._setting_of(where)
            if setting is not None and setting.kind is KeyTable:
                self._take_keys(setting, entry, place)
            elif isinstance(entry.value, Section) or (where in sections() and entry.value.is_null):
                if where in sections():
                    self.take_section(entry.value, where) if isinstance(entry.value, Section) else None
                else:
                    self.problems.append(
                        f"{place}: {_unknown(where)}" if setting is None else f"{place}: {key} is a value, no section"
                    )
            elif setting is None:
                known = where in sections()
                self.problems.append(
                    f"{place}: {key} is a section, no value" if known else f"{place}: {_unknown(where)}"
                )
            elif not entry.value.is_null:
                origin = Origin(Source.FILE, key, entry.value.line)
                self._take(
                    setting,
                    entry.value.text,
                    origin,
                    place,
                    older=entry.name.text != setting.path[-1],
                    scalar=entry.value,
                )

    def _take_keys(self, setting: Setting, entry: Entry, place: str) -> None:
        """A section of keys by action; whether there are such actions is for the workstation to say."""
        if isinstance(entry.value, Scalar):
            if not entry.value.is_null:
                self.problems.append(f"{place}: {setting.key} is a section, no value: write `ACTION: KEY` below it")
            return
        found: list[KeyEntry] = []
        for each in entry.value.entries:
            if isinstance(each.value, Section):
                self.problems.append(
                    f"{self._home.config}:{each.name.line}:{each.name.column}: write the action's id in one word, such as"
                    f" `{each.name.text}.verb: KEY`"
                )
            elif not each.value.is_null:
                found.append(KeyEntry(each.name.text, each.value.text, each.name.line))
        self._found[setting.key] = Value(KeyTable(tuple(found)), Origin(Source.FILE, setting.key, entry.name.line))

    def take_environment(self, environ: Mapping[str, str]) -> None:
        """What the environment says; an empty variable says nothing."""
        for setting in SETTINGS.values():
            older = [name for name in setting.about.older if name.isupper()]
            for name in (*setting.about.variables, *older):
                if environ.get(name, "").strip():
                    self._take(setting, environ[name], Origin(Source.ENVIRONMENT, name), name, older=name in older)
                    break

    def take_flags(self, flags: Mapping[str, str]) -> None:
        """What the command line says."""
        for key, text in flags.items():
            self._take(SETTINGS[key], text, Origin(Source.FLAG, f"--{SETTINGS[key].path[-1].replace('_', '-')}"), key)

    def finished(self) -> dict[str, Value]:
        """A value for every setting."""
        values = {
            key: Value(setting.default, Origin(Source.DEFAULT)) for key, setting in SETTINGS.items()
        } | self._found
        deployment = values["ENV"].value
        if "log.format" not in self._found and deployment in (Deployment.STAGING, Deployment.PRODUCTION):
            assert isinstance(deployment, Deployment)
            values["log.format"] = Value(LogFormat.JSON, Origin(Source.DEFAULT, f"because ENV is {deployment.value}"))
        return values

    def _setting_of(self, where: tuple[str, ...]) -> Setting | None:
        for setting in SETTINGS.values():
            if (
                setting.in_file
                and where[:-1] == setting.path[:-1]
                and where[-1] in (setting.path[-1], *setting.about.older)
            ):
                return setting
        return None

    def _take(
        self,
        setting: Setting,
        text: str,
        origin: Origin,
        place: str,
        *,
        older: bool = False,
        scalar: Scalar | None = None,
    ) -> None:
        shown = MASK if setting.about.secret else repr(_short(text.strip()))
        what = f"{place}: {origin.name}" if origin.source is Source.FILE else place
        if scalar is not None and not scalar.is_plain and issubclass(setting.kind, (int, float)):
            self.problems.append(f"{what} is the text {shown}: write it without quotes")
            return
        try:
            value = parse(setting, text)
        except Refused as refused:
            self.problems.append(f"{what} is {MASK if refused.is_private else shown}: {refused}")
            return
        if isinstance(value, Path):
            value = self._home.root / value
            if setting.key == _DATA_DIR and older:
                value = value.parent
        if older and origin.source is Source.FILE and setting.key in self._found:
            self.notes.append(f"{what} is not used: {setting.key} stands in the file too")
            return
        self._found[setting.key] = Value(value, origin)


def _short(text: str) -> str:
    return text if len(text) <= _MOST_QUOTED else text[: _MOST_QUOTED - 3] + "..."


def _unknown(where: tuple[str, ...]) -> str:
    """That there is no such setting, and which is meant."""
    key, parent = ".".join(where), where[:-1]
    beside = [".".join((*parent, name)) for name in names_below(parent)]
    everywhere = [setting.key for setting in SETTINGS.values() if setting.in_file]
    same = [each for each in everywhere if each.endswith(f".{where[-1]}")]
    near = (same[0] if len(same) == 1 else "") or nearest(key, beside) or nearest(key, everywhere)
    hint = f"did you mean {near}?" if near else f"here can stand {', '.join(names_below(parent)) or 'nothing'}"
    return f"there is no setting {key}: {hint}"


def _credentials_in_file(values: Mapping[str, Value], file: Path) -> list[str]:
    provider = values["backend.local.llm.provider"].value
    notes: list[str] = []
    for key, each in values.items():
        about = SETTINGS[key].about
        if not about.secret or each.origin.source is not Source.FILE:
            continue
        move = about.move.format(provider=provider.value if isinstance(provider, Provider) else "NAME")
        better = (
            f"`{move}`, then `stigmer config unset {key}`"
            if move
            else f"set {about.variables[0]} instead, and take it out of the file"
        )
        notes.append(
            f"{file}:{each.origin.line}: a credential stands in this file ({key}). It is used, and safer in the keyring: {better}"
        )
    return notes


def _unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """Variables that look like ours, are none, and are nearly one."""
    notes: list[str] = []
    for name in sorted(environ):
        if name.startswith(_OURS) and name not in VARIABLES and name not in _NEVER_UNKNOWN:
            near = get_close_matches(name, VARIABLES, n=1, cutoff=_VERY_NEAR)
            notes += [f"the variable {name} means nothing to Stigmer: did you mean {each}?" for each in near]
    return notes
