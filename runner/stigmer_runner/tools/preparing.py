"""Before a tool call runs: its arguments checked, what it would do told in words, and whether it may, must be asked for, or may not."""

import enum
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy
from stigmer_runner.tools.interface import Arguments, Tool


class Decision(enum.Enum):
    """What is done with a call."""

    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"


@dataclass(frozen=True)
class Standing:
    """Where a call would run, as far as its approval depends on it."""

    workspace: Path
    """With symbolic links resolved."""
    directory: str
    """Where a command would start."""
    walls: bool
    """Whether commands are confined; without, `auto` asks as `ask` does."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """What differs from the environment that a fresh session gets: exported variables of earlier commands."""


@dataclass(frozen=True)
class Prepared:
    """A call that was looked at."""

    decision: Decision
    reason: str
    """Why, in words for a person: the rule. For DENY also for the model."""
    summary: str
    """What will happen, whole, safe to show as it is: control characters and the like are visible."""
    binding: bytes
    """SHA-256 over tool, exact arguments, directory, environment delta and policy. What is run must have this binding."""
    canonical_args: str
    """The arguments that are bound and that will run: JSON with sorted keys and no spaces."""
    prefix: tuple[str, ...] = ()
    """First words that an approval for the prefix would allow; empty where none is offered."""
    grant: bytes = b""
    """What an approval for the session remembers: the same call in the same place has the same."""


async def prepare(
    tool: Tool, arguments: Arguments, policy: Policy, standing: Standing, granted: Collection[bytes] = ()
) -> Prepared:
    """Look at a call. `granted` holds the `grant` of calls that a person approved for the session.

    Raises `ToolArgumentError`. Nothing is changed or run; files may be read for the summary.
    """
    raise NotImplementedError
