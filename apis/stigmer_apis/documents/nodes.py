"""What a YAML or JSON document is made of, each part with its place in the file."""

from dataclasses import dataclass
from enum import StrEnum


class ScalarType(StrEnum):
    """What a scalar is, by the rules of YAML's core types."""

    TEXT = "text"
    INTEGER = "int"
    FLOAT = "float"
    BOOLEAN = "bool"
    NULL = "null"
    ODD = "odd"
    """A number to some readers of YAML and text to others: `0755`, `12:30`, `1_000`."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something begins."""

    line: int
    """From 1."""
    column: int
    """From 1, in characters."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """Text, a number, a truth value, or nothing."""

    place: Place
    type: ScalarType
    text: str
    """As it was written, without quotes and with escapes resolved."""


@dataclass(frozen=True, slots=True)
class ListNode:
    """A list."""

    place: Place
    items: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Entry:
    """A key with its value."""

    place: Place
    """The key's."""
    key: str
    value: "Node"


@dataclass(frozen=True, slots=True)
class MapNode:
    """Keys with values; no key comes twice."""

    place: Place
    entries: tuple[Entry, ...]

    def get(self, *keys: str) -> "Entry | None":
        """The entry with one of these keys."""
        return next((entry for entry in self.entries if entry.key in keys), None)


Node = Scalar | ListNode | MapNode
