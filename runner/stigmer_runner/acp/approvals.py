"""Decisions that a program waits for in the middle of a prompt. They live as long as the prompt does."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.execution.v1.attention_pb2 import AttentionKind
from stigmer_runner.durable.telling import approval_attention, withdrawn
from stigmer_runner.tools.preparing import Prepared

Record: TypeAlias = Callable[[Sequence[ev.Event]], object]
ALLOWING = (ev.APPROVAL_ONCE, ev.APPROVAL_SESSION)


@dataclass
class _Waiting:
    binding: bytes
    grant: bytes
    decided: "asyncio.Future[ev.CommandIssued.ResolveApproval]"


class LiveApprovals:
    """What waits for a decision now, by tool call."""

    def __init__(self) -> None:
        self.granted: set[bytes] = set()
        """What was approved for the session: for the rest of this run."""
        self._waiting: dict[str, _Waiting] = {}

    async def decision(self, record: Record, call_id: str, prepared: Prepared) -> tuple[bool, str]:
        """Ask the person: whether it may be, and their reason. Cancelled, the question is withdrawn."""
        waiting = _Waiting(prepared.binding, prepared.grant, asyncio.get_running_loop().create_future())
        self._waiting[call_id] = waiting
        requested = ev.ApprovalRequested(
            call_id=call_id, summary=prepared.summary, binding=prepared.binding, reason=prepared.reason
        )
        first, _, _ = prepared.summary.partition("\n")
        raised = ev.AttentionRaised(
            attention_id=approval_attention(call_id),
            kind=AttentionKind.ATTENTION_KIND_APPROVAL,
            text=first[:400],
            call_id=call_id,
        )
        record((ev.Event(approval_requested=requested), ev.Event(attention_raised=raised)))
        try:
            given = await waiting.decided
        except asyncio.CancelledError:
            if self._waiting.pop(call_id, None) is not None:
                record(withdrawn(call_id, "interrupted"))
            raise
        if given.approval == ev.APPROVAL_SESSION:
            self.granted.add(prepared.grant)
        return given.approval in ALLOWING, given.reason

    def resolve(self, given: ev.CommandIssued.ResolveApproval) -> str:
        """A person decides. Empty where it is taken, else why it is not."""
        waiting = self._waiting.get(given.call_id)
        if waiting is None:
            return f"no decision is wanted about {given.call_id}: it was decided, or never asked for"
        if given.binding != waiting.binding:
            return f"what was shown is not what the call {given.call_id} would do now"
        if given.HasField("edited_args"):
            return "the arguments of a program's own call cannot be edited: allow it or deny it"
        if given.approval not in (*ALLOWING, ev.APPROVAL_DENIED):
            return "decide once, for the session, or deny"
        del self._waiting[given.call_id]
        if not waiting.decided.done():
            waiting.decided.set_result(given)
        return ""
