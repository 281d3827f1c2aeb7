"""Decisions that a program waits for in the middle of a prompt. They live as long as the prompt does."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.execution.v1.attention_pb2 import AttentionKind
from stigmer_runner.durable.telling import approval_attention, withdrawn
from stigmer_runner.tools.preparing import Prepared

Record: TypeAlias = Callable[[Sequence[ev.Event]], object]
INTERRUPTED = "interrupted"
IN_TIME = "nobody decided in time"
ALLOWING = (ev.APPROVAL_ONCE, ev.APPROVAL_SESSION)


@dataclass
class _Waiting:
    binding: bytes
    record: Record
    decided: "asyncio.Future[ev.CommandIssued.ResolveApproval | None]"
    """None where the question was withdrawn."""


class LiveApprovals:
    """What waits for a decision now, by tool call."""

    def __init__(
        self, granted: Iterable[bytes] = (), seconds: float = 0.0, clock: Callable[[], int] = lambda: 0
    ) -> None:
        """`granted`: what the session has approved before. `seconds`: how long a person has; 0 for as long as they like. `clock` gives
        microseconds since 1970."""
        self.granted: set[bytes] = set(granted)
        """What was approved for the session."""
        self._seconds = seconds
        self._clock = clock
        self._waiting: dict[str, _Waiting] = {}

    async def decision(self, record: Record, call_id: str, prepared: Prepared) -> tuple[bool, str]:
        """Ask the person: whether it may be, and their reason; `INTERRUPTED` where nobody is asked any more."""
        decided: asyncio.Future[ev.CommandIssued.ResolveApproval | None] = asyncio.get_running_loop().create_future()
        waiting = _Waiting(prepared.binding, record, decided)
        self._waiting[call_id] = waiting
        requested = ev.ApprovalRequested(
            call_id=call_id,
            summary=prepared.summary,
            binding=prepared.binding,
            reason=prepared.reason,
            tool=prepared.tool,
            grant=prepared.grant,
            expires_unix_micros=self._clock() + round(self._seconds * 1e6) if self._seconds else 0,
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
            async with asyncio.timeout(self._seconds or None):
                given = await decided
        except TimeoutError:
            self._waiting.pop(call_id, None)
            record(withdrawn(call_id, IN_TIME, expired=True))
            return False, IN_TIME
        except asyncio.CancelledError:
            self._withdraw(call_id)
            raise
        if given is None:
            return False, INTERRUPTED
        if given.approval == ev.APPROVAL_SESSION:
            self.granted.add(prepared.grant)
        return given.approval in ALLOWING, given.reason

    def withdraw(self) -> None:
        """The turn is over: nothing of it is to be decided any more."""
        for call_id in list(self._waiting):
            self._withdraw(call_id)

    def _withdraw(self, call_id: str) -> None:
        waiting = self._waiting.pop(call_id, None)
        if waiting is None:
            return
        waiting.record(withdrawn(call_id, INTERRUPTED))
        if not waiting.decided.done():
            waiting.decided.set_result(None)

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
