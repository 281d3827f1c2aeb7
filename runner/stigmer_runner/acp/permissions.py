"""What a program may do: our policy first, then the person."""

from collections.abc import Mapping
from dataclasses import dataclass

from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy
from stigmer_runner.acp.approvals import LiveApprovals, Record
from stigmer_runner.models.port import ToolSpec
from stigmer_runner.tools.interface import Arguments, Effect, Tool, ToolArgumentError, ToolContext, ToolResult
from stigmer_runner.tools.preparing import Decision, prepare
from stigmer_runner.tools.session import ToolSession

EFFECTS: Mapping[str, Effect] = {
    "read": Effect.READ,
    "search": Effect.READ,
    "think": Effect.NONE,
    "edit": Effect.WRITE,
    "delete": Effect.WRITE,
    "move": Effect.WRITE,
    "fetch": Effect.NETWORK,
    "execute": Effect.EXECUTE,
}
"""What is none of these may do anything, and counts as running a program."""
START = "start"
"""The kind of the start itself: what the program does with its own hands afterwards, nobody is asked about."""
READ_ONLY = "read-only"


@dataclass(frozen=True)
class OwnCall:
    """A call that the program makes by itself, as policy knows it: `acp:edit`, `acp:execute`, ... It is never run here."""

    kind: str

    @property
    def spec(self) -> ToolSpec:
        """By its name alone."""
        return ToolSpec(f"acp:{self.kind}", "A call of a program's own.", {"type": "object"})

    @property
    def effect(self) -> Effect:
        """What the program says that it does."""
        return EFFECTS.get(self.kind, Effect.EXECUTE)

    @property
    def parallel(self) -> bool:
        """It is the program's business."""
        return False

    def check(self, arguments: Arguments) -> Arguments:
        """Whatever the program says."""
        return arguments

    async def call(self, context: ToolContext, arguments: Arguments) -> ToolResult:
        """Never."""
        return ToolResult("a program makes this call by itself", is_error=True)


@dataclass(frozen=True)
class Gate:
    """Decides about what a program wants."""

    session: ToolSession
    policy: Policy
    approvals: LiveApprovals

    @property
    def changes_nothing(self) -> bool:
        """Whether the policy lets nothing be changed, and the walls see to it: the workspace is mounted so."""
        return self.policy.preset == READ_ONLY and self.session.place.sandbox.description.whole

    async def allows(self, record: Record, call_id: str, tool: Tool, arguments: Arguments) -> tuple[bool, str]:
        """Whether it may, and why not. A person is asked where the policy says so."""
        try:
            prepared = await prepare(tool, arguments, self.policy, self.session.standing(), self.approvals.granted)
        except ToolArgumentError as error:
            return False, str(error)
        if prepared.decision is Decision.ALLOW:
            return True, ""
        if prepared.decision is Decision.DENY:
            return False, prepared.reason
        allowed, reason = await self.approvals.decision(record, call_id, prepared)
        return allowed, reason or ("" if allowed else "the person denied it")
