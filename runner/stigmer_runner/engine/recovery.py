"""What becomes of what was under way when a runner died, and how a run's end is told."""

from collections.abc import Iterable, Sequence

from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import ActivityResolved, Failure, JournalRecord
from stigmer_runner.engine.activities import Activity
from stigmer_runner.engine.chronicle import Cancelled, Completed, Failed, RunEnd
from stigmer_runner.engine.commands import Cancellation, CompleteRun, ContinueRun, EndRun, FailRun
from stigmer_runner.engine.errors import (
    ACTIVITY_NOT_FOUND,
    OUTCOME_UNKNOWN,
    RUNNER_LOST,
    EngineError,
    NonDeterminism,
    Unsupported,
)
from stigmer_runner.engine.failures import application, cancelled, innermost
from stigmer_runner.engine.instance import DrivenWorkflow
from stigmer_runner.engine.payloads import decode_result
from stigmer_runner.engine.standing import PendingActivity, Standing


def replay(workflow: DrivenWorkflow, standing: Standing, records: Sequence[JournalRecord], first_number: int) -> None:
    """Feed `records`, the first of which is record `first_number` (from 0), to a workflow, without any effect.

    Raises `NonDeterminism`, `WorkflowBroken`, `Unsupported`.
    """
    for number, record in enumerate(records, first_number):
        match record.WhichOneof("entry"):
            case "activation":
                told = standing.take_jobs(record.activation.jobs, replaying=True)
                commands = workflow.activate(told, record.time_unix_micros, number, replaying=True)
                standing.take_commands(commands, record.time_unix_micros)
            case "activity_started":
                standing.take_started(record.activity_started)
            case other:
                raise Unsupported(f"the journal holds a record of a kind that this engine does not know: {other}")


def first_start(records: Sequence[JournalRecord], workflow_type: str) -> JournalRecord:
    """The first record, which begins the run. Raises `NonDeterminism` where it does not, or begins another workflow."""
    jobs = records[0].activation.jobs
    if not jobs or jobs[0].WhichOneof("job") != "start":
        raise NonDeterminism("the journal does not begin with the start of a workflow")
    found = jobs[0].start.workflow_type
    if found != workflow_type:
        raise NonDeterminism(f"the journal is of workflow {found!r}, not of {workflow_type!r}")
    return records[0]


def latest_run(records: Sequence[JournalRecord], standing: Standing, workflow_type: str) -> Sequence[JournalRecord]:
    """The records of the run that goes on, of all runs that continued one another. `standing` takes note of the commands of the others.

    Raises `NonDeterminism` where the records do not begin with a start, or are of another workflow.
    """
    if not records:
        raise NonDeterminism("the journal does not begin with the start of a workflow")
    first_start(records, workflow_type)
    starts = [number for number, record in enumerate(records) if _is_start(record)]
    last = starts[-1]
    first_start(records[last:], workflow_type)
    for record in records[:last]:
        for job in record.activation.jobs:
            standing.take_command_of(job)
    return records[last:]


def check_continuation(end: EndRun | None, workflow_type: str) -> None:
    """Raises `Unsupported` where a run is to be continued as another workflow."""
    if isinstance(end, ContinueRun) and end.workflow_type not in ("", workflow_type):
        raise Unsupported(
            f"the workflow {workflow_type!r} goes on as {end.workflow_type!r}: only as itself can it go on"
        )


def _is_start(record: JournalRecord) -> bool:
    jobs = record.activation.jobs
    return bool(jobs) and jobs[0].WhichOneof("job") == "start"


def missing_activity(pending: PendingActivity) -> ActivityResolved:
    """How an activity is resolved that this runner does not have."""
    words = f"this runner has no activity {pending.schedule.name!r}"
    missing = application(ACTIVITY_NOT_FOUND, words, retryable=False)
    return ActivityResolved(sequence=pending.schedule.sequence, failed=missing)


def resolution_without_attempt(pending: PendingActivity, activity: Activity) -> ActivityResolved | None:
    """How an activity that nobody runs is to be resolved; None where an attempt is to be made.

    An attempt with side effects whose runner died is not made again: its outcome is unknown.
    """
    sequence = pending.schedule.sequence
    unknown = pending.attempt > 0 and not activity.repeatable
    if pending.cancel_asked and not (unknown and pending.schedule.cancellation is Cancellation.WAIT):
        return ActivityResolved(sequence=sequence, cancelled=cancelled(""))
    if unknown:
        return ActivityResolved(sequence=sequence, failed=_lost(OUTCOME_UNKNOWN, "nobody knows how far it came"))
    if pending.attempt > 0 and pending.schedule.retry.exhausted(pending.attempt):
        return ActivityResolved(sequence=sequence, failed=_lost(RUNNER_LOST, "its attempts are used up"))
    return None


def _lost(kind: str, consequence: str) -> Failure:
    return application(kind, f"the runner stopped while it ran: {consequence}", retryable=False)


def resolved_in(records: Iterable[JournalRecord]) -> set[int]:
    """Sequences of the activities that `records` resolve."""
    jobs = (job for record in records for job in record.activation.jobs)
    return {job.activity_resolved.sequence for job in jobs if job.HasField("activity_resolved")}


def end_of(standing: Standing) -> RunEnd:
    """How the run ended, from how its workflow did."""
    match standing.end:
        case CompleteRun(result):
            return Completed(decode_result(result))
        case FailRun(failure):
            told = failure if failure.kind == Failure.KIND_APPLICATION else innermost(failure)
            return Failed(told.message, told.type)
        case _:
            return Cancelled(standing.cancel_reason)


def end_of_broken(error: EngineError) -> Failed:
    """How a run ends that cannot go on."""
    if isinstance(error, NonDeterminism):
        return Failed(f"This run cannot go on: its recorded steps do not fit this version of Stigmer ({error}).")
    return Failed(f"Stigmer itself failed in this run: {error}")
