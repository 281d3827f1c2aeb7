"""Values between workflows and activities. They are written into journals: fields are only ever added, with a default."""

from dataclasses import dataclass

RUN_COMMAND_LINE = "run-command-line"
"""The activity that runs one line in a terminal; takes a `CommandLine`, answers with a `LineEnd`."""

SET_UP = "set-up-agent"
"""Assembles what a model is told before the first message: takes an `AgentRequest`, answers with a `SetUp`."""

CHOOSE_MODEL = "choose-model"
"""What a name means: takes it, answers with a `ChosenModel`."""

CALL_MODEL = "call-model"
"""Asks a model once: takes a `ModelAsk`, answers with a `ModelAnswer`. What streams back becomes events at once."""

LOOK_AT_CALL = "look-at-tool-call"
"""Checks a tool call against the policy: takes a `ToolAsk`, answers with a `LookedAt`."""

CALL_TOOL = "call-tool"
"""Makes a tool call with side effects: takes a `ToolAsk`, answers with a `ToolEnd`."""

CALL_HARMLESS_TOOL = "call-harmless-tool"
"""The same for a tool that may be called again."""

LOOK_AND_CALL = "look-and-call-tool"
"""Looks at a tool call and, where it is allowed, makes it: takes a `ToolAsk`, answers with a `ToolEnd`. For tools of which
it is known without waiting what a call would touch."""

LOOK_AND_CALL_HARMLESS = "look-and-call-harmless-tool"
"""The same for any tool that may be called again."""

TELL = "tell"
"""Writes events: takes an encoded `stigmer.event.v1.EventBatch`."""

UNDO_TURN = "undo-turn"
"""Puts the files of a turn back: takes the message that began it."""

SHELL_MODEL = "shell"
"""No model: the person's messages are command lines."""


@dataclass(frozen=True)
class Allowance:
    """How much a run may use; 0 for no limit."""

    turns: int = 0
    """Calls of the model."""
    tokens: int = 0
    """In and out, of all calls."""
    cost_micro_usd: int = 0
    """Millionths of a US dollar."""
    seconds: float = 0.0


@dataclass(frozen=True)
class Used:
    """How much was used."""

    turns: int = 0
    tokens: int = 0
    cost_micro_usd: int = 0

    def plus(self, other: "Used") -> "Used":
        """Both together."""
        return Used(self.turns + other.turns, self.tokens + other.tokens, self.cost_micro_usd + other.cost_micro_usd)


@dataclass(frozen=True)
class Entry:
    """One message of what a model is shown."""

    body: str
    """JSON, as `models.port.message_to_json` writes it."""
    role: str
    """`user`, `assistant` or `tool`."""
    tokens: int
    """About how many."""
    message_id: str = ""
    """Of the message in the events; for a tool's result, of the message that asked for it."""


@dataclass(frozen=True)
class Said:
    """A person's message."""

    message_id: str
    text: str
    command_id: str = ""
    """The command that brought it, empty for the first one."""
    attachments: tuple[str, ...] = ()
    """As in `AgentRequest`."""
    announced: bool = False
    """Whether its events are written."""


@dataclass(frozen=True)
class ToolInfo:
    """A tool as the loop needs to know it."""

    name: str
    parallel: bool
    """Whether calls of it may run beside each other."""
    repeatable: bool
    """Whether a call whose runner died may be made again without asking."""
    joined: bool = False
    """Whether a call is looked at and made in one step, where it is allowed."""


@dataclass(frozen=True)
class SubAgentInfo:
    """Whom the agent may delegate to."""

    name: str
    description: str


@dataclass(frozen=True)
class SetUp:
    """What stands when a run begins: assembled once, and journaled."""

    provider: str
    model: str
    context_tokens: int
    """How much the model can be shown."""
    answer_tokens: int
    """Of these: kept free for its answer."""
    system: str
    tools: tuple[ToolInfo, ...] = ()
    sub_agents: tuple[SubAgentInfo, ...] = ()
    memory: tuple[Entry, ...] = ()
    """What was said before in the session."""


@dataclass(frozen=True)
class Carried:
    """What a run leaves to the one that continues it."""

    set_up: SetUp | None = None
    entries: tuple[Entry, ...] = ()
    waiting: tuple[Said, ...] = ()
    used: Used = Used()
    told_limits: tuple[str, ...] = ()
    started_micros: int = 0
    numbers: tuple[int, int, int, int, int] = (0, 0, 0, 0, 0)
    """The last message, call, sub-agent, question and answer."""
    granted: tuple[str, ...] = ()
    last_call: str = ""
    repeated: int = 0
    paused: bool = False
    context: tuple[int, int] = (0, 0)
    """Tokens that are known to be in the context, and how many of the entries they stand for."""
    answered: bool = True
    turn_id: str = ""
    changing_turns: tuple[str, ...] = ()
    model_wanted: str = ""
    text: str = ""


@dataclass(frozen=True)
class ChosenModel:
    """A model, and what fits into it."""

    provider: str
    model: str
    context_tokens: int
    answer_tokens: int


