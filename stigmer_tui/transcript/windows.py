"""The end of a long run, read without what came before: what is open there, and its sums, as the daemon tells them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import ToolCall
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import FoldState
from stigmer_apis.client import TailBatch, TailReset
from stigmer_tui.transcript.run_state import RunState

SIZES = (512 << 10, 4 << 20, 0)
"""Bytes of events that are read of a run: first, when more is asked for, and when all is (0)."""


@dataclass(slots=True)
class Window:
    """What comes of a window until everything is there that the daemon knew when it was asked."""

    reset: TailReset
    snapshot: FoldState
    batches: list[TailBatch] = field(default_factory=list[TailBatch])

    @classmethod
    def of(cls, reset: TailReset) -> "Window | None":
        """None where the reset is of another kind: something is not there any more."""
        if not reset.held_back or reset.snapshot is None:
            return None
        return cls(reset, reset.snapshot)

    def take(self, batch: TailBatch) -> bool:
        """One more; whether that was the last one."""
        self.batches.append(batch)
        return batch.last_seq >= self.snapshot.seq

    def before(self) -> list[Event]:
        """What a reader is told before the window's own events: the beginning of the run, and what is open that began before the window."""
        seen = _Seen()
        for batch in self.batches:
            seen.take(batch.events)
        first = [self.reset.beginning] if self.reset.beginning is not None else []
        return [*first, *self._open_calls(seen), *self._open_questions(seen)]

    def _open_calls(self, seen: "_Seen") -> Iterator[Event]:
        terminals = {call: terminal for terminal, call in self.snapshot.terminals.items()}
        for call in self.snapshot.status.tool_calls:
            if call.id not in seen.requested:
                yield _requested(call)
            asked = self.snapshot.approvals.get(call.id)
            if asked is not None and call.id not in seen.asked:
                yield Event(approval_requested=ev.ApprovalRequested.FromString(asked))
            if call.status == enums.TOOL_CALL_RUNNING and call.id not in seen.started:
                terminal = terminals.get(call.id, "")
                started = ev.ToolCallStarted(call_id=call.id, terminal_id=terminal)
                yield Event(time_unix_micros=_micros(call.started_at), tool_call_started=started)

    def _open_questions(self, seen: "_Seen") -> Iterator[Event]:
        for attention in self.snapshot.status.attention:
            name = attention.attention_id
            question = self.snapshot.questions.get(name)
            if question is not None and name not in seen.questions:
                yield Event(question_asked=ev.QuestionAsked.FromString(question))
            if attention.raised_seq < self.reset.first_available:
                raised = ev.AttentionRaised(
                    attention_id=name, kind=attention.kind, text=attention.text, call_id=attention.call_id
                )
                yield Event(time_unix_micros=attention.raised_unix_micros, attention_raised=raised)

    def settle(self, state: RunState) -> None:
        """Put right what the window alone does not tell: sums over the whole run, and the phase of one that lives."""
        row = self.snapshot.summary
        state.tokens, state.cost_micro_usd = row.tokens, row.cost_micro_usd
        state.phase = row.phase
        state.started_micros = state.started_micros or row.created_unix_micros
        state.ended_micros = state.ended_micros or row.completed_unix_micros
        if row.HasField("last_exit_code"):
            state.exit_code = row.last_exit_code


@dataclass(slots=True)
class _Seen:
    """What the window's own events tell."""

    requested: set[str] = field(default_factory=set[str])
    asked: set[str] = field(default_factory=set[str])
    started: set[str] = field(default_factory=set[str])
    questions: set[str] = field(default_factory=set[str])

    def take(self, events: Iterable[Event]) -> None:
        for event in events:
            match event.WhichOneof("body"):
                case "tool_call_requested":
                    self.requested.add(event.tool_call_requested.call_id)
                case "approval_requested":
                    self.asked.add(event.approval_requested.call_id)
                case "tool_call_started":
                    self.started.add(event.tool_call_started.call_id)
                case "question_asked":
                    self.questions.add(event.question_asked.attention_id)
                case _:
                    continue


def _micros(written: str) -> int:
    """Microseconds since 1970 of an RFC 3339 time; 0 for none."""
    return int(datetime.fromisoformat(written).timestamp() * 1_000_000) if written else 0


def _requested(call: ToolCall) -> Event:
    requested = ev.ToolCallRequested(call_id=call.id, name=call.name)
    requested.args.CopyFrom(call.args)
    return Event(tool_call_requested=requested)
