"""A run of a workflow by the embedded engine, from its first activation or from its journal to its end."""

import asyncio
import logging
import math
import os
import time
from collections.abc import Callable, Sequence
from typing import TypeAlias

from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import (
    ActivityResolved,
    CancelRequested,
    Job,
    JournalRecord,
    PatchNoticed,
    Signalled,
    Start,
    TimerFired,
    Updated,
)
from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import Payload as RecordedPayload
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_runner.engine.activities import Activities
from stigmer_runner.engine.attempts import LiveActivity
from stigmer_runner.engine.callbacks import in_callback
from stigmer_runner.engine.children import INNER, Children, ChildRun, Lanes
from stigmer_runner.engine.chronicle import Abandoned, Chronicle, Failed, RunEnd, RunOutcome
from stigmer_runner.engine.commands import (
    CancelActivity,
    CancelChild,
    CancelTimer,
    Command,
    ContinueRun,
    EndRun,
    NoticePatch,
    ScheduleActivity,
    SignalChild,
    StartChild,
    StartTimer,
)
from stigmer_runner.engine.drafts import Drafts
from stigmer_runner.engine.errors import EngineError, LeaseLost, NonDeterminism, QueryRefused
from stigmer_runner.engine.failures import cancelled
from stigmer_runner.engine.inbox import Inbox, Note, command_of
from stigmer_runner.engine.instance import DrivenWorkflow, name_of
from stigmer_runner.engine.journal import JournalSink
from stigmer_runner.engine.lives import Lives
from stigmer_runner.engine.payloads import encode
from stigmer_runner.engine.plan import ChildKinds, ChildParts, RunPlan, childless
from stigmer_runner.engine.questions import Questions
from stigmer_runner.engine.recovery import (
    check_continuation,
    end_of,
    end_of_broken,
    latest_run,
    replay,
    resolved_in,
)
from stigmer_runner.engine.standing import PendingActivity, Standing
from stigmer_runner.engine.temporalio_names import Payload
from stigmer_runner.engine.timers import Timers
from stigmer_runner.engine.updates import Updates, refusal

__all__ = ["EmbeddedRun", "RunPlan"]

_logger = logging.getLogger(__name__)

REPLAY_SLICE = 200
"""Records replayed in one turn of the loop: what else runs must not wait for a long journal."""


def _now_micros() -> int:
    return time.time_ns() // 1000


def _is_durable(written: "asyncio.Future[None]") -> bool:
    """Whether it is known to be; one that never will be is done too."""
    return written.done() and not written.cancelled() and written.exception() is None


_Closing: TypeAlias = Callable[[Sequence[JournalRecord], Sequence[Event]], None]


async def _when_done(tasks: "Sequence[asyncio.Task[None]]", then: _Closing) -> None:
    await asyncio.wait(tasks)
    then((), ())


