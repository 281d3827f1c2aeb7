"""The blocks of a transcript. Each is changed in place by `reading` while its part of the run goes on; text in them is untrusted.

`depth` is 0 for the agent itself and 1 for what happened to a sub-agent of its.
"""

from dataclasses import dataclass, field
from enum import Enum

from stigmer_tui.text import Untrusted


class LineState(Enum):
    """How far a person's line came."""

    QUEUED = "queued"
    TAKEN = "taken"
    REFUSED = "refused"


@dataclass(slots=True)
class PersonLine:
    """What a person wrote."""

    text: str
    state: LineState = LineState.TAKEN
    reason: str = ""
    """Why it was refused."""
    version: int = 0
    depth: int = 0


@dataclass(slots=True)
class AgentText:
    """What a model wrote, or thought."""

    text: str = ""
    reasoning: str = ""
    interrupted: str = ""
    version: int = 0
    depth: int = 0


class CallState(Enum):
    """How far a tool call came."""

    REQUESTED = "requested"
    RUNNING = "running"
    ENDED = "ended"
    STOPPED = "stopped"
    TIMED_OUT = "timed out"
    UNKNOWN = "unknown"
    NOT_STARTED = "not started"


@dataclass(slots=True)
class ToolCall:
    """A tool call; for `shell` a command line."""

    call_id: str
    name: str
    command: str
    """The command line, or the arguments as JSON."""
    shown_above: bool = False
    """The person's line right above says the same."""
    state: CallState = CallState.REQUESTED
    terminal_id: str = ""
    directory: str = ""
    no_walls: str | None = None
    """Why it runs without walls; None where it has them."""
    exit_code: int | None = None
    signal: int = 0
    duration_micros: int = 0
    error: str = ""
    result: str = ""
    killed: list[tuple[int, str]] = field(default_factory=lambda: list[tuple[int, str]]())
    """Processes that had to be ended: pid and command."""
    output_bytes: int = 0
    waits: str = ""
    """Why a person is asked before it starts; empty where nobody is, or where it was decided."""
    decision: str = ""
    """What was decided, and by whom."""
    version: int = 0
    depth: int = 0

    @property
    def failed(self) -> bool:
        """Whether it is an error to jump to."""
        if self.state is CallState.ENDED:
            return bool(self.exit_code or self.signal or self.error)
        return self.state in (CallState.TIMED_OUT, CallState.UNKNOWN, CallState.NOT_STARTED)


class Tone(Enum):
    """What kind of remark it is: says its colour."""

    QUIET = "quiet"
    GOOD = "good"
    WARNING = "warning"
    ERROR = "error"


@dataclass(slots=True)
class Remark:
    """A line or two about the run: a phase, a note, a problem, who took the keyboard."""

    text: str
    tone: Tone = Tone.QUIET
    mark: str = "·"
    """One cell in front of it."""
    version: int = 0
    depth: int = 0


@dataclass(slots=True)
class TodoList:
    """The agent's plan."""

    items: list[tuple[str, str]]
    """State's shape, and what is to do."""
    version: int = 0
    depth: int = 0


@dataclass(slots=True)
class Step:
    """A sub-agent or a task of a workflow: folded to one line, what came of it beneath."""

    name: str
    input: str = ""
    output: str = ""
    error: str = ""
    done: bool = False
    version: int = 0
    depth: int = 0


@dataclass(slots=True)
class FileDiff:
    """What a tool did to a file."""

    path: str
    change: str
    """In a word: created, changed, deleted."""
    diff: str
    """As `diff -u` writes it; empty for a file that is not text."""
    added: int = 0
    removed: int = 0
    version: int = 0
    depth: int = 0


Block = PersonLine | AgentText | ToolCall | Remark | TodoList | Step | FileDiff


def plain_text(block: Block) -> str:
    """The block's text, untrusted, for searching and copying."""
    match block:
        case PersonLine():
            return block.text
        case AgentText():
            return block.text or block.reasoning
        case ToolCall():
            return "\n".join(part for part in (block.command, block.error, block.result) if part)
        case Remark():
            return block.text
        case TodoList():
            return "\n".join(f"{shape} {text}" for shape, text in block.items)
        case Step():
            return "\n".join(part for part in (block.name, block.input, block.error, block.output) if part)
        case FileDiff():
            return f"{block.path}\n{block.diff}"


def untrusted_text(block: Block) -> Untrusted:
    """`plain_text` as the type that only `safe` turns into something to draw."""
    return Untrusted(plain_text(block))
