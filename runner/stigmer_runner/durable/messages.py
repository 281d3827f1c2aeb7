"""Values between workflows and activities. They are written into journals: fields are only ever added, with a default."""

from dataclasses import dataclass

RUN_COMMAND_LINE = "run-command-line"
"""The activity that runs one line in a terminal; takes a `CommandLine`, answers with a `LineEnd`."""

SHELL_MODEL = "shell"
"""No model: the person's messages are command lines."""


@dataclass(frozen=True)
class AgentRequest:
    """What an agent's execution is to do. Its first message goes beside it, as UTF-8."""

    execution_id: str
    model: str = SHELL_MODEL
    command_timeout_seconds: float = 0.0
    """The longest that a command line may take; 0 for no limit."""


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
