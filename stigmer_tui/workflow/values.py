"""JSON as rows that can be folded: what tasks take and give."""

import json
from collections.abc import Iterator, Set
from dataclasses import dataclass
from typing import cast

from google.protobuf.json_format import MessageToDict, Parse
from google.protobuf.struct_pb2 import Value

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

MOST_ITEMS = 20
"""Entries of a list or a mapping that are shown before it is unfolded."""
MOST_SHOWN = 2_000
"""The same of one that is unfolded."""
DEEPEST = 3
"""Levels that are shown before something in them is unfolded."""
LONGEST = 300
"""Characters of a text that are shown before it is unfolded."""
CUT = "$cut"
"""What a value that was too large for its event says in its place: how many bytes it has."""


class _Everything(frozenset[str]):
    """Contains every path."""

    def __contains__(self, path: object) -> bool:
        return True


EVERYTHING: frozenset[str] = _Everything()
"""Unfolds all of a value."""


@dataclass(frozen=True, slots=True)
class JsonRow:
    """A row: `name: ` and a text. Foreign, and not safe to draw."""

    depth: int
    name: str
    """Of the entry; empty for items of a list, and for what is whole in a row."""
    text: str
    path: str
    """Which part of the value it is; to unfold it by."""
    folded: bool = False
    """Something of it is not shown."""


def json_of(value: Value) -> Json:
    """A value of an event. Whole numbers are whole again, and names are in the order of the alphabet: messages keep none, and differ from one
    process to the next."""
    return _whole(cast("Json", MessageToDict(value)))


def value_of(value: Json) -> Value:
    """A value as events and requests have it."""
    return Parse(json.dumps(value), Value())


def _whole(value: Json) -> Json:
    match value:
        case float() if value.is_integer() and abs(value) < 1e15:
            return int(value)
        case list():
            return [_whole(item) for item in value]
        case dict():
            return {key: _whole(value[key]) for key in sorted(value)}
        case _:
            return value


def dumped(value: Json, *, indent: int | None = 2) -> str:
    """As JSON text, for copying and the pager."""
    return json.dumps(value, ensure_ascii=False, indent=indent)


def in_one(value: Json, most: int) -> str:
    """In one row of at most so many characters."""
    if isinstance(value, dict) and set(value) == {CUT}:
        return f"{value[CUT]} bytes: too large to be shown here"
    text = value if isinstance(value, str) else json.dumps(_shallow(value, most), ensure_ascii=False)
    return text if len(text) <= most else text[: max(1, most - 1)] + "…"


def _shallow(value: Json, most: int) -> Json:
    """No more of it than fits: a large value is not written out for one row."""
    match value:
        case list() if len(value) > most // 2:
            return [_shallow(item, most) for item in value[: most // 2 + 1]]
        case dict() if len(value) > most // 4:
            return {key: _shallow(item, most) for key, item in list(value.items())[: most // 4 + 1]}
        case str():
            return value[: most + 1]
        case list():
            return [_shallow(item, most) for item in value]
        case dict():
            return {key: _shallow(item, most) for key, item in value.items()}
        case _:
            return value


def rows_of(value: Json, unfolded: Set[str], path: str = "") -> Iterator[JsonRow]:
    """A value in rows. What is deep, long or many is one row, until its path is among `unfolded`."""
    yield from _rows(value, "", 0, path, unfolded)


def _rows(value: Json, name: str, depth: int, path: str, unfolded: Set[str]) -> Iterator[JsonRow]:
    wide = path in unfolded
    match value:
        case dict() if set(value) == {CUT}:
            yield JsonRow(depth, name, in_one(value, LONGEST), path)
        case dict() if value:
            yield from _entries(list(value.items()), f"{{{_many(len(value), 'field')}}}", name, depth, path, unfolded)
        case list() if value:
            entries = [(f"{place}", item) for place, item in enumerate(value)]
            yield from _entries(entries, f"[{_many(len(value), 'item')}]", name, depth, path, unfolded)
        case str() if value:
            shown = value if wide else value[:LONGEST]
            first, *rest = shown.split("\n") if wide else shown.split("\n")[:3]
            folded = len(value) > LONGEST or value.count("\n") > 2
            more = "" if wide or not folded else f" … {len(value)} characters"
            yield JsonRow(depth, name, first + ("" if rest else more), path, folded and not wide)
            for place, line in enumerate(rest, 1):
                yield JsonRow(depth + 1, "", line + (more if place == len(rest) else ""), path, folded and not wide)
        case _:
            yield JsonRow(depth, name, json.dumps(value), path)


def _entries(
    entries: list[tuple[str, Json]], summary: str, name: str, depth: int, path: str, unfolded: Set[str]
) -> Iterator[JsonRow]:
    wide = path in unfolded
    if depth >= DEEPEST and not wide:
        yield JsonRow(depth, name, summary, path, folded=True)
        return
    inner = depth
    if name:
        yield JsonRow(depth, name, "", path)
        inner += 1
    most = MOST_SHOWN if wide else MOST_ITEMS
    for key, item in entries[:most]:
        yield from _rows(item, key, inner, f"{path}/{key}", unfolded)
    if len(entries) > most:
        left = len(entries) - most
        yield JsonRow(inner, "", f"… {_many(left, 'more')}", path, folded=not wide)


def _many(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 or word == 'more' else 's'}"
