"""A row of the settings: what it is called, what it is, where that comes from, and how it may be changed."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum


class Way(Enum):
    """How it is changed."""

    TEXT = "text"
    """By writing a value; by going through the choices, where there are some."""
    COMMAND = "command"
    """By a command that is given the terminal: a credential is written masked."""
    THEME = "theme"
    """By the list with a preview."""
    COLUMNS = "columns"
    """By the board's list of columns."""
    PANES = "panes"
    """By going through the choices; kept in a file of its own."""
    NOT_HERE = "not here"
    """Not in a file: see what is said of it."""


def nothing_wrong(text: str) -> str:
    """A check that every text passes."""
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One of them. Every text may be foreign: it is made safe where it is drawn."""

    key: str
    """As `stigmer config` names it; for what is kept elsewhere, a name like it."""
    section: str
    """The heading that it stands under."""
    name: str
    """What stands in the row."""
    value: str
    """As it is shown; empty where it is not set. Credentials are masked."""
    written: str = ""
    """What one begins with who changes it."""
    origin: str = "default"
    changed: bool = False
    """Whether somebody said something: the file, the environment."""
    about: str = ""
    """What it does, in a sentence or some."""
    may_be: str = ""
    unless: str = ""
    """What is done where it is not set, in words."""
    counts: str = ""
    """When a change has its effect; a whole sentence, empty where at once."""
    over_file: str = ""
    """The variable of the environment that counts before the file, where it is set."""
    way: Way = Way.TEXT
    choices: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    """For `Way.COMMAND`: the words behind `stigmer`."""
    check: Callable[[str], str] = nothing_wrong
    """What is wrong with a text as its value, in words that go on after `cannot be ...:`; empty where nothing is."""

    def fits(self, words: str) -> bool:
        """Whether each of these words stands in it somewhere."""
        whole = f"{self.key} {self.name} {self.section} {self.value} {self.origin} {self.about}".lower()
        return all(word in whole for word in words.lower().split())

    def neighbour(self, step: int) -> str:
        """The choice before or behind the present one; empty where there are none."""
        if not self.choices:
            return ""
        here = self.choices.index(self.written) if self.written in self.choices else (-1 if step > 0 else 0)
        return self.choices[(here + step) % len(self.choices)]
