"""What a scripted provider says: turns, in order, and what goes wrong with them. Values; `reading` makes them from YAML."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field


class FaultKind(enum.Enum):
    """What a provider does wrong."""

    STATUS = "status"
    """It answers with an HTTP status of `status`, and `retry_after` where that is set."""
    OVERFLOW = "overflow"
    """It says that the conversation does not fit, as each provider words it."""
    UNKNOWN_MODEL = "unknown-model"
    """It says that it has no such model."""
    BLIND = "blind"
    """It says that the model takes no images."""
    REFUSAL = "refusal"
    """The model says what the turn says, and then refuses."""
    CUT = "cut"
    """The connection ends after `after` bytes of the answer."""
    UNFINISHED = "unfinished"
    """The answer ends in good order, but for the events that say that it is whole."""
    MALFORMED = "malformed"
    """After the first half of the answer comes an event that is no JSON."""
    STALL = "stall"
    """Nothing more comes after `after` bytes; the connection stays open."""
    SILENT = "silent"
    """Not even a status comes; the connection stays open."""
    ENDLESS = "endless"
    """The text never ends."""
    HUGE_LINE = "huge-line"
    """One event is `size` bytes long."""
    DUPLICATE_IDS = "duplicate-ids"
    """Every tool call has the same id."""
    BROKEN_JSON = "broken-json"
    """The arguments of every tool call lack their end."""
    OVERLOADED_MIDWAY = "overloaded-midway"
    """After the first half of the answer comes an error event."""
    REDIRECT = "redirect"
    """It sends to `location`."""
    NOT_EVENTS = "not-events"
    """It answers with a page for a browser."""


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong with a turn."""

    kind: FaultKind
    times: int = 0
    """How often; the turn is answered as written after that. 0: always."""
    status: int = 500
    retry_after: float | None = None
    after: int = 0
    size: int = 100 * 1024 * 1024
    location: str = ""
    message: str = ""
    """What it says; empty: as the provider says it."""


@dataclass(frozen=True)
class ScriptedCall:
    """A tool call."""

    name: str
    args: Mapping[str, object] | str = field(default_factory=dict[str, object])
    """An object; or the text of it, which need not be JSON."""
    id: str = ""
    """Empty: made from the turn's number and the call's."""


@dataclass(frozen=True)
class ScriptedUsage:
    """What the provider says that the turn used. 0 is counted from the words of request and answer."""

    input: int = 0
    output: int = 0
    cached: int = 0
    """Of the input."""
    cache_write: int = 0
    """Of the input; Anthropic alone says it."""
    reasoning: int = 0
    """Of the output; OpenAI alone says it."""


@dataclass(frozen=True)
class Turn:
    """One answer: reasoning, then text, then tool calls."""

    text: str = ""
    reasoning: str = ""
    signature: str = "c2NyaXB0ZWQ="
    """Of the reasoning; sent in Anthropic's format alone."""
    calls: tuple[ScriptedCall, ...] = ()
    usage: ScriptedUsage = ScriptedUsage()
    repeat: int = 1
    """How often the text is said."""
    delay: float = 0.0
    """Seconds before the answer begins."""
    token_delay: float = 0.0
    """Seconds before each token."""
    cut_short: bool = False
    """The answer ends for its length."""
    expect: str = ""
    """What the last message must contain; else the provider answers that the script does not fit. Empty: anything."""
    fault: Fault | None = None


@dataclass(frozen=True)
class Conversation:
    """Turns for conversations of one kind, such as those of one sub-agent."""

    turns: tuple[Turn, ...]
    when: str = ""
    """What the instructions or the first message contain. Empty: any conversation that no other fits."""


@dataclass(frozen=True)
class Script:
    """All that a scripted provider says.

    The turn that answers a request is told by the conversation in it: as many of the model's messages as it holds, so
    many turns are over. A request that is made again is so answered by the same turn. After the last turn comes the
    last one without tool calls, again and again.
    """

    conversations: tuple[Conversation, ...]
    model: str = "scripted"
    """How the provider calls the model that answers; and the one that it lists."""
    pullable: tuple[str, ...] = ()
    """Models that `/api/pull` gets, and that are listed from then on; it has no others."""

    @staticmethod
    def of(*turns: Turn) -> "Script":
        """A script of one conversation."""
        return Script((Conversation(turns),))
