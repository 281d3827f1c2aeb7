"""Where a value comes from."""

from dataclasses import dataclass
from enum import Enum
from typing import assert_never


class Source(Enum):
    """The places, the strongest first."""

    FLAG = "flag"
    ENVIRONMENT = "environment"
    FILE = "file"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Origin:
    """One value's."""

    source: Source
    name: str = ""
    """The flag, the variable, the key in the file, or why this is the default."""
    line: int = 0
    """In the file, from 1."""

    def __str__(self) -> str:
        """In words."""
        match self.source:
            case Source.FLAG:
                return f"flag {self.name}"
            case Source.ENVIRONMENT:
                return f"environment, {self.name}"
            case Source.FILE:
                return f"file, line {self.line}"
            case Source.DEFAULT:
                return f"default, {self.name}" if self.name else "default"
            case _:
                assert_never(self.source)
