"""The blocks of a transcript. Each is changed in place by `reading` while its part of the run goes on; text in them is untrusted.

Every block has the same five fields of its place: `version` counts its changes, `depth` is 0 for the agent itself and 1 for what happened to a sub-agent of
its, `owner` is the sub-agent's block, `run` the execution that it belongs to, and `opened` whether the person who looks has unfolded it.
"""

from dataclasses import dataclass, field
from enum import Enum

from stigmer_tui.text import Untrusted
from stigmer_tui.text.times import thousands


@dataclass(slots=True, kw_only=True)
class Place:
    """Where a block stands."""

    version: int = 0
    depth: int = 0
    owner: "Step | None" = field(default=None, repr=False, compare=False)
    run: str = ""
    opened: bool = False


class LineState(Enum):
    """How far a person's line came."""

    QUEUED = "queued"
    TAKEN = "taken"
    REFUSED = "refused"


@dataclass(slots=True)
class PersonLine(Place):
    """What a person wrote."""

    text: str
    state: LineState = LineState.TAKEN
    reason: str = ""
    """Why it was refused."""
    message_id: str = ""
    attachments: tuple[str, ...] = ()
    """Names of the files that go with it."""


@dataclass(slots=True)
class AgentText(Place):
    """What a model wrote, or thought."""

    text: str = ""
    reasoning: str = ""
    interrupted: str = ""
    message_id: str = ""


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
class ToolCall(Place):
    """A tool call; for `shell` a command line."""

    call_id: str
    name: str
    command: str
    """The command line, or the arguments as JSON."""
    args: str = ""
    """All arguments as JSON, where `command` leaves some out."""
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
    output: bytes = b""
    """The end of what it printed in its terminal."""
    output_lines: int = 0
    """Line ends of all that it printed."""
    waits: str = ""
    """Why a person is asked before it starts; empty where nobody is, or where it was decided."""
    decision: str = ""
    """What was decided, how far it goes, and by whom."""
    prefix: tuple[str, ...] = ()
    """First words that one answer would allow from here on."""

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
class Remark(Place):
    """A line or two about the run: a phase, a note, a problem, who took the keyboard."""

    text: str
    tone: Tone = Tone.QUIET
    mark: str = "·"
    """One cell in front of it."""
    lines: int = 0
    """How many of its lines are shown while it is folded; 0 for all."""


@dataclass(slots=True)
class TodoList(Place):
    """The agent's plan."""

    items: list[tuple[str, str]]
    """State's shape, and what is to do."""


@dataclass(slots=True)
class Step(Place):
    """A sub-agent or a task of a workflow: folded to one line, what came of it beneath."""

    name: str
    input: str = ""
    output: str = ""
    error: str = ""
    done: bool = False
    steps: int = 0
    """Blocks of what it does."""
    waits: int = 0
    """Calls of its that wait for a person."""


@dataclass(slots=True)
class FileDiff(Place):
    """What a tool did to a file."""

    path: str
    change: str
    """In a word: created, changed, deleted."""
    diff: str
    """As `diff -u` writes it; empty for a file that is not text."""
    added: int = 0
    removed: int = 0


@dataclass(slots=True)
class Usage(Place):
    """What a turn used, and the whole run up to its end."""

    calls: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    cost_micro_usd: int = 0
    """Millionths of a US dollar, as far as prices are known."""
    run_tokens: int = 0
    run_cost_micro_usd: int = 0


@dataclass(slots=True)
class Artifact(Place):
    """A file that the run made and that is kept."""

    name: str
    size: int
    artifact_id: str
    media_type: str = ""


Block = PersonLine | AgentText | ToolCall | Remark | TodoList | Step | FileDiff | Usage | Artifact


def plain_text(block: Block) -> str:
    """The block's whole text, untrusted, for searching and copying: folded parts too."""
    match block:
        case PersonLine():
            return _joined(block.text, *block.attachments)
        case AgentText():
            return _joined(block.reasoning, block.text)
        case ToolCall():
            return _joined(block.command, block.args, block.decision, block.error, block.result)
        case Remark():
            return block.text
        case TodoList():
            return "\n".join(f"{shape} {text}" for shape, text in block.items)
        case Step():
            return _joined(block.name, block.input, block.error, block.output)
        case FileDiff():
            return _joined(block.path, block.diff)
        case Usage():
            return usage_words(block)
        case Artifact():
            return f"{block.name} {block.artifact_id}"


def _joined(*parts: str) -> str:
    return "\n".join(part for part in parts if part)


def usage_words(usage: Usage) -> str:
    """What a turn used, in a line: `2 calls · 1,204 in (800 cached) · 96 out · $0.02`, and the run so far where that is more."""
    cached = f" ({thousands(usage.cached_tokens)} cached)" if usage.cached_tokens else ""
    calls = "1 call" if usage.calls == 1 else f"{usage.calls} calls"
    words = f"{calls} · {thousands(usage.input_tokens)} in{cached} · {thousands(usage.output_tokens)} out"
    words += dollars(usage.cost_micro_usd)
    if usage.run_tokens > usage.input_tokens + usage.output_tokens:
        words += f"   run so far {thousands(usage.run_tokens)} tokens{dollars(usage.run_cost_micro_usd)}"
    return words


def dollars(micro_usd: int) -> str:
    """A sum of money behind other figures: ` · $0.02`, with as many digits as say something; empty for none."""
    if not micro_usd:
        return ""
    return f" · ${micro_usd / 1e6:.2f}" if micro_usd >= 10_000 else f" · ${micro_usd / 1e6:.4f}"


def hidden(block: Block) -> bool:
    """Whether it is not shown at all: it happened to a sub-agent that is folded, and waits for nobody."""
    return block.owner is not None and not block.owner.opened and not (isinstance(block, ToolCall) and block.waits)


def untrusted_text(block: Block) -> Untrusted:
    """`plain_text` as the type that only `safe` turns into something to draw."""
    return Untrusted(plain_text(block))
