"""What a check says."""

from dataclasses import dataclass
from enum import Enum


class Health(Enum):
    """How something is."""

    GOOD = "good"
    ABSENT = "absent"
    """Not there, and nothing that is used wants it."""
    BAD = "bad"
    """It wants mending."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    """What, in a word or two."""
    health: Health
    detail: str
    """What was seen. Foreign text may be in it."""
    remedy: str = ""
    """How to mend it, or to get what is absent; a sentence, with the command where there is one."""

    @property
    def words(self) -> str:
        """All of it in a line."""
        return f"{self.detail}{'. ' if self.detail and self.remedy else ''}{self.remedy}"


def good(subject: str, detail: str) -> Finding:
    """It is as it should be."""
    return Finding(subject, Health.GOOD, detail)


def absent(subject: str, detail: str, remedy: str) -> Finding:
    """It is not there, which is fine."""
    return Finding(subject, Health.ABSENT, detail, remedy)


def bad(subject: str, detail: str, remedy: str) -> Finding:
    """It wants mending."""
    return Finding(subject, Health.BAD, detail, remedy)
