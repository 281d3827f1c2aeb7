"""What a source may grow to, and how it is refused: in the process that parses."""

from dataclasses import dataclass
from typing import Any

Built = list[Any]
"""A node in the form of the answer."""

SHORT_NUMBER = 64
"""A plain scalar that is longer is no number but text, or too large a number."""


@dataclass(frozen=True)
class Limits:
    """What a source may be."""

    nodes: int
    characters: int
    depth: int


class Refused(Exception):
    """A source that is not taken any further."""

    def __init__(self, line: int, column: int, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.problem = [line, column, what, remedy]


class Budget:
    """Counts what is built."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.nodes = 0
        self.characters = 0

    def spend(self, line: int, column: int, nodes: int, characters: int) -> None:
        """Count so much more. Raises `Refused` where that is too much."""
        self.nodes += nodes
        self.characters += characters
        if self.nodes > self._limits.nodes or self.characters > self._limits.characters:
            raise Refused(
                line,
                column,
                f"this grows past {self._limits.nodes} values or {self._limits.characters} characters",
                "split the file, or use fewer aliases: each use counts in full",
            )

    def deepen(self, line: int, column: int, depth: int) -> None:
        """Raise `Refused` where `depth` is too much."""
        if depth > self._limits.depth:
            raise Refused(
                line,
                column,
                f"lists and mappings are nested more than {self._limits.depth} deep",
                "nothing in the contract is",
            )


def shortened(text: str) -> str:
    """As much of `text` as an error repeats."""
    return text if len(text) <= 40 else f"{text[:39]}…"


def place_of(text: str, at: int) -> tuple[int, int]:
    """Line and column of a position in `text`."""
    before = text[:at]
    return before.count("\n") + 1, at - before.rfind("\n")
