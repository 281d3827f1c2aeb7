"""What a document of a run consists of, one after the other. All texts are from elsewhere: whoever writes them out makes them harmless."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from stigmer_tui.terminal.line_cells import DrawnLine


@dataclass(frozen=True, slots=True)
class Begun:
    """The run was asked for. Always the first part."""

    agent: str
    session_id: str
    workspace: str
    author: str
    micros: int
    """Since 1970."""


class Author(Enum):
    """Who says something."""

    PERSON = "person"
    AGENT = "agent"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Said:
    """A message, whole."""

    author: Author
    text: str
    reasoning: str = ""
    interrupted: str = ""
    sub_agent: str = ""
    micros: int = 0


@dataclass(frozen=True, slots=True)
class CallBegun:
    """A tool call runs."""

    call_id: str
    tool: str
    summary: str
    """The command line of a shell, else the arguments."""
    directory: str = ""
    sub_agent: str = ""
    micros: int = 0


@dataclass(frozen=True, slots=True)
class Output:
    """Lines that a call's terminal printed. Lines of one call may come in many parts, and those of two calls in turn."""

    call_id: str
    lines: Sequence[DrawnLine]


@dataclass(frozen=True, slots=True)
class CallEnded:
    """A tool call is over."""

    call_id: str
    tool: str
    outcome: str
    """In words."""
    result: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Changed:
    """A tool changed a file."""

    path: str
    what: str
    """`created`, `changed` or `deleted`."""
    diff: str
    added: int
    removed: int


@dataclass(frozen=True, slots=True)
class Noted:
    """Something happened that has one line or a few."""

    text: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The run is over. Where it is not, there is no such part."""

    phase: str
    reason: str
    micros: int


Part = Begun | Said | CallBegun | Output | CallEnded | Changed | Noted | Ended
