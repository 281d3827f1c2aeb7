"""Where in a YAML document somebody writes, told from its lines alone: while one writes it is seldom a document. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stigmer_tui.completion.flow_place import flow_place

_LINE = re.compile(r"( *)((?:- +)*)(.*)")
_KEY = re.compile(r"([A-Za-z_][\w.-]*|\"[^\"]*\"|'[^']*'):(?:\s+(.*))?$")
_WORD = re.compile(r"[A-Za-z_$][\w.-]*|")
_FURTHEST = 5000
"""Lines that are looked at above."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one writes."""

    path: tuple[str, ...]
    """Keys from the root to the mapping or list that holds what is written; with a value, its own key is the last one."""
    is_key: bool
    """Whether a key could stand here."""
    is_value: bool
    """Whether a value could: after a key, or as an item of a list. A word alone may become either."""
    written: str
    """What is written of it, up to the cursor."""
    start: int
    """The column where that begins."""
    indent: int
    """The column of the keys of the mapping; -1 in brackets, where all is in one line."""
    siblings: frozenset[str]
    """Keys that the mapping has already."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A line that says something."""

    dash: int
    """Column of its first dash, -1 without one."""
    column: int
    """Where its content begins, after the dashes."""
    key: str
    """Empty where it is no key."""
    value: str


def place_at(lines: Sequence[str], row: int, column: int) -> Place | None:
    """Where the cursor stands; None within a text of several lines, or a comment."""
    line = lines[row]
    before = line[:column]
    if before.lstrip().startswith("#"):
        return None
    spaces, dashes, content = parts_of(before)
    here = _Row(spaces if dashes else -1, spaces + dashes, "", "")
    parents, siblings, in_text = _around(lines, row, here)
    if in_text:
        return None
    keyed = _KEY.fullmatch(content)
    value = content if keyed is None else keyed[2] or ""
    if value[:1] in ("{", "["):
        above = parents if keyed is None else (*parents, _bare(keyed[1]))
        return _in_brackets(above, value, line[column:], column)
    if line[column:].strip():
        return None
    if keyed is not None and keyed[2] is None and not content.endswith(":"):
        return None
    if keyed is not None:
        if content.endswith(":") or value[:1] in ("|", ">", '"', "'", "#", "&", "*") or " #" in value:
            return None
        path = (*parents, _bare(keyed[1]))
        return Place(path, False, True, value, column - len(value), here.column, frozenset())
    if not _WORD.fullmatch(content):
        return Place(parents, False, True, content, column - len(content), here.column, frozenset()) if dashes else None
    return Place(parents, True, bool(dashes), content, column - len(content), here.column, frozenset(siblings))


def _in_brackets(above: tuple[str, ...], value: str, behind: str, column: int) -> Place | None:
    found = flow_place(value, behind)
    if found is None:
        return None
    start = column - len(found.written)
    return Place((*above, *found.path), found.is_key, not found.is_key, found.written, start, -1, found.siblings)


def parts_of(line: str) -> tuple[int, int, str]:
    """Cells of spaces, cells of dashes, and the rest."""
    found = _LINE.fullmatch(line)
    if found is None:
        return 0, 0, line
    return len(found[1]), len(found[2]), found[3]


def _row(line: str) -> _Row | None:
    spaces, dashes, content = parts_of(line.rstrip())
    if content == "-":
        return _Row(spaces, spaces + dashes + 2, "", "")
    if not content or content.startswith(("#", "---")):
        return None
    keyed = _KEY.fullmatch(content)
    key, value = (_bare(keyed[1]), keyed[2] or "") if keyed is not None else ("", content)
    return _Row(spaces if dashes else -1, spaces + dashes, key, value)


def _bare(key: str) -> str:
    return key.strip("\"'")


def _around(lines: Sequence[str], row: int, here: _Row) -> tuple[tuple[str, ...], set[str], bool]:
    """The keys above it, those beside it, and whether it stands in a text of several lines."""
    parents: list[str] = []
    siblings: set[str] = set()
    column, dash = here.column, here.dash
    beside = True
    if dash >= 0:
        column, beside = dash, False
    for above in _upwards(lines, row):
        in_item = dash >= 0
        if above.column < column or (in_item and above.column == column and above.dash < 0 and above.key):
            if above.key and (above.value.startswith(("|", ">")) and not parents):
                return (), set(), True
            if above.key:
                parents.insert(0, above.key)
            column, dash, beside = above.column, -1, False
            if above.dash >= 0:
                column, dash = above.dash, above.dash
            if column == 0 and dash < 0:
                break
        elif above.column == column and not in_item:
            if beside and above.key:
                siblings.add(above.key)
            if above.dash >= 0:
                column, dash, beside = above.dash, above.dash, False
    siblings |= set(_below(lines, row, here.column))
    return tuple(parents), siblings, False


def _upwards(lines: Sequence[str], row: int) -> Iterator[_Row]:
    for number in range(row - 1, max(-1, row - _FURTHEST), -1):
        if lines[number].startswith("---"):
            return
        found = _row(lines[number])
        if found is not None:
            yield found


def _below(lines: Sequence[str], row: int, column: int) -> Iterator[str]:
    """Keys of the same mapping that come after."""
    for number in range(row + 1, min(len(lines), row + _FURTHEST)):
        found = _row(lines[number])
        if found is None:
            continue
        if found.column < column or (found.dash >= 0 and found.dash < column):
            return
        if found.column == column and found.key:
            yield found.key
