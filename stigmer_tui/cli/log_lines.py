"""The lines of the logs of daemon and runner, text or JSON, as a person reads them."""

import collections
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from stigmer_tui.text import safe

LONGEST = 64 * 1024
"""Bytes of one line that are read at once; a longer one is shown in pieces."""


@dataclass(frozen=True, slots=True)
class LogView:
    """Which lines are shown, and how."""

    execution: str = ""
    """Only those about this execution; empty: all."""
    raw: bool = False
    """As they are in the file."""

    def shown(self, line: str) -> list[str]:
        """What a line of the file becomes: none, or some."""
        if self.execution and self.execution not in line:
            return []
        if self.raw or not line.startswith("{"):
            return [safe(line)]
        return [safe(each) for each in readable(line)]


@dataclass(frozen=True, slots=True)
class Place:
    """How far a file was read. A file that took its place is another one, and read from its begin."""

    device: int
    inode: int
    offset: int


def readable(line: str) -> list[str]:
    """A JSON line in the form of a text line, its traceback below it. What is no line of ours stays as it is."""
    try:
        document: object = json.loads(line)
    except (ValueError, RecursionError):
        return [line]
    if not isinstance(document, dict):
        return [line]
    fields = {name: value for name, value in cast("dict[str, object]", document).items() if isinstance(value, str)}
    if not {"time", "level", "logger", "message"} <= fields.keys():
        return [line]
    about = fields.get("execution", "")
    tail = f" [{about}]" if about and about not in fields["message"] else ""
    first = f"{fields['time']} {fields['level'].upper()} {fields['logger']}: {fields['message']}{tail}"
    return [first, *fields.get("trace", "").splitlines()]


def last_lines(path: Path, count: int, view: LogView) -> tuple[list[str], Place]:
    """The last `count` lines that are shown, from the files that were set aside too where this one has fewer; and how far was read."""
    shown, place = _read(path, 0, view, count)
    number = 1
    while len(shown) < count and (aside := path.with_name(f"{path.name}.{number}")).exists():
        before, _ = _read(aside, 0, view, count - len(shown))
        shown = before + shown
        number += 1
    return shown, place


def lines_after(path: Path, place: Place, view: LogView) -> tuple[list[str], Place]:
    """What came after `place`; a log that was set aside since is read to its end, and the new one from its begin."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return [], place
    if (found.st_dev, found.st_ino) == (place.device, place.inode):
        return _read(path, place.offset if place.offset <= found.st_size else 0, view, None)
    missed: list[str] = []
    aside = path.with_name(f"{path.name}.1")
    if aside.exists() and aside.stat().st_ino == place.inode:
        missed, _ = _read(aside, place.offset, view, None)
    fresh, place = _read(path, 0, view, None)
    return missed + fresh, place


def _read(path: Path, offset: int, view: LogView, count: int | None) -> tuple[list[str], Place]:
    """Whole lines from `offset` on, the last `count` of them; a line that is being written waits for its end."""
    with path.open("rb") as log:
        log.seek(offset)
        shown = collections.deque[str](maxlen=count)
        for line in _whole_lines(log.fileno(), offset):
            offset += len(line)
            shown.extend(view.shown(line.decode("utf-8", "replace").rstrip("\r\n")))
        found = os.fstat(log.fileno())
    return list(shown), Place(found.st_dev, found.st_ino, offset)


def _whole_lines(descriptor: int, offset: int) -> Iterator[bytes]:
    """Lines with their ends; one past `LONGEST` in pieces."""
    rest = b""
    while data := os.pread(descriptor, LONGEST, offset):
        offset += len(data)
        *lines, rest = (rest + data).split(b"\n")
        yield from (line + b"\n" for line in lines)
        while len(rest) >= LONGEST:
            yield rest[:LONGEST]
            rest = rest[LONGEST:]