class EmbeddedRun:
    """One run. `execute` lives as long as it does; the other methods may be called meanwhile, on the same loop."""

    def __init__(
        self,
        plan: RunPlan,
        activities: Activities,
        journal: JournalSink,
        chronicle: Chronicle,
        *,
        child_kinds: ChildKinds = childless,
        clock: Callable[[], int] = _now_micros,
        entropy: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._plan = plan
        self._journal = journal
        self._chronicle = chronicle
        self._clock = clock
        self._entropy = entropy
        self._standing = Standing()
        self._inbox = Inbox()
        self._questions = Questions()
        self._updates = Updates()
        self._lives = Lives(self, activities)
        self._children = Children(self, plan.lane, child_kinds, self._child_run)
        self._child_kinds = child_kinds
        self._lanes = Lanes(plan.lane, ())
        self._timers = Timers(self._timer_fired)
        self._records = 0
        self._time = 0
        self._when_live: Callable[[], None] | None = None
        self._live = self._woken = self._closing = self._abandoned = False
        self._workflow: DrivenWorkflow | None = None
        self._loop = asyncio.get_running_loop()
        self._done: asyncio.Future[RunOutcome] = self._loop.create_future()
        self._group: asyncio.TaskGroup | None = None
        self._ahead: asyncio.Future[None] | None = None
        """Done once the start of the last early activity is durable."""

    async def execute(self, history: Sequence[JournalRecord] = ()) -> RunOutcome:
        """Run to the end, after replaying `history` where there is one. A lost lease ends it without a word in the log."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = self._children.group = group
                await self._begin(history)
                outcome = await self._done
                self._lives.break_off()
                self._children.break_off("its parent is over")
        finally:
            self._stop()
        return outcome

    def signal(
        self, name: str, *arguments: object, command_id: str = "", taken: Callable[[], None] | None = None
    ) -> None:
        """Send the workflow a signal. One whose command it has already taken is passed over. `taken` is called once it is in the journal."""
        signalled = Signalled(name=name, arguments=encode(arguments), command_id=command_id)
        self._post(Note(Job(signalled=signalled), taken=taken))

    def update(self, name: str, *arguments: object, command_id: str = "") -> "asyncio.Future[object]":
        """Send the workflow an update: what its handler returns, once it has; it fails with `UpdateRefused`.

        It need not be awaited. One whose command the run has already taken is passed over, and answered with None.
        """
        update_id = command_id or self._entropy(16).hex()
        answer = self._updates.send(update_id)
        if not self._closing:
            updated = Updated(update_id=update_id, name=name, arguments=encode(arguments), command_id=command_id)
            self._post(Note(Job(updated=updated)))
        return answer

    def cancel(self, reason: str, *, command_id: str = "") -> None:
        """Ask the workflow to end. One whose command it has already taken is passed over."""
        self._post(Note(Job(cancel_requested=CancelRequested(reason=reason, command_id=command_id))))

    async def query(self, name: str, *arguments: object) -> object:
        """Ask the workflow something; changes nothing and is not journaled. Raises `QueryRefused`."""
        answer = self._questions.ask(name, arguments)
        self._wake()
        return await answer

    def abandon(self, reason: str) -> None:
        """Stop at once and write nothing more: the lease is lost."""
        self._abandoned = True
        self._settle(Abandoned(reason))

    def when_live(self, call: Callable[[], None]) -> None:
        """Call once what was journaled has been replayed, and the children live."""
        self._when_live = call

    def child(self, workflow_id: str) -> "ChildRun | None":
        """The living child workflow of that id."""
        return self._children.find(workflow_id)

    def rests_until(self) -> float | None:
        """When the next of its timers goes off, in microseconds since 1970, where the run does nothing but wait; infinite where it
        waits for a signal alone. None while anything is under way. A run that rests can be abandoned, and taken up again from its
        journal as if its runner had died."""
        standing = self._standing
        busy = self._woken or self._inbox.waits or standing.activities or self._lives.any or self._children.any
        if not self._live or self._closing or busy or standing.end is not None or standing.cancel_requested:
            return None
        return min((timer.due_micros for timer in standing.timers.values()), default=math.inf)

    @property
    def end(self) -> EndRun | None:
        """How the workflow ended, where it has."""
        return self._standing.end

    @property
    def cancel_reason(self) -> str:
        """Why the run is being cancelled, empty while it is not."""
        return self._standing.cancel_reason

    def now(self) -> int:
        """Microseconds since 1970."""
        return self._clock()

    def append(
        self, records: Sequence[JournalRecord], events: Sequence[Event], *, urgent: bool, final: bool = False
    ) -> "asyncio.Future[None]":
        """Append to the run's journal, unless it was abandoned."""
        if self._abandoned:
            refused: asyncio.Future[None] = self._loop.create_future()
            refused.set_exception(LeaseLost("the run was abandoned"))
            refused.exception()
            return refused
        self._records += sum(not record.child_run_id for record in records)
        return self._journal.append(records, events, urgent=urgent, final=final)

    def resolved(self, life: LiveActivity, result: ActivityResolved, events: Sequence[Event]) -> None:
        """A live activity came to its end."""
        self._lives.forget(life)
        if not (life.detached or self._closing):
            self._post(Note(Job(activity_resolved=result), events))
        elif events:
            self.append((), events, urgent=True)

    def tell(self, job: Job) -> None:
        """Something became of a child, or of a signal to it."""
        if not self._closing:
            self._post(Note(job))

    # Beginning

    async def _begin(self, history: Sequence[JournalRecord]) -> None:
        if not history:
            start = self._new_start(encode(self._plan.arguments), "")
            self._inbox.put_first(Note(Job(start=start), self._chronicle.begun()))
            await in_callback(self._go_live)
            return
        try:
            await self._replay(history)
        except EngineError as error:
            _logger.warning("run %s cannot be replayed: %s", self._plan.workflow_id, error)
            self._close((), self._dangling(resolved_in(history)), end_of_broken(error))
        else:
            await in_callback(self._go_live)

    def _new_start(self, arguments: Sequence[RecordedPayload], continued_from: str) -> Start:
        return Start(
            workflow_type=name_of(self._plan.definition),
            workflow_id=self._plan.workflow_id,
            run_id=self._entropy(16).hex(),
            randomness_seed=int.from_bytes(self._entropy(8)),
            arguments=arguments,
            continued_from=continued_from,
        )

    async def _replay(self, history: Sequence[JournalRecord]) -> None:
        self._lanes = Lanes(self._plan.lane, history)
        own = latest_run(self._lanes.own, self._standing, name_of(self._plan.definition))
        start, at = own[0].activation.jobs[0].start, own[0].time_unix_micros

        def create() -> DrivenWorkflow:
            return DrivenWorkflow(self._plan.definition, start, at)

        self._workflow = workflow = await in_callback(create)
        for number in range(0, len(own), REPLAY_SLICE):
            part = own[number : number + REPLAY_SLICE]

            def feed(part: Sequence[JournalRecord] = part, number: int = number) -> None:
                replay(workflow, self._standing, part, number)

            await in_callback(feed)
        self._records = len(own)
        self._time = own[-1].time_unix_micros

    def _go_live(self) -> None:
        self._live = True
        self._tell(self._children.take_up(self._standing, self._lanes))
        if self._when_live is not None:
            self._when_live()
        if self._standing.end is not None:
            self._end((), self._dangling(set()))
            return
        for sequence, timer in self._standing.timers.items():
            self._timers.arm(sequence, (timer.due_micros - self._clock()) / 1e6)
        for _, pending in sorted(self._standing.activities.items()):
            self._take_up(pending)
        self._wake()

    def _take_up(self, pending: PendingActivity) -> None:
        """Go on with an activity that was under way when the last runner died."""
        found = self._lives.take_up(pending)
        if isinstance(found, ActivityResolved):
            self._post(Note(Job(activity_resolved=found), self._lives.lost_events(pending)))
        else:
            record, intent = found.announce()
            self._start(found, self.append((record,), intent, urgent=True))

    def _dangling(self, resolved: set[int]) -> list[Event]:
        """What there is to say about all attempts whose runner died, but for those that came to their end."""
        pending = [p for sequence, p in sorted(self._standing.activities.items()) if sequence not in resolved]
        return [event for each in pending for event in self._lives.lost_events(each)]

    # Stepping

    def _post(self, note: Note) -> None:
        self._inbox.put(note)
        self._wake()

    def _tell(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            self._post(Note(job))

    def _wake(self) -> None:
        if self._live and not self._woken and not self._closing:
            self._woken = True
            self._loop.call_soon(self._pump)

    def _pump(self) -> None:
        """Tell the workflow everything that is new. A plain callback of the loop: see `DrivenWorkflow`."""
        self._woken = False
        if self._closing or self._abandoned:
            return
        try:
            while self._inbox.waits and not self._closing:
                notes = self._inbox.next(self._is_new)
                if notes:
                    self._step(notes)
            if self._workflow is not None and not self._closing:
                self._questions.answer(self._ask)
        except Exception as error:
            _logger.exception("run %s: a step failed", self._plan.workflow_id)
            self._close((), (), Failed(f"Stigmer itself failed in this run: {type(error).__name__}: {error}"))

    def _is_new(self, job: Job) -> bool:
        """Whether this is not of a command that the run has taken already."""
        command_id = command_of(job)
        if not command_id:
            return True
        new = command_id not in self._standing.command_ids
        self._standing.command_ids.add(command_id)
        if not new and job.HasField("updated"):
            self._updates.known(command_id)
        return new

    def _step(self, notes: Sequence[Note]) -> None:
        """One activation: told to the workflow, written down with its events, and then what it asks for is done."""
        at = self._time = max(self._time, self._clock())
        record = JournalRecord(time_unix_micros=at)
        record.activation.jobs.extend(note.job for note in notes)
        events = [event for note in notes for event in self._events_of(note)]
        try:
            told = self._standing.take_jobs(record.activation.jobs, replaying=False)
            workflow = self._workflow_for(record)
            commands = workflow.activate(told, at, self._records, replaying=False)
            if self._refused(notes[0].job, commands):
                return
            events += workflow.take_told(at)
            self._standing.take_commands(commands, at)
            check_continuation(self._standing.end, name_of(self._plan.definition))
        except EngineError as error:
            _logger.warning("run %s cannot go on: %s", self._plan.workflow_id, error)
            self._close((record,), events, end_of_broken(error))
            return
        patches = [Job(patch_noticed=PatchNoticed(patch_id=c.patch_id)) for c in commands if isinstance(c, NoticePatch)]
        record.activation.jobs.extend(patches)
        if self._standing.end is not None:
            self._end((record,), events)
        else:
            self._do(commands, record, events)
        for note in notes:
            note.is_taken()
        self._updates.settle(commands)

    def _refused(self, job: Job, commands: Sequence[Command]) -> bool:
        """Whether this was an update that its validator refused: then its sender is told, and there is nothing to replay."""
        if not job.HasField("updated"):
            return False
        reason = refusal(job.updated.update_id, commands)
        if reason is None:
            return False
        if len(commands) > 1:
            raise NonDeterminism("an update that was refused moved the workflow")
        if job.updated.command_id:
            self.append((), self._chronicle.rejected(job.updated.command_id, reason), urgent=True)
        self._updates.settle(commands)
        return True

    def _workflow_for(self, record: JournalRecord) -> DrivenWorkflow:
        if self._workflow is None:
            start = record.activation.jobs[0].start
            self._workflow = DrivenWorkflow(self._plan.definition, start, record.time_unix_micros)
        return self._workflow

    def _events_of(self, note: Note) -> Sequence[Event]:
        command_id = "" if note.job.HasField("cancel_requested") else command_of(note.job)
        if not command_id or command_id.startswith(INNER):
            return note.events
        return (*note.events, *self._chronicle.applied(command_id))

    def _do(self, commands: Sequence[Command], record: JournalRecord, events: Sequence[Event]) -> None:
        """Write the activation down with the announcements of its activities, and do what it asks for."""
        drafts = Drafts()
        drafts.add((record,), events)
        cancelled_at_once = {command.sequence for command in commands if isinstance(command, CancelActivity)}
        begun: list[tuple[LiveActivity, int]] = []
        for command in commands:
            if isinstance(command, ScheduleActivity) and command.sequence not in cancelled_at_once:
                found = self._lives.take_up(self._standing.activities[command.sequence])
                if isinstance(found, ActivityResolved):
                    self._post(Note(Job(activity_resolved=found)))
                    continue
                started, intent = found.announce()
                begun.append((found, drafts.add((started,), intent)))
        durable = [self.append(records, told, urgent=True) for records, told in drafts.groups]
        for life, group in begun:
            self._start(life, durable[group])
        for command in commands:
            self._do_one(command)

    def _do_one(self, command: Command) -> None:
        match command:
            case StartTimer():
                self._timers.arm(command.sequence, command.seconds)
            case CancelTimer():
                self._timers.cancel(command.sequence)
            case CancelActivity():
                pending = self._standing.activities.get(command.sequence)
                if pending is not None and self._lives.cancel(pending):
                    result = ActivityResolved(sequence=command.sequence, cancelled=cancelled(self.cancel_reason))
                    self._post(Note(Job(activity_resolved=result)))
            case StartChild() | CancelChild() | SignalChild():
                self._tell(self._children.do(command, self._standing))
            case _:
                return

    def _child_run(self, plan: RunPlan, parts: ChildParts, journal: JournalSink) -> ChildRun:
        return EmbeddedRun(
            plan,
            parts.activities,
            journal,
            parts.chronicle,
            child_kinds=self._child_kinds,
            clock=self._clock,
            entropy=self._entropy,
        )

    def _start(self, life: LiveActivity, durable: "asyncio.Future[None]") -> None:
        if self._group is None:
            return
        if life.activity.early:
            life.ahead = self._ahead is None or _is_durable(self._ahead)
            self._ahead = durable
        self._lives.start(life, durable, self._group)

    def _timer_fired(self, sequence: int) -> None:
        self._post(Note(Job(timer_fired=TimerFired(sequence=sequence))))

    def _ask(self, name: str, arguments: Sequence[object]) -> Payload:
        if self._workflow is None:
            raise QueryRefused("the run has not begun")
        return self._workflow.query(name, arguments, self._time, self._records)

    # Ending

    def _end(self, records: Sequence[JournalRecord], events: Sequence[Event]) -> None:
        """The workflow has ended, or goes on as another run."""
        end = self._standing.end
        if isinstance(end, ContinueRun):
            self._after_all(records, events, lambda first, told: self._continue(end, first, told))
        else:
            self._close(records, events, end_of(self._standing))

    def _close(self, records: Sequence[JournalRecord], events: Sequence[Event], end: RunEnd) -> None:
        """Write the end down, once everything that still runs has been stopped."""
        self._after_all(records, events, lambda first, told: self._write_end(first, told, end))

    def _after_all(self, records: Sequence[JournalRecord], events: Sequence[Event], then: _Closing) -> None:
        """Stop everything that still runs, and go on when it has ended."""
        self._closing = True
        tasks = (*self._lives.stop(), *self._children.stop(self.cancel_reason or "its parent ended"))
        if not tasks or self._group is None:
            then(records, events)
            return
        if records or events:
            self.append(records, events, urgent=True)
        self._group.create_task(_when_done(tasks, then))

    def _continue(self, end: ContinueRun, records: Sequence[JournalRecord], events: Sequence[Event]) -> None:
        """Begin the next run in place of this one. What came for it meanwhile is told to the next."""
        if records or events:
            self.append(records, events, urgent=True)
        before, self._standing = self._standing, self._standing.succeed()
        if self._workflow is not None:
            self._loop.call_soon(self._workflow.evict)
        self._workflow, self._records, self._closing = None, 0, False
        self._timers.stop()
        self._inbox.keep_what_outlives_a_run()
        if before.cancel_requested:
            self._inbox.put_first(Note(Job(cancel_requested=CancelRequested(reason=before.cancel_reason))))
        self._inbox.put_first(Note(Job(start=self._new_start(end.arguments, before.run_id))))
        self._wake()

    def _write_end(self, records: Sequence[JournalRecord], events: Sequence[Event], end: RunEnd) -> None:
        applied = [e for command_id in self._standing.cancel_commands for e in self._chronicle.applied(command_id)]
        told = (*events, *applied, *self._chronicle.ended(end))

        def written(durable: "asyncio.Future[None]") -> None:
            error = durable.exception()
            self._settle(Abandoned(str(error)) if error else end)

        self.append(records, told, urgent=True, final=True).add_done_callback(written)

    def _settle(self, outcome: RunOutcome) -> None:
        if not self._done.done():
            self._done.set_result(outcome)

    def _stop(self) -> None:
        self._closing = True
        self._timers.stop()
        self._questions.close()
        self._updates.close()
        if self._workflow is not None:
            self._loop.call_soon(self._workflow.evict)
