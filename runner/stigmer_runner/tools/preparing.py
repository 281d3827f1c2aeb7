"""Before a tool call runs: its arguments checked, what it would do told in words, and whether it may, must be asked for, or may not."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy
from stigmer_runner.policy import rules
from stigmer_runner.policy.binding import binding_of, canonical, grant_of
from stigmer_runner.policy.decision import Decision
from stigmer_runner.policy.showing import remarks, shown
from stigmer_runner.policy.subject import Subject
from stigmer_runner.policy.suggesting import prefix_of
from stigmer_runner.redaction import NOTHING, Redactor
from stigmer_runner.tools.files.beneath import Beneath
from stigmer_runner.tools.interface import Arguments, Effect, Tool

__all__ = ["Decision", "Describes", "Prepared", "Standing", "prepare"]


@dataclass(frozen=True)
class Standing:
    """Where a call would run, as far as its approval depends on it."""

    workspace: Path
    """With symbolic links resolved."""
    directory: str
    """Where a command would start."""
    walls: bool
    """Whether commands are confined by whole walls; without, `auto` asks as `ask` does."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """What differs from the environment that a fresh session gets: exported variables of earlier commands."""
    hidden: tuple[Path, ...] = ()
    """Directories that no tool may look into: Stigmer's own."""
    remark: str = ""
    """What a person who is asked should know of the walls."""
    redactor: Redactor = field(default=NOTHING, repr=False)
    """Takes secrets out of what is shown."""

    def files(self) -> Beneath:
        """The way into the workspace."""
        return Beneath(self.workspace, self.hidden)


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
    tool: str = ""
    """The name that rules go by."""


@runtime_checkable
class Named(Protocol):
    """A tool that policies know by another name than models."""

    @property
    def policy_name(self) -> str:
        """The name that rules and approvals go by."""
        ...


@runtime_checkable
class Describes(Protocol):
    """A tool that can say what a call would touch. Others are told by their arguments."""

    async def subject(self, arguments: Arguments, standing: Standing) -> Subject:
        """What a call with checked `arguments` would touch. Raises `ToolArgumentError`. Changes nothing."""
        ...


async def prepare(
    tool: Tool, arguments: Arguments, policy: Policy, standing: Standing, granted: Collection[bytes] = ()
) -> Prepared:
    """Look at a call. `granted` holds the `grant` of calls that a person approved for the session.

    Raises `ToolArgumentError`. Nothing is changed or run; files may be read for the summary.
    """
    checked = tool.check(arguments)
    name = tool.policy_name if isinstance(tool, Named) else tool.spec.name
    exact = canonical(checked)
    subject = await tool.subject(checked, standing) if isinstance(tool, Describes) else _generic(name, checked)
    verdict = rules.decide(name, tool.effect, subject, policy, walls=standing.walls, environment=standing.environment)
    grant = grant_of(name, exact, standing.directory)
    decision, reason = verdict.decision, verdict.reason
    if decision is Decision.ASK and grant in granted:
        decision, reason = (
            Decision.ALLOW,
            "you approved this call for the session (to take it back: `stigmer session approvals`)",
        )
    summary = standing.redactor.text(subject.summary)
    return Prepared(
        decision=decision,
        reason=shown(reason),
        summary="\n".join((shown(summary), *(f"⚠ {remark}" for remark in remarks(summary)))),
        binding=binding_of(name, exact, standing.directory, standing.environment, policy),
        canonical_args=exact,
        prefix=prefix_of(subject.parsed) if tool.effect is Effect.EXECUTE and subject.parsed is not None else (),
        grant=grant,
        tool=name,
    )


def _generic(name: str, arguments: Arguments) -> Subject:
    return Subject(f"{name} {json.dumps(arguments, indent=2, sort_keys=True, ensure_ascii=False)}")
