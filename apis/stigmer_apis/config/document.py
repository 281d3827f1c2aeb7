"""The text of `config.yaml` as sections and scalars that know their places. It is YAML's small part that settings need: no lists, aliases, tags or
second documents, so that every value has one line, and an edit one place."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import yaml
from yaml.events import (
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
)

from stigmer_apis.errors import ConfigError

MOST_BYTES: Final = 256 * 1024
"""A larger file is not read."""
DEEPEST: Final = 8
"""Sections in sections."""
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value."""

    text: str
    is_plain: bool
    """Whether it stands without quotes."""
    line: int
    """From 1, as is `column`."""
    column: int
    start: int
    """Its first character in the text, and in `end` the one after its last."""
    end: int

    @property
    def is_null(self) -> bool:
        """Whether it says nothing."""
        return self.is_plain and self.text in _NULLS


@dataclass(frozen=True, slots=True)
class Entry:
    """A name and what stands behind it."""

    name: Scalar
    value: "Scalar | Section"


@dataclass(frozen=True, slots=True)
class Section:
    """Entries, in their order."""

    entries: tuple[Entry, ...]
    in_braces: bool
    """Whether it is written as `{...}`."""
    line: int
    column: int
    start: int
    end: int

    def find(self, name: str) -> Entry | None:
        """The entry of that name."""
        return next((entry for entry in self.entries if entry.name.text == name), None)

    @property
    def is_null(self) -> bool:
        """Whether it says nothing."""
        return not self.entries


EMPTY: Final = Section((), False, 1, 1, 0, 0)
"""What a file without a setting holds."""


def read_document(text: str, name: str) -> Section:
    """The sections of `text`; `name` is the file's, for errors. Raises `ConfigError` with line and column for what is not of this form."""
    try:
        return _Reader(yaml.parse(text, Loader=yaml.SafeLoader), name).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        words = error.problem or error.context or "it cannot be read"
        raise ConfigError(f"{where}: this is not YAML: {words}", remedy="mend the line, or take it away") from error
    except yaml.YAMLError as error:
        raise ConfigError(
            f"{name}: it holds a character that YAML does not allow", remedy="write it anew as UTF-8 text"
        ) from error


class _Reader:
    def __init__(self, events: Iterator[Event], name: str) -> None:
        self._events = events
        self._name = name

    def document(self) -> Section:
        """The one document."""
        section = EMPTY
        begun = False
        for event in self._events:
            match event:
                case DocumentStartEvent():
                    if begun:
                        raise self._refused(event, "a second document begins here", "keep one")
                    begun = True
                case ScalarEvent(value="", implicit=(True, _)):
                    continue
                case MappingStartEvent():
                    section = self._section(event, 1)
                case _ if _holds(event):
                    raise self._refused(event, "this is no section of settings", "write `key: value`")
                case _:
                    continue
        return section

    def _section(self, begin: MappingStartEvent, depth: int) -> Section:
        if depth > DEEPEST:
            raise self._refused(begin, f"sections are more than {DEEPEST} deep", "no setting is")
        self._plain(begin)
        entries: list[Entry] = []
        seen: dict[str, int] = {}
        for event in self._events:
            if isinstance(event, MappingEndEvent):
                return Section(tuple(entries), bool(begin.flow_style), *_place(begin), _end(event))
            name = self._scalar(event, "this is no name of a setting")
            if name.text in seen:
                raise self._refused(
                    event, f"{name.text!r} stands here a second time, first in line {seen[name.text]}", "keep one"
                )
            seen[name.text] = name.line
            follow = next(self._events)
            value = (
                self._section(follow, depth + 1)
                if isinstance(follow, MappingStartEvent)
                else self._scalar(follow, f"{name.text!r} is no single value")
            )
            entries.append(Entry(name, value))
        raise AssertionError("the parser ends each section that it begins")

    def _scalar(self, event: Event, otherwise: str) -> Scalar:
        if not isinstance(event, ScalarEvent):
            raise self._refused(event, otherwise, "lists, aliases and references have no place in this file")
        self._plain(event)
        return Scalar(event.value, bool(event.implicit[0]), *_place(event), _end(event))

    def _plain(self, event: "ScalarEvent | MappingStartEvent") -> None:
        if event.tag is not None or event.anchor is not None:
            raise self._refused(event, "tags and anchors have no place in this file", "take them away")

    def _refused(self, event: Event, words: str, remedy: str) -> ConfigError:
        line, column, _ = _place(event)
        return ConfigError(f"{self._name}:{line}:{column}: {words}", remedy=remedy)


def _holds(event: Event) -> bool:
    return isinstance(event, (yaml.events.NodeEvent, MappingEndEvent))


def _place(event: Event) -> tuple[int, int, int]:
    mark = event.start_mark
    assert mark is not None
    return mark.line + 1, mark.column + 1, mark.index


def _end(event: Event) -> int:
    assert event.end_mark is not None
    return event.end_mark.index
