"""What is being written at the cursor: a file after `@`, a command after `/`; and which files a text names."""

import re
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What can be completed."""

    FILE = "file"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is being written."""

    kind: Kind
    query: str
    """What there is of it so far."""
    start: int
    """Column at which it begins, its `@` or `/` included."""


_FILE = re.compile(r'(?:^|(?<=\s))@(?:"(?P<quoted>[^"]*)|(?P<plain>[^\s"]*))$')
_COMMAND = re.compile(r"^/(?P<name>[a-z-]*)$")
_MENTION = re.compile(r'(?:^|(?<=\s))@(?:"(?P<quoted>[^"\n]+)"|(?P<plain>[^\s"]+))')


def wanted_at(before: str, *, first_row: bool) -> Wanted | None:
    """What is being written, from the text of the row before the cursor. A command begins its text: `first_row` says whether this is it."""
    command = _COMMAND.search(before) if first_row else None
    if command is not None:
        return Wanted(Kind.COMMAND, command["name"], 0)
    file = _FILE.search(before)
    if file is None:
        return None
    quoted: str | None = file["quoted"]
    return Wanted(Kind.FILE, file["plain"] if quoted is None else quoted, file.start())


def mention_of(path: str) -> str:
    """How a file is named in a text."""
    return f'@"{path}"' if re.search(r"\s", path) else f"@{path}"


def mentions_in(text: str) -> list[str]:
    """The paths that a text names, in order, each once."""
    found = (match["quoted"] or match["plain"] for match in _MENTION.finditer(text))
    return list(dict.fromkeys(found))
