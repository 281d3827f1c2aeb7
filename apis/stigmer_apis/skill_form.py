"""The form of a skill: a folder with a `SKILL.md` that begins with front matter. Pure text; whoever reads the YAML brings it parsed.

---
name: digging            1 to 64 of a-z, 0-9 and single hyphens between them; the name of the folder
description: Digs.       1 to 1024 characters: what it teaches, and when to use it
---
The body, which an agent is given when it wants the skill.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

SKILL_MD: Final = "SKILL.md"
MAX_SKILL_MD_BYTES: Final = 1024 * 1024
MAX_PACKED_BYTES: Final = 100 * 1024 * 1024
MAX_UNPACKED_BYTES: Final = 500 * 1024 * 1024
MAX_RATIO: Final = 100
"""Unpacked bytes for one packed."""
MAX_FILES: Final = 10_000
"""Files and directories."""
MAX_NAME: Final = 64
MAX_DESCRIPTION: Final = 1024
MAX_FRONT_MATTER: Final = 64 * 1024
"""Characters."""

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_FENCE = re.compile(r"(?:\A\ufeff?---[ \t]*\r?\n)(.*?)(?:^---[ \t]*(?:\r?\n|\Z))", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class About:
    """What the front matter says."""

    name: str
    """Empty where it says none that can be one."""
    description: str
    allowed_tools: str
    """What the skill would like to be allowed. It is shown to people, and allows nothing."""
    problems: tuple[str, ...]
    """What is not as the form wants it, each a sentence without its stop."""


def is_name(name: str) -> bool:
    """Whether `name` can be a skill's."""
    return len(name) <= MAX_NAME and _NAME.fullmatch(name) is not None


def split(text: str) -> tuple[str, str]:
    """The front matter of a SKILL.md without its fences, and the body. The first is empty where there is none, or where it is too long."""
    found = _FENCE.match(text)
    if found is None or found.end() > MAX_FRONT_MATTER:
        return "", text
    return found[1], text[found.end() :].lstrip("\r\n")


def about(front: object, folder: str) -> About:
    """What `front`, the parsed front matter, says of a skill in a folder called `folder` (empty: not known)."""
    if not isinstance(front, Mapping):
        words = f"{SKILL_MD} has no front matter: begin it with `---`, `name:`, `description:` and `---`, a line each"
        return About("", "", "", (words,))
    given = cast("Mapping[object, object]", front)
    problems: list[str] = []
    name, description = _text(given.get("name")), _text(given.get("description"))
    if not is_name(name):
        problems.append(
            f"the name {name[:80]!r} in {SKILL_MD} is none: it has 1 to {MAX_NAME} of a-z and 0-9, with single hyphens between them"
        )
    elif folder and name != folder:
        problems.append(f"{SKILL_MD} gives the name {name!r}, and the folder is called {folder!r}: give both the same")
    if not description:
        problems.append(f"{SKILL_MD} has no description: say in it what the skill teaches, and when to use it")
    elif len(description) > MAX_DESCRIPTION:
        problems.append(
            f"the description in {SKILL_MD} has {len(description)} characters; at most {MAX_DESCRIPTION} are meant"
        )
    return About(name if is_name(name) else "", description, _words(given.get("allowed-tools")), tuple(problems))


def _text(value: object) -> str:
    return " ".join(value.split()) if isinstance(value, str) else ""


def _words(value: object) -> str:
    if isinstance(value, list):
        items = cast("list[object]", value)
        return " ".join(_text(item) for item in items)
    return _text(value)
