"""What a tool is: what a model may ask for, how its arguments are checked, and what it is given to work with."""

import enum
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy
from stigmer_runner.errors import RunnerError
from stigmer_runner.models.port import Image, ToolSpec
from stigmer_runner.sandbox import CommandResult

if TYPE_CHECKING:
    from stigmer_runner.tools.session import ToolSession

Arguments = Mapping[str, object]
"""Arguments of a call: values of JSON, by name."""


class ToolArgumentError(RunnerError):
    """Arguments that a tool cannot take. The message is for the model: which argument, what is wrong, what is expected."""


class ToolError(RunnerError):
    """A tool could not do what was asked. The message is for the model: what, where, how to mend. `call` turns it into a
    result that is an error."""


class Effect(enum.Enum):
    """What a tool does to the world."""

    READ = "read"
    """Looks at the workspace."""
    WRITE = "write"
    """Changes files of the workspace."""
    EXECUTE = "execute"
    """Runs programs."""
    NETWORK = "network"
    """Reaches other machines."""
    ASK = "ask"
    """Waits for a person."""
    NONE = "none"
    """Changes nothing but what Stigmer itself shows, such as the list of todos."""

    @property
    def repeatable(self) -> bool:
        """Whether a call whose runner died may be made again without asking a person."""
        return self not in (Effect.WRITE, Effect.EXECUTE)


@dataclass(frozen=True)
class CommandDetails:
    """What came of a command beside its text: the fields of `ToolCallFinished`."""

    terminal_id: str
    result: CommandResult | None
    """How it ended; None while it goes on in the background."""
    background_id: str = ""
    """The handle by which it goes on."""
    output_bytes: int = 0


@dataclass(frozen=True)
class ToolResult:
    """What a tool answers."""

    text: str
    """For the model. Already redacted and bounded."""
    is_error: bool = False
    images: tuple[Image, ...] = ()
    details: CommandDetails | None = None


@dataclass(frozen=True)
class Question:
    """What a person is asked."""

    text: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class ToolContext:
    """What one call works with."""

    call_id: str
    """Unique within the execution."""
    session: "ToolSession"
    """What the calls of one execution share: workspace, sandbox, environment, policy, snapshots, open terminals."""
    message_id: str = ""
    """The message that began the turn; undo goes by it."""
    policy: Policy = field(default_factory=Policy)
    """As it is now: for tools that find files by themselves."""
    sub_agent_id: str = ""
    """The sub-agent that calls, empty for the agent itself."""
    record: Callable[[Event], None] = field(default=lambda _: None)
    """Appends an event to the execution. Takes it at once; nothing is awaited. Time and sub-agent are filled in by the tool."""
    ask: Callable[[Question], Awaitable[str]] | None = None
    """Puts a question to the person and returns the answer; None where nobody can be asked."""


class Tool(Protocol):
    """One tool. Instances hold no state of a call: all of it is in the context."""

    @property
    def spec(self) -> ToolSpec:
        """How it is described to a model."""
        ...

    @property
    def effect(self) -> Effect:
        """What it does to the world."""
        ...

    @property
    def parallel(self) -> bool:
        """Whether calls of it may run beside each other and beside other parallel tools."""
        ...

    def check(self, arguments: Arguments) -> Arguments:
        """`arguments` as they are run: known names only, of the right types. Raises `ToolArgumentError`. Pure."""
        ...

    async def call(self, context: ToolContext, arguments: Arguments) -> ToolResult:
        """Do it, with arguments that `check` returned. What goes wrong is a result with `is_error`, never an exception,
        but for `CancelledError`, which is let through once nothing of the call runs any more."""
        ...


@runtime_checkable
class Expects(Protocol):
    """A tool that can get ready for a call while that is still being written down."""

    async def expect(self, context: ToolContext, arguments: Arguments) -> None:
        """`call` comes next, with the same, or nothing does. Changes nothing that anybody could see, raises nothing of its own."""
        ...
