"""What is wrong in a file, and where."""

from collections.abc import Sequence
from dataclasses import dataclass

_LONGEST_FIELD = 160
"""Characters of a path that are shown whole; of a longer one its two ends."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend."""

    source: str
    """The file, as the person named it; `-` for standard input."""
    line: int
    """From 1; 0 where it is about the whole file."""
    column: int
    """From 1, in characters."""
    what: str
    """What is wrong."""
    field: str = ""
    """Path of the field as the file spells it: `spec.skillRefs[0].slug`."""
    remedy: str = ""
    """How to mend it."""

    def __str__(self) -> str:
        """`file:line:column: what (field): how to mend it`. Control characters of the file are still in it."""
        place = f"{self.source}:{self.line}:{self.column}" if self.line else self.source
        shown = self.field if len(self.field) <= _LONGEST_FIELD else f"{self.field[:40]}…{self.field[-80:]}"
        field = f" ({shown})" if shown else ""
        remedy = f": {self.remedy}" if self.remedy else ""
        return f"{place}: {self.what}{field}{remedy}"


class ManifestError(Exception):
    """Files that cannot be used as they are, with everything that is wrong in them."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)
