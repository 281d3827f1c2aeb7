"""Recorded jobs to the library's, the library's commands to ours. Nothing of the library's is ever stored."""

from collections.abc import Callable, Iterable, Mapping

from google.protobuf.duration_pb2 import Duration

from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import Job
from stigmer_runner.engine.commands import (
    AnswerQuery,
    CancelActivity,
    Cancellation,
    CancelRun,
    CancelTimer,
    Command,
    CompleteRun,
    FailRun,
    NoticePatch,
    ScheduleActivity,
    StartTimer,
    TimeLimits,
)
from stigmer_runner.engine.errors import Unsupported, WorkflowBroken
from stigmer_runner.engine.failures import failure_from_library, failure_of_activity, innermost
from stigmer_runner.engine.payloads import recorded, to_library
from stigmer_runner.engine.retry import NO_POLICY, RetryRule
from stigmer_runner.engine.temporalio_names import (
    ActivityCancellationType,
    WorkflowActivationCompletion,
    WorkflowActivationJob,
    WorkflowCommand,
)

SIGNAL_EVENT_ID = 1
"""The library wants the number of the history event that brought a signal, and warns without one; we have none."""

_CANCELLATIONS = {
    ActivityCancellationType.TRY_CANCEL: Cancellation.AT_ONCE,
    ActivityCancellationType.WAIT_CANCELLATION_COMPLETED: Cancellation.WAIT,
    ActivityCancellationType.ABANDON: Cancellation.ABANDON,
}


def job_to_library(job: Job, schedule_of: Callable[[int], ScheduleActivity]) -> WorkflowActivationJob:
    """The library's form of a recorded job; `schedule_of` tells what was asked of an activity.

    Raises `Unsupported` for jobs that this engine does not do yet.
    """
    found = WorkflowActivationJob()
    match job.WhichOneof("job"):
        case "start":
            start = found.initialize_workflow
            start.workflow_type = job.start.workflow_type
            start.workflow_id = job.start.workflow_id
            start.randomness_seed = job.start.randomness_seed
            start.first_execution_run_id = job.start.run_id
            start.attempt = 1
            start.arguments.extend(to_library(payload) for payload in job.start.arguments)
        case "activity_resolved":
            _resolution(job, schedule_of, found)
        case "timer_fired":
            found.fire_timer.seq = job.timer_fired.sequence
        case "signalled":
            found.signal_workflow.signal_name = job.signalled.name
            found.signal_workflow.originating_event_id = SIGNAL_EVENT_ID
            found.signal_workflow.input.extend(to_library(payload) for payload in job.signalled.arguments)
        case "cancel_requested":
            found.cancel_workflow.reason = job.cancel_requested.reason
        case "patch_noticed":
            found.notify_has_patch.patch_id = job.patch_noticed.patch_id
        case other:
            raise Unsupported(f"the journal holds a step of a kind that this engine does not know yet: {other}")
    return found


def _resolution(job: Job, schedule_of: Callable[[int], ScheduleActivity], into: WorkflowActivationJob) -> None:
    resolved = job.activity_resolved
    into.resolve_activity.seq = resolved.sequence
    result = into.resolve_activity.result
    schedule = schedule_of(resolved.sequence)
    match resolved.WhichOneof("result"):
        case "failed":
            result.failed.failure.CopyFrom(failure_of_activity(resolved.failed, schedule))
        case "cancelled":
            result.cancelled.failure.CopyFrom(failure_of_activity(resolved.cancelled, schedule))
        case _:
            result.completed.result.CopyFrom(to_library(resolved.completed))


def commands_of(completion: WorkflowActivationCompletion) -> list[Command]:
    """What the workflow asks for. Raises `WorkflowBroken` where its code failed, `Unsupported` for what is not done yet."""
    if completion.HasField("failed"):
        failure = innermost(failure_from_library(completion.failed.failure))
        kind = f"{failure.type}: " if failure.type else ""
        raise WorkflowBroken(f"{kind}{failure.message}")
    return list(_each(completion.successful.commands))


def _each(commands: Iterable[WorkflowCommand]) -> Iterable[Command]:
    for command in commands:
        variant = command.WhichOneof("variant")
        translate = _TRANSLATIONS.get(variant or "")
        if translate is None:
            raise Unsupported(f"the workflow asked for {variant!r}, which the embedded engine does not do yet")
        yield translate(command)


def _schedule(command: WorkflowCommand) -> Command:
    asked = command.schedule_activity
    limits = TimeLimits(
        start_to_close=_seconds(asked.start_to_close_timeout),
        schedule_to_close=_seconds(asked.schedule_to_close_timeout),
        heartbeat=_seconds(asked.heartbeat_timeout),
    )
    return ScheduleActivity(
        sequence=asked.seq,
        activity_id=asked.activity_id,
        name=asked.activity_type,
        arguments=list(asked.arguments),
        limits=limits,
        retry=_retry(command),
        cancellation=_CANCELLATIONS[asked.cancellation_type],
    )


def _retry(command: WorkflowCommand) -> RetryRule:
    asked = command.schedule_activity
    if not asked.HasField("retry_policy"):
        return NO_POLICY
    policy = asked.retry_policy
    initial = _seconds(policy.initial_interval) or NO_POLICY.initial_seconds
    return RetryRule(
        initial_seconds=initial,
        coefficient=max(policy.backoff_coefficient or NO_POLICY.coefficient, 1.0),
        maximum_seconds=_seconds(policy.maximum_interval) or 100 * initial,
        maximum_attempts=policy.maximum_attempts,
        fatal_kinds=frozenset(policy.non_retryable_error_types),
    )


def _seconds(duration: Duration) -> float | None:
    return (duration.seconds + duration.nanos / 1e9) or None


def _answer(command: WorkflowCommand) -> Command:
    asked = command.respond_to_query
    if asked.HasField("failed"):
        return AnswerQuery(asked.query_id, None, innermost(failure_from_library(asked.failed)).message)
    return AnswerQuery(asked.query_id, asked.succeeded.response, "")


def _complete(command: WorkflowCommand) -> Command:
    asked = command.complete_workflow_execution
    return CompleteRun(recorded(asked.result) if asked.HasField("result") else None)


_TRANSLATIONS: Mapping[str, Callable[[WorkflowCommand], Command]] = {
    "schedule_activity": _schedule,
    "request_cancel_activity": lambda command: CancelActivity(command.request_cancel_activity.seq),
    "start_timer": lambda command: StartTimer(
        command.start_timer.seq, _seconds(command.start_timer.start_to_fire_timeout) or 0.0
    ),
    "cancel_timer": lambda command: CancelTimer(command.cancel_timer.seq),
    "set_patch_marker": lambda command: NoticePatch(command.set_patch_marker.patch_id),
    "respond_to_query": _answer,
    "complete_workflow_execution": _complete,
    "fail_workflow_execution": lambda command: FailRun(failure_from_library(command.fail_workflow_execution.failure)),
    "cancel_workflow_execution": lambda _command: CancelRun(),
}
