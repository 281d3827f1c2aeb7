"""The fenced blocks of a page."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHOWN = frozenset({"text", "json", "yaml", "dockerfile", "ini"})
"""Languages of blocks that are only looked at."""


@dataclass(frozen=True)
class Command:
    """One command of a block."""

    line: str
    expected: tuple[str, ...]
    """The lines below it; empty: whatever it prints."""


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    page: Path
    line: int
    """Of the fence, from 1."""
    language: str
    options: Mapping[str, str]
    text: str

    @property
    def place(self) -> str:
        """Page and line, as editors know them."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    def commands(self) -> list[Command]:
        """What a `console` block runs."""
        found: list[tuple[str, list[str]]] = []
        for line in self.text.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            elif found and found[-1][0].endswith("\\"):
                found[-1] = (f"{found[-1][0]}\n{line}", [])
            elif found:
                found[-1][1].append(line)
            else:
                raise ValueError(f"{self.place}: {line!r} stands before the first command")
        return [Command(line, _without_empty_ends(expected)) for line, expected in found]


def pages() -> list[Path]:
    """Every page whose blocks are run."""
    names = ("README.md", "CONTRIBUTING.md", "examples/README.md")
    return [*(ROOT / name for name in names), *sorted((ROOT / "docs").glob("*.md"))]


def blocks_of(page: Path) -> list[Block]:
    """The blocks of a page, from its top to its end. Raises `ValueError` for one that does not say what it is."""
    found: list[Block] = []
    begin, fence, info, lines = 0, "", "", list[str]()
    for number, line in enumerate(page.read_text().splitlines(), 1):
        opening = re.match(r" {0,3}(`{3,}|~{3,})(.*)$", line)
        if not begin and opening:
            begin, fence, info, lines = number, opening[1], opening[2].strip(), []
        elif begin and line.strip() == fence:
            found.append(_block(page, begin, info, lines))
            begin = 0
        elif begin:
            lines.append(line)
    if begin:
        raise ValueError(f"{page.name}:{begin}: the block has no end")
    return found


def _block(page: Path, begin: int, info: str, lines: list[str]) -> Block:
    language, *words = shlex.split(info) or [""]
    options = {name: value for name, _, value in (word.partition("=") for word in words)}
    return Block(page, begin, language, options, "".join(f"{line}\n" for line in lines))


def _without_empty_ends(lines: list[str]) -> tuple[str, ...]:
    text = "\n".join(lines).strip("\n")
    return tuple(text.split("\n")) if text else ()
