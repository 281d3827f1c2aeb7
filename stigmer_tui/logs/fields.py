"""A line as it is read: JSON folded into time, level, words, and the rest. Pure."""

import json
import re
from collections.abc import Sequence
from typing import cast

_COLOURS = re.compile(rb"\x1b\[[0-9;:]*m")
_TIMES = ("time", "timestamp", "ts", "@timestamp", "t")
_LEVELS = ("level", "severity", "lvl", "levelname")
_WORDS = ("message", "msg", "event")
_PAIR = re.compile(r'(?<![\w.@-])([A-Za-z_@][\w.@-]*)=("(?:[^"\\]|\\.)*"|\S*)')
LONGEST = 1 << 14
"""Bytes of a line that is taken apart; a longer one is shown as it is."""


def plain(line: bytes) -> str:
    """A line without a terminal's colours. Still foreign text."""
    return (_COLOURS.sub(b"", line) if b"\x1b" in line else line).decode("utf-8", "replace")


def document(line: bytes) -> dict[str, object] | None:
    """The JSON object of a line, if it is one; a name in front of a merged line does not count."""
    begin = line.find(b"{")
    if begin < 0 or len(line) > LONGEST or not line.rstrip().endswith(b"}"):
        return None
    try:
        found: object = json.loads(line[begin:])
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, object]", found) if isinstance(found, dict) else None


def fields_of(line: bytes) -> dict[str, str]:
    """The fields of a line of JSON or of `key=value`, in their order; none where it has none, or is very long."""
    fields = document(line)
    if fields is not None:
        return {name: _short(value) for name, value in fields.items()}
    if len(line) > LONGEST:
        return {}
    return {found[1]: _unquoted(found[2]) for found in _PAIR.finditer(plain(line))}


def _unquoted(value: str) -> str:
    return value[1:-1].replace('\\"', '"') if len(value) > 1 and value[0] == value[-1] == '"' else value


def values_of(line: bytes, names: Sequence[str]) -> list[str] | None:
    """The values of these fields, empty where the line lacks one; None where it has none of them."""
    fields = fields_of(line)
    values = [fields.get(name, "") for name in names]
    return values if any(name in fields for name in names) else None


def in_columns(line: bytes, names: Sequence[str]) -> bytes:
    """A line with its line end, for other programs: the values with tabs between them; what has none of the fields stays as it is."""
    values = values_of(line.rstrip(b"\r\n"), names)
    if values is None:
        return line
    return "\t".join(" ".join(value.split()) for value in values).encode("utf-8", "replace") + b"\n"


def folded(line: bytes) -> tuple[str, str]:
    """What a line says, and what it says beside that: of JSON its time, level and words, and the other fields; of others all, and nothing."""
    fields = document(line) if line[:1] == b"{" or b"\xe2\x94\x82 {" in line[:64] else None
    if fields is None:
        return plain(line), ""
    left = dict(fields)
    head = line[: line.find(b"{")].decode("utf-8", "replace")
    parts = [str(left.pop(name)) for names in (_TIMES, _LEVELS, _WORDS) for name in names[:] if name in left]
    rest = "  ".join(f"{name}={_short(value)}" for name, value in left.items())
    return head + "  ".join(parts), rest


def unfolded(line: bytes) -> str:
    """All of a line: of JSON a field a row."""
    fields = document(line)
    if fields is None:
        return plain(line)
    rows: list[str] = []
    for name, value in fields.items():
        text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
        rows.append(f"{name}: {text}" if "\n" not in text else f"{name}:\n{text}")
    return "\n".join(rows)


def _short(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
