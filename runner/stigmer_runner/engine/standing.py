"""What a run waits for. Fed with the same records and commands, a replay and a live run stand the same."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import ActivityStarted, Job
from stigmer_runner.engine.commands import (
    CancelActivity,
    CancelRun,
    CancelTimer,
    Command,
    CompleteRun,
    EndRun,
    FailRun,
    ScheduleActivity,
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
class PendingTimer:
    """A timer that has not gone off."""

    due_micros: int


@dataclass(slots=True)
class Standing:
    """What is open in a run, and what it was told."""

    activities: dict[int, PendingActivity] = field(default_factory=dict[int, PendingActivity])
    timers: dict[int, PendingTimer] = field(default_factory=dict[int, PendingTimer])
    command_ids: set[str] = field(default_factory=set[str])
    """Commands of persons that the run has taken."""
    cancel_commands: list[str] = field(default_factory=list[str])
    """Those of them that asked for a cancel: they took effect when the run is over."""
    cancel_requested: bool = False
    cancel_reason: str = ""
    end: EndRun | None = None
    """How the workflow ended, where it has."""

    def take_jobs(self, jobs: Sequence[Job]) -> list[WorkflowActivationJob]:
        """Take note of jobs that the workflow is about to be told, in the library's form.

        A second request to cancel is noted and not told. Raises `NonDeterminism` for a job that nothing waits for.
        """
        if self.end is not None:
            raise NonDeterminism("the journal goes on after the workflow's end")
        told: list[WorkflowActivationJob] = []
        for job in jobs:
            if job.WhichOneof("job") == "cancel_requested" and not self._first_cancel(job):
                continue
            told.append(job_to_library(job, self._schedule_of))
            self._take(job)
        return told

    def take_started(self, started: ActivityStarted) -> None:
        """Take note of an attempt. Raises `NonDeterminism` where nobody asked for it."""
        pending = self.activities.get(started.sequence)
        if pending is None:
            raise NonDeterminism(f"the journal starts activity {started.sequence}, which the workflow did not ask for")
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
                case CompleteRun() | FailRun() | CancelRun():
                    self.end = self.end or command
                case _:
                    continue

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
            case "activity_resolved":
                del self.activities[job.activity_resolved.sequence]
            case "timer_fired":
                sequence = job.timer_fired.sequence
                if self.timers.pop(sequence, None) is None:
                    raise NonDeterminism(f"the journal fires timer {sequence}, which the workflow does not wait for")
            case "signalled":
                if job.signalled.command_id:
                    self.command_ids.add(job.signalled.command_id)
            case _:
                return

    def _schedule_of(self, sequence: int) -> ScheduleActivity:
        pending = self.activities.get(sequence)
        if pending is None:
            raise NonDeterminism(f"the journal resolves activity {sequence}, which the workflow does not wait for")
        return pending.schedule
