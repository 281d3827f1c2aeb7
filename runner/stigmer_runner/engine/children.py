"""The child workflows of a live run. A child is a run of its own in the same process, its records stand in its parent's journal.

It lives no longer than its parent: a parent that ends cancels its children and waits for them.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import (
    ChildResolved,
    ChildStarted,
    Job,
    JournalRecord,
    SignalSent,
)
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_runner.engine.chronicle import Abandoned, Cancelled, Completed, Failed, RunOutcome
from stigmer_runner.engine.commands import (
    CancelChild,
    Cancellation,
    CompleteRun,
    EndRun,
    FailRun,
    SignalChild,
    StartChild,
)
from stigmer_runner.engine.failures import application, cancelled
from stigmer_runner.engine.journal import JournalSink
from stigmer_runner.engine.payloads import decode, encode
from stigmer_runner.engine.plan import ChildKinds, ChildParts, RunPlan
from stigmer_runner.engine.standing import PendingChild, Standing

CHILD_NOT_FOUND = "ChildNotFound"
"""Type of the failure of a child workflow that this runner does not have, and of a signal to one that does not run."""

INNER = "inner:"
"""Begins the command id of a signal from a parent to its child: nobody outside issued it, and nobody is told."""


class ChildRun(Protocol):
    """A run, as its parent uses it."""

    @property
    def end(self) -> EndRun | None:
        """How its workflow ended, where it has."""
        ...

    async def execute(self, history: Sequence[JournalRecord] = ()) -> RunOutcome:
        """Run to the end."""
        ...

    def signal(
        self, name: str, *arguments: object, command_id: str = "", taken: Callable[[], None] | None = None
    ) -> None:
        """Send it a signal; `taken` is called once it is in the journal."""
        ...

    def update(self, name: str, *arguments: object, command_id: str = "") -> "asyncio.Future[object]":
        """Send it an update."""
        ...

    def cancel(self, reason: str, *, command_id: str = "") -> None:
        """Ask it to end."""
        ...

    def abandon(self, reason: str) -> None:
        """Stop it at once: the lease is lost."""
        ...


class ParentPort(Protocol):
    """What children need of the run that started them."""

    def append(
        self, records: Sequence[JournalRecord], events: Sequence[Event], *, urgent: bool, final: bool = False
    ) -> "asyncio.Future[None]":
        """See `JournalSink.append`."""
        ...

    def tell(self, job: Job) -> None:
        """A child came to its end, or has a signal: its parent is to be told."""
        ...

    def abandon(self, reason: str) -> None:
        """The lease is lost."""
        ...


MakeRun: TypeAlias = Callable[[RunPlan, ChildParts, JournalSink], ChildRun]


class _ChildSink:
    """The journal of a child: its parent's, each record and event marked as the child's."""

    def __init__(self, parent: ParentPort, lane: str, mark: Callable[[Event], None]) -> None:
        self._parent = parent
        self._lane = lane
        self._mark = mark

    def append(
        self, records: Sequence[JournalRecord], events: Sequence[Event], *, urgent: bool, final: bool = False
    ) -> "asyncio.Future[None]":
        """See `JournalSink.append`. The end of a child is not that of the execution."""
        for record in records:
            if not record.child_run_id:
                record.child_run_id = self._lane
        for event in events:
            self._mark(event)
        return self._parent.append(records, events, urgent=urgent)


class _Child:
    """One child that lives."""

    def __init__(self, sequence: int, workflow_id: str, run: ChildRun) -> None:
        self.sequence = sequence
        self.workflow_id = workflow_id
        self.run = run
        self.detached = False
        """Set once the parent does not wait for its end any more."""
        self.task: asyncio.Task[None] | None = None
        self.signals: set[int] = set()
        """Signals of the parent that are on their way."""


class Children:
    """Starts children, cancels them, sends them signals, and knows which live. Their tasks belong to the parent's `group`."""

    def __init__(self, parent: ParentPort, lane: str, kinds: ChildKinds, make: MakeRun) -> None:
        self._parent = parent
        self._lane = lane
        self._kinds = kinds
        self._make = make
        self._living: dict[int, _Child] = {}
        self.group: asyncio.TaskGroup | None = None

    @property
    def any(self) -> bool:
        """Whether one lives."""
        return bool(self._living)

    def do(self, command: StartChild | CancelChild | SignalChild, standing: Standing) -> Sequence[Job]:
        """Do what the workflow asked for; returns what it is to be told."""
        match command:
            case SignalChild():
                return self._signal(command, standing.run_id)
            case StartChild():
                return self._start(standing.children[command.sequence], standing.run_id, ())
            case CancelChild():
                pending = standing.children.get(command.sequence)
                return () if pending is None else self._cancel(pending, standing.cancel_reason)

    def take_up(self, standing: Standing, lanes: "Lanes") -> Sequence[Job]:
        """Go on with the children that lived when the last runner died; returns what the workflow is to be told."""
        told: list[Job] = []
        for sequence, pending in sorted(standing.children.items()):
            history = lanes.of_child(self._lane_of(sequence, standing.run_id))
            told.extend(self._start(pending, standing.run_id, history))
            if pending.cancel_asked and sequence in self._living:
                told.extend(self._cancel(pending, standing.cancel_reason))
        for asked in standing.signals.values():
            told.extend(self._signal(asked, standing.run_id))
        return told

    def find(self, workflow_id: str) -> ChildRun | None:
        """The living child of that id."""
        child = self._find(workflow_id)
        return None if child is None else child.run

    def stop(self, reason: str) -> "Sequence[asyncio.Task[None]]":
        """Cancel all that live; they end in their own time."""
        for child in self._living.values():
            child.detached = True
            child.run.cancel(reason)
        return [child.task for child in self._living.values() if child.task is not None]

    def break_off(self, reason: str) -> None:
        """Stop all at once: the lease is lost, or the run is over."""
        for child in list(self._living.values()):
            child.run.abandon(reason)

    def _start(self, pending: PendingChild, run_id: str, history: Sequence[JournalRecord]) -> Sequence[Job]:
        """Let a child live, from its records where it has any. One that was cancelled before it began never does."""
        asked = pending.start
        if pending.cancel_asked and not pending.started:
            failure = cancelled(pending.cancel_reason)
            return (Job(child_started=ChildStarted(sequence=asked.sequence, failed=failure)),)
        parts = self._kinds(asked.workflow_type, asked.workflow_id)
        if parts is None or self.group is None:
            words = f"this runner has no workflow {asked.workflow_type!r}"
            failure = application(CHILD_NOT_FOUND, words, retryable=False)
            return (Job(child_started=ChildStarted(sequence=asked.sequence, failed=failure)),)
        lane = self._lane_of(asked.sequence, run_id)
        plan = RunPlan(parts.definition, asked.workflow_id, decode(asked.arguments, ()), lane)
        run = self._make(plan, parts, _ChildSink(self._parent, lane, parts.mark))
        child = self._living[asked.sequence] = _Child(asked.sequence, asked.workflow_id, run)
        child.task = self.group.create_task(self._live(child, history))
        if pending.started:
            return ()
        return (Job(child_started=ChildStarted(sequence=asked.sequence, run_id=lane)),)

    def _cancel(self, pending: PendingChild, parent_reason: str) -> Sequence[Job]:
        child = self._living.get(pending.start.sequence)
        if child is None:
            return ()
        how = pending.start.cancellation
        reason = pending.cancel_reason or parent_reason
        child.detached = how is not Cancellation.WAIT
        if how is not Cancellation.ABANDON:
            child.run.cancel(reason)
        if not child.detached:
            return ()
        return (Job(child_resolved=ChildResolved(sequence=child.sequence, cancelled=cancelled(reason))),)

    def _signal(self, asked: SignalChild, run_id: str) -> Sequence[Job]:
        """Hand a signal over, once however often it is sent. The parent is told when the child has it in its journal."""
        child = self._find(asked.workflow_id)
        if child is None:
            return (_not_sent(asked.sequence, asked.workflow_id),)
        child.signals.add(asked.sequence)

        def taken() -> None:
            child.signals.discard(asked.sequence)
            self._parent.tell(Job(signal_sent=SignalSent(sequence=asked.sequence)))

        command_id = f"{INNER}{run_id}:{asked.sequence}"
        child.run.signal(asked.name, *decode(asked.arguments, ()), command_id=command_id, taken=taken)
        return ()

    def _find(self, workflow_id: str) -> _Child | None:
        return next((child for child in self._living.values() if child.workflow_id == workflow_id), None)

    def _lane_of(self, sequence: int, run_id: str) -> str:
        own = f"{run_id}-{sequence}"
        return f"{self._lane}/{own}" if self._lane else own

    async def _live(self, child: _Child, history: Sequence[JournalRecord]) -> None:
        outcome = await child.run.execute(history)
        self._living.pop(child.sequence, None)
        if isinstance(outcome, Abandoned):
            self._parent.abandon(outcome.reason)
            return
        for sequence in sorted(child.signals):
            self._parent.tell(_not_sent(sequence, child.workflow_id))
        if not child.detached:
            self._parent.tell(Job(child_resolved=_resolution(child, outcome)))


