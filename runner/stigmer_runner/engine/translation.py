"""Recorded jobs to the library's, the library's commands to ours. Nothing of the library's is ever stored."""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from google.protobuf.duration_pb2 import Duration

from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import ChildResolved, ChildStarted, Job
from stigmer_runner.engine.commands import (
    AnswerQuery,
    AnswerUpdate,
    CancelActivity,
    CancelChild,
    Cancellation,
    CancelRun,
    CancelTimer,
    Command,
    CompleteRun,
    ContinueRun,
    FailRun,
    NoticePatch,
    ScheduleActivity,
    SignalChild,
    StartChild,
    StartTimer,
    TimeLimits,
    Verdict,
)
from stigmer_runner.engine.errors import Unsupported, WorkflowBroken
from stigmer_runner.engine.failures import (
    failure_from_library,
    failure_of_activity,
    failure_of_child,
    failure_to_library,
    innermost,
)
from stigmer_runner.engine.payloads import recorded, to_library
from stigmer_runner.engine.retry import NO_POLICY, RetryRule
from stigmer_runner.engine.temporalio_names import (
    ActivityCancellationType,
    ChildWorkflowCancellationType,
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
_CHILD_CANCELLATIONS = {
    ChildWorkflowCancellationType.ABANDON: Cancellation.ABANDON,
    ChildWorkflowCancellationType.TRY_CANCEL: Cancellation.AT_ONCE,
    ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED: Cancellation.WAIT,
    ChildWorkflowCancellationType.WAIT_CANCELLATION_REQUESTED: Cancellation.AT_ONCE,
}


class Asked(Protocol):
    """What the workflow asked for, by its numbers. Raises `NonDeterminism` for what it did not."""

    def schedule_of(self, sequence: int) -> ScheduleActivity:
        """An activity."""
        ...

    def child_of(self, sequence: int) -> StartChild:
        """A child workflow."""
        ...


def job_to_library(job: Job, asked: Asked, *, replaying: bool) -> WorkflowActivationJob:
    """The library's form of a recorded job.

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
            start.continued_from_execution_run_id = job.start.continued_from
            start.attempt = 1
            start.arguments.extend(to_library(payload) for payload in job.start.arguments)
        case "activity_resolved":
            _resolution(job, asked.schedule_of(job.activity_resolved.sequence), found)
        case "timer_fired":
            found.fire_timer.seq = job.timer_fired.sequence
        case "signalled":
            found.signal_workflow.signal_name = job.signalled.name
            found.signal_workflow.originating_event_id = SIGNAL_EVENT_ID
            found.signal_workflow.input.extend(to_library(payload) for payload in job.signalled.arguments)
        case "updated":
            update = found.do_update
            update.id = update.protocol_instance_id = job.updated.update_id
            update.name = job.updated.name
            update.input.extend(to_library(payload) for payload in job.updated.arguments)
            update.run_validator = not replaying
        case "child_started":
            _child_start(job.child_started, asked.child_of(job.child_started.sequence), found)
        case "child_resolved":
            _child_end(job.child_resolved, asked.child_of(job.child_resolved.sequence), found)
        case "signal_sent":
            found.resolve_signal_external_workflow.seq = job.signal_sent.sequence
            if job.signal_sent.HasField("failed"):
                failure = failure_to_library(job.signal_sent.failed)
                found.resolve_signal_external_workflow.failure.CopyFrom(failure)
        case "cancel_requested":
            found.cancel_workflow.reason = job.cancel_requested.reason
        case "patch_noticed":
            found.notify_has_patch.patch_id = job.patch_noticed.patch_id
        case other:
            raise Unsupported(f"the journal holds a step of a kind that this engine does not know yet: {other}")
    return found


def _resolution(job: Job, schedule: ScheduleActivity, into: WorkflowActivationJob) -> None:
    resolved = job.activity_resolved
    into.resolve_activity.seq = resolved.sequence
    result = into.resolve_activity.result
    match resolved.WhichOneof("result"):
        case "failed":
            result.failed.failure.CopyFrom(failure_of_activity(resolved.failed, schedule))
        case "cancelled":
            result.cancelled.failure.CopyFrom(failure_of_activity(resolved.cancelled, schedule))
        case _:
            result.completed.result.CopyFrom(to_library(resolved.completed))


def _child_start(started: ChildStarted, child: StartChild, into: WorkflowActivationJob) -> None:
    resolution = into.resolve_child_workflow_execution_start
    resolution.seq = started.sequence
    if started.HasField("failed"):
        resolution.cancelled.failure.CopyFrom(failure_of_child(started.failed, child))
    else:
        resolution.succeeded.run_id = started.run_id


def _child_end(resolved: ChildResolved, child: StartChild, into: WorkflowActivationJob) -> None:
    into.resolve_child_workflow_execution.seq = resolved.sequence
    result = into.resolve_child_workflow_execution.result
    match resolved.WhichOneof("result"):
        case "failed":
            result.failed.failure.CopyFrom(failure_of_child(resolved.failed, child))
        case "cancelled":
            result.cancelled.failure.CopyFrom(failure_of_child(resolved.cancelled, child))
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


def _answer_update(command: WorkflowCommand) -> Command:
    asked = command.update_response
    match asked.WhichOneof("response"):
        case "accepted":
            return AnswerUpdate(asked.protocol_instance_id, Verdict.ACCEPTED)
        case "completed":
            return AnswerUpdate(asked.protocol_instance_id, Verdict.COMPLETED, asked.completed)
        case _:
            reason = innermost(failure_from_library(asked.rejected)).message
            return AnswerUpdate(asked.protocol_instance_id, Verdict.REJECTED, reason=reason)


def _start_child(command: WorkflowCommand) -> Command:
    asked = command.start_child_workflow_execution
    cancellation = _CHILD_CANCELLATIONS[asked.cancellation_type]
    return StartChild(asked.seq, asked.workflow_id, asked.workflow_type, list(asked.input), cancellation)


def _signal_child(command: WorkflowCommand) -> Command:
    asked = command.signal_external_workflow_execution
    if not asked.child_workflow_id:
        raise Unsupported("the workflow signals one that is not its child, which the embedded engine does not do")
    return SignalChild(asked.seq, asked.child_workflow_id, asked.signal_name, list(asked.args))


def _continue(command: WorkflowCommand) -> Command:
    asked = command.continue_as_new_workflow_execution
    return ContinueRun(asked.workflow_type, [recorded(payload) for payload in asked.arguments])


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
    "update_response": _answer_update,
    "start_child_workflow_execution": _start_child,
    "cancel_child_workflow_execution": lambda command: CancelChild(
        command.cancel_child_workflow_execution.child_workflow_seq, command.cancel_child_workflow_execution.reason
    ),
    "signal_external_workflow_execution": _signal_child,
    "continue_as_new_workflow_execution": _continue,
    "complete_workflow_execution": _complete,
    "fail_workflow_execution": lambda command: FailRun(failure_from_library(command.fail_workflow_execution.failure)),
    "cancel_workflow_execution": lambda _command: CancelRun(),
}
