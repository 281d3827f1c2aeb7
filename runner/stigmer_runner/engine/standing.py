"""What a run waits for. Fed with the same records and commands, a replay and a live run stand the same."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import ActivityStarted, Job, Start
from stigmer_runner.engine.commands import (
    CancelActivity,
    CancelChild,
    CancelRun,
    CancelTimer,
    Command,
    CompleteRun,
    ContinueRun,
    EndRun,
    FailRun,
    ScheduleActivity,
    SignalChild,
    StartChild,
    StartTimer,
)
from stigmer_runner.engine.errors import NonDeterminism
from stigmer_runner.engine.temporalio_names import WorkflowActivationJob
from stigmer_runner.engine.translation import job_to_library


@dataclass(slots=True)
class PendingActivity:
    """An activity whose result the workflow does not have yet."""

    schedule: ScheduleActivity
    scheduled_micros: int
    attempt: int = 0
    """The last attempt whose start is journaled, 0 for none."""
    cancel_asked: bool = False


@dataclass(slots=True)
class PendingChild:
    """A child workflow whose end the workflow does not know yet."""

    start: StartChild
    cancel_asked: bool = False
    cancel_reason: str = ""
    started: bool = False
    """Whether the workflow was told that it began."""


@dataclass(slots=True)
class PendingTimer:
    """A timer that has not gone off."""

    due_micros: int


@dataclass(slots=True)
class Standing:
    """What is open in a run, and what it was told."""

    activities: dict[int, PendingActivity] = field(default_factory=dict[int, PendingActivity])
    timers: dict[int, PendingTimer] = field(default_factory=dict[int, PendingTimer])
    children: dict[int, PendingChild] = field(default_factory=dict[int, PendingChild])
    signals: dict[int, SignalChild] = field(default_factory=dict[int, SignalChild])
    """Signals to children that the workflow does not know to be handed over."""
    run_id: str = ""
    """Of the run, once it has begun."""
    command_ids: set[str] = field(default_factory=set[str])
    """Commands of persons that the run has taken."""
    cancel_commands: list[str] = field(default_factory=list[str])
    """Those of them that asked for a cancel: they took effect when the run is over."""
    cancel_requested: bool = False
    cancel_reason: str = ""
    end: EndRun | None = None
    """How the workflow ended, where it has."""

    def succeed(self) -> "Standing":
        """What stands at the beginning of the run that continues this one."""
        return Standing(command_ids=self.command_ids, cancel_commands=self.cancel_commands)

    def take_jobs(self, jobs: Sequence[Job], *, replaying: bool) -> list[WorkflowActivationJob]:
        """Take note of jobs that the workflow is about to be told, in the library's form.

        A second request to cancel is noted and not told. Raises `NonDeterminism` for a job that nothing waits for.
        """
        if self.end is not None:
            raise NonDeterminism("the journal goes on after the workflow's end")
        told: list[WorkflowActivationJob] = []
        for job in jobs:
            if job.WhichOneof("job") == "cancel_requested" and not self._first_cancel(job):
                continue
            told.append(job_to_library(job, self, replaying=replaying))
            self._take(job)
        return told

    def take_started(self, started: ActivityStarted) -> None:
        """Take note of an attempt. Raises `NonDeterminism` where nobody asked for it."""
        pending = self.activities.get(started.sequence)
        if pending is None:
            raise NonDeterminism(f"the journal starts activity {started.sequence}, which the workflow did not ask for")
        name = pending.schedule.name
        if started.name and started.name != name:
            raise NonDeterminism(
                f"the journal starts activity {started.sequence} as {started.name!r}, and the workflow asks for {name!r} there"
            )
        pending.attempt = started.attempt

    def take_commands(self, commands: Sequence[Command], at_micros: int) -> None:
        """Take note of what the workflow asked for."""
        for command in commands:
            match command:
                case ScheduleActivity():
                    self.activities[command.sequence] = PendingActivity(command, at_micros)
                case CancelActivity():
                    pending = self.activities.get(command.sequence)
                    if pending is not None:
                        pending.cancel_asked = True
                case StartTimer():
                    self.timers[command.sequence] = PendingTimer(at_micros + round(command.seconds * 1e6))
                case CancelTimer():
                    self.timers.pop(command.sequence, None)
                case StartChild():
                    self.children[command.sequence] = PendingChild(command)
                case CancelChild():
                    child = self.children.get(command.sequence)
                    if child is not None:
                        child.cancel_asked, child.cancel_reason = True, command.reason
                case SignalChild():
                    self.signals[command.sequence] = command
                case CompleteRun() | FailRun() | CancelRun() | ContinueRun():
                    self.end = self.end or command
                case _:
                    continue

    def take_command_of(self, job: Job) -> None:
        """Take note of the command that brought a job, and of nothing else: an earlier run has worked it off."""
        self.command_ids.add(job.signalled.command_id or job.updated.command_id)
        request = job.cancel_requested
        if request.command_id:
            self.command_ids.add(request.command_id)
            self.cancel_commands.append(request.command_id)

    def _first_cancel(self, job: Job) -> bool:
        request = job.cancel_requested
        if request.command_id:
            self.command_ids.add(request.command_id)
            self.cancel_commands.append(request.command_id)
        if self.cancel_requested:
            return False
        self.cancel_requested = True
        self.cancel_reason = request.reason
        return True

    def _take(self, job: Job) -> None:
        match job.WhichOneof("job"):
            case "start":
                self._begin(job.start)
            case "activity_resolved":
                del self.activities[job.activity_resolved.sequence]
            case "timer_fired":
                sequence = job.timer_fired.sequence
                if self.timers.pop(sequence, None) is None:
                    raise NonDeterminism(f"the journal fires timer {sequence}, which the workflow does not wait for")
            case "signalled":
                self.command_ids.add(job.signalled.command_id)
            case "updated":
                self.command_ids.add(job.updated.command_id)
            case "child_started":
                self._child_started(job.child_started.sequence, failed=job.child_started.HasField("failed"))
            case "child_resolved":
                del self.children[job.child_resolved.sequence]
            case "signal_sent":
                sequence = job.signal_sent.sequence
                if self.signals.pop(sequence, None) is None:
                    raise NonDeterminism(f"the journal hands over signal {sequence}, which the workflow did not send")
            case _:
                return

    def _begin(self, start: Start) -> None:
        self.run_id = start.run_id

    def _child_started(self, sequence: int, *, failed: bool) -> None:
        if failed:
            del self.children[sequence]
        else:
            self.children[sequence].started = True

    def child_of(self, sequence: int) -> StartChild:
        """What was asked of a child workflow. Raises `NonDeterminism` where the workflow did not ask for it."""
        pending = self.children.get(sequence)
        if pending is None:
            raise NonDeterminism(f"the journal tells of child {sequence}, which the workflow did not start")
        return pending.start

    def schedule_of(self, sequence: int) -> ScheduleActivity:
        """What was asked of an activity. Raises `NonDeterminism` where the workflow does not wait for it."""
        pending = self.activities.get(sequence)
        if pending is None:
            raise NonDeterminism(f"the journal resolves activity {sequence}, which the workflow does not wait for")
        return pending.schedule