def _not_sent(sequence: int, workflow_id: str) -> Job:
    failure = application(CHILD_NOT_FOUND, f"no child {workflow_id!r} runs", retryable=False)
    return Job(signal_sent=SignalSent(sequence=sequence, failed=failure))


def _resolution(child: _Child, outcome: Completed | Failed | Cancelled) -> ChildResolved:
    end = child.run.end
    resolved = ChildResolved(sequence=child.sequence)
    match outcome:
        case Completed():
            result = end.result if isinstance(end, CompleteRun) else None
            resolved.completed.CopyFrom(result if result is not None else encode((None,))[0])
        case Failed():
            failure = end.failure if isinstance(end, FailRun) else application(outcome.kind, outcome.reason)
            resolved.failed.CopyFrom(failure)
        case Cancelled():
            resolved.cancelled.CopyFrom(cancelled(outcome.reason))
    return resolved


class Lanes:
    """The records of a journal, by the run that they are of."""

    def __init__(self, lane: str, records: Sequence[JournalRecord]) -> None:
        self.own: list[JournalRecord] = []
        """The run's own."""
        self._of_children: dict[str, list[JournalRecord]] = {}
        deep = len(lane) + 1 if lane else 0
        for record in records:
            if record.child_run_id == lane:
                self.own.append(record)
            else:
                child, _, _ = record.child_run_id[deep:].partition("/")
                self._of_children.setdefault(record.child_run_id[:deep] + child, []).append(record)

    def of_child(self, lane: str) -> Sequence[JournalRecord]:
        """Those of a child, and of its children."""
        return self._of_children.get(lane, ())