@dataclass(frozen=True)
class ModelAsk:
    """One call of a model."""

    number: int
    """Of the answer within the run, from 1."""
    attempt: int
    """From 1; how often it was asked for this answer."""
    wait_seconds: float
    """How long the loop waits before it asks again, where the provider does not say; negative: it does not ask again."""
    provider: str
    model: str
    system: str
    entries: tuple[Entry, ...]
    first_call: int
    """Number of the first tool call of the answer."""
    prefix: str = ""
    """Begins the ids of a sub-agent's messages and calls."""
    said: tuple[Said, ...] = ()
    """Messages of the person that are told with it."""
    quiet: bool = False
    """A call of the loop's own: no message of it is shown, and it has no tools."""
    sub_agent: str = ""
    """Of the sub-agent that asks, its name: it may have fewer tools."""

    @property
    def message_id(self) -> str:
        """Of the answer, in the execution's events."""
        again = f".{self.attempt}" if self.attempt > 1 else ""
        return f"{self.prefix}answer-{self.number}{again}"


@dataclass(frozen=True)
class AskedCall:
    """A tool call that a model asks for."""

    call_id: str
    """Unique within the execution."""
    provider_id: str
    """What the model calls it."""
    name: str
    args_json: str
    error: str = ""
    """Why the arguments are no JSON object."""


@dataclass(frozen=True)
class ModelAnswer:
    """What came of a call of a model."""

    message_id: str
    entry: Entry | None
    """The answer; None where there is none."""
    text: str = ""
    calls: tuple[AskedCall, ...] = ()
    stop: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cost_micro_usd: int = 0
    error_code: str = ""
    """As `ModelCallFailed.code`; empty where it was answered."""
    error: str = ""
    retry_seconds: float = -1.0
    """When to ask again; negative: not."""


@dataclass(frozen=True)
class ToolAsk:
    """A tool call to look at or to make."""

    call: AskedCall
    message_id: str
    """The model's message that asked for it."""
    turn_id: str
    """The person's message that began the turn; undo goes by it."""
    policy: str
    """As in `AgentRequest`."""
    granted: tuple[str, ...] = ()
    """Grants of the session, as hexadecimal."""
    binding: str = ""
    """What a person approved, as hexadecimal; empty where nobody was asked."""
    edited: bool = False
    """The arguments are the person's own: nobody is asked about them."""
    sub_agent_id: str = ""


@dataclass(frozen=True)
class LookedAt:
    """A tool call that was looked at before it runs."""

    decision: str
    """`allow`, `ask`, `deny`, or `invalid`: the arguments cannot be taken."""
    reason: str = ""
    binding: str = ""
    grant: str = ""
    prefix: tuple[str, ...] = ()
    canonical_args: str = ""
    expires_micros: int = 0


@dataclass(frozen=True)
class ToolEnd:
    """What a tool call came to."""

    entry: Entry | None
    """None where it was not made: it is not any more what was approved, or `looked` says why."""
    looked: LookedAt | None = None
    """What a look found that was made in the same step, where it did not find that the call is allowed."""


@dataclass(frozen=True)
class AgentRequest:
    """What an agent's execution is to do. Its first message goes beside it, as UTF-8."""

    execution_id: str
    model: str = SHELL_MODEL
    command_timeout_seconds: float = 0.0
    """The longest that a command line may take; 0 for no limit."""
    limits: Allowance = Allowance()
    """How much a model-driven run may use."""
    policy: str = ""
    """The encoded `stigmer.policy.v1.Policy`, as base64."""
    attachments: tuple[str, ...] = ()
    """Pictures of the first message, each a JSON object as `models.port.Image`."""
    sub_agent_id: str = ""
    """Of the sub-agent that this run is, empty for the agent itself."""
    sub_agent: str = ""
    """The sub-agent's name among those of its agent."""
    carried: Carried | None = None
    """Where a run went on as new: what the one before left."""
    granted: tuple[str, ...] = ()
    """Grants of the session from before, as hexadecimal."""


@dataclass(frozen=True)
class CommandLine:
    """One command line."""

    number: int
    """Within the execution, from 1."""
    text: str
    command_id: str = ""
    """The command that brought it, empty for the execution's first message."""
    timeout_seconds: float = 0.0
    """The longest that it may take; 0 for no limit."""

    @property
    def message_id(self) -> str:
        """Of the person's message, in the execution's events."""
        return f"message-{self.number}"

    @property
    def call_id(self) -> str:
        """Of the tool call."""
        return f"call-{self.number}"

    @property
    def terminal_id(self) -> str:
        """Of the terminal that it runs in."""
        return f"terminal-{self.number}"


@dataclass(frozen=True)
class LineEnd:
    """How a command line ended, as far as a workflow needs to know: the rest is in the events."""

    exit_code: int | None = None
    signal: int = 0


@dataclass(frozen=True)
class AgentResult:
    """What an agent's execution came to."""

    lines: int
    """How many messages were worked off."""


@dataclass(frozen=True)
class TalkResult:
    """What a model-driven run came to."""

    messages: int
    """How many messages were answered."""
    text: str = ""
    """The last answer of a model."""
    used: Used = Used()
    error: str = ""
    """Why a sub-agent did not come to its end: its agent is told."""
