"""Changes one setting in the text of `config.yaml`, and leaves the rest as the person wrote it: order, comments, quotes, empty lines."""

import re
from collections.abc import Mapping
from typing import Final

from stigmer_apis.config.document import EMPTY, Entry, Scalar, Section, read_document
from stigmer_apis.errors import ConfigError

_INDENT: Final = 2
_SAFE = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./+@-]*")
_MEANS_ELSE: Final = frozenset({"~", "null", "yes", "no", "on", "off", "y", "n"})

Path = tuple[str, ...]


def with_value(text: str, path: Path, value: str, name: str) -> str:
    """The text with `value` at `path`: in its old place, else in its section, else at the end. Raises `ConfigError`."""
    document = read_document(text, name)
    entry = _entry(document, path)
    if entry is not None and isinstance(entry.value, Scalar):
        fresh = _replaced(text, entry, value)
    else:
        fresh = _added(text, document, path, value)
    return _checked(fresh, flat(document) | {path: value}, name)


def without_value(text: str, path: Path, name: str) -> str:
    """The text without the setting at `path`, and without the sections that are empty then. Raises `ConfigError`."""
    document = read_document(text, name)
    kept = {each: value for each, value in flat(document).items() if each != path}
    while len(path) > 1 and len(_section(document, path[:-1]).entries) == 1:
        path = path[:-1]
    section = _section(document, path[:-1])
    position = [entry.name.text for entry in section.entries].index(path[len(path) - 1])
    begin, end = _in_braces(section, position) if section.in_braces else _lines_of(text, section.entries[position])
    return _checked(text[:begin] + text[end:], kept, name)


def flat(section: Section, path: Path = ()) -> dict[Path, str]:
    """Every value that says something, by its path."""
    found: dict[Path, str] = {}
    for entry in section.entries:
        where = (*path, entry.name.text)
        if isinstance(entry.value, Section):
            found |= flat(entry.value, where)
        elif not entry.value.is_null:
            found[where] = entry.value.text
    return found


def quoted(value: str) -> str:
    """`value` as YAML: without quotes where it means itself."""
    if _SAFE.fullmatch(value) and value.lower() not in _MEANS_ELSE:
        return value
    return "'" + value.replace("'", "''") + "'"


def _checked(fresh: str, wanted: Mapping[Path, str], name: str) -> str:
    """`fresh`, once it is seen to say what is wanted and nothing else."""
    try:
        says = flat(read_document(fresh, name))
    except ConfigError:
        says = None
    if says != wanted:
        raise ConfigError(
            f"{name} is written in a way that cannot be changed from here", remedy="change it in an editor"
        )
    return fresh


def _entry(document: Section, path: Path) -> Entry | None:
    entry: Entry | None = None
    section = document
    for place, name in enumerate(path):
        entry = section.find(name)
        if entry is None:
            return None
        if isinstance(entry.value, Section):
            section = entry.value
        elif place < len(path) - 1:
            return None
    return entry


def _section(document: Section, path: Path) -> Section:
    if not path:
        return document
    entry = _entry(document, path)
    assert entry is not None
    assert isinstance(entry.value, Section)
    return entry.value


def _replaced(text: str, entry: Entry, value: str) -> str:
    assert isinstance(entry.value, Scalar)
    fresh, start, end = quoted(value), entry.value.start, entry.value.end
    if start == entry.name.end or text[start - 1] == ":":
        fresh = " " + fresh
    if text[start:end].endswith("\n"):
        fresh += _newline(text)
    return text[:start] + fresh + text[end:]


def _added(text: str, document: Section, path: Path, value: str) -> str:
    """In the deepest section of the path that is there."""
    depth, entry, section = 0, None, document
    while (found := section.find(path[depth])) is not None:
        depth, entry = depth + 1, found
        if not isinstance(found.value, Section):
            break
        section = found.value
    rest = path[depth:]
    if entry is not None and isinstance(entry.value, Scalar):
        lines = _lines(rest, value, entry.name.column - 1 + _INDENT, _newline(text))
        start = entry.name.end + 1
        tail = text[max(entry.value.end, start) :]
        return text[:start] + _after_line(tail, lines, _newline(text))
    if section.in_braces:
        inner = quoted(value)
        for name in reversed(rest[1:]):
            inner = f"{{{name}: {inner}}}"
        place = section.end - 1
        before = text[:place].rstrip()
        comma = ", " if section.entries and not before.endswith(",") else ""
        return f"{before}{comma}{rest[0]}: {inner}{text[place:]}"
    if section.entries:
        place = _end_of(section)
        lines = _lines(rest, value, section.entries[0].name.column - 1, _newline(text))
        return text[:place] + _after_line(text[place:], lines, _newline(text))
    assert section == EMPTY
    return _on_a_line(text, _newline(text)) + "".join(_lines(rest, value, 0, _newline(text)))


def _lines(path: Path, value: str, indent: int, newline: str) -> list[str]:
    lines = [f"{' ' * (indent + _INDENT * depth)}{name}:{newline}" for depth, name in enumerate(path[:-1])]
    return [*lines, f"{' ' * (indent + _INDENT * (len(path) - 1))}{path[-1]}: {quoted(value)}{newline}"]


def _after_line(tail: str, lines: list[str], newline: str) -> str:
    """`lines` after the line that `tail` begins in the middle of."""
    if tail.startswith(("\n", "\r")) or "\n" in tail:
        head, _, rest = tail.partition("\n")
        return f"{head}\n{''.join(lines)}{rest}"
    return f"{tail}{newline}{''.join(lines)}"


def _on_a_line(text: str, newline: str) -> str:
    return text if not text or text.endswith("\n") else text + newline


def _end_of(section: Section) -> int:
    """The end of the last value in it that says something: what follows may be comments, which stay where they are."""
    last = section.entries[-1]
    if isinstance(last.value, Section):
        return last.value.end if last.value.in_braces or not last.value.entries else _end_of(last.value)
    return last.value.end if last.value.text else max(last.value.end, last.name.end + 1)


def _lines_of(text: str, entry: Entry) -> tuple[int, int]:
    """From the begin of the entry's first line to that of the line after its last."""
    begin = text.rfind("\n", 0, entry.name.start) + 1
    value = entry.value
    end = _end_of(value) if isinstance(value, Section) and value.entries and not value.in_braces else value.end
    end = max(end, entry.name.end)
    if text[end - 1] == "\n":
        return begin, end
    stop = text.find("\n", end)
    return begin, len(text) if stop < 0 else stop + 1


def _in_braces(section: Section, position: int) -> tuple[int, int]:
    """An entry and one of the commas beside it."""
    entry = section.entries[position]
    if position + 1 < len(section.entries):
        return entry.name.start, section.entries[position + 1].name.start
    if position:
        return section.entries[position - 1].value.end, entry.value.end
    return entry.name.start, entry.value.end


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"
