"""Failures: from what was raised, to and from the library's messages, and in words."""

from collections.abc import Sequence

from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import Failure
from stigmer_runner.engine.commands import ScheduleActivity, StartChild
from stigmer_runner.engine.errors import ActivityFailure
from stigmer_runner.engine.payloads import CONVERTER, recorded, to_library
from stigmer_runner.engine.temporalio_names import ApplicationError, LibraryFailure, TimeoutType

START_TO_CLOSE = "start-to-close"
SCHEDULE_TO_CLOSE = "schedule-to-close"
HEARTBEAT = "heartbeat"

_TIMEOUT_TYPES = {
    START_TO_CLOSE: TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE,
    SCHEDULE_TO_CLOSE: TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE,
    HEARTBEAT: TimeoutType.TIMEOUT_TYPE_HEARTBEAT,
}
_TIMEOUT_NAMES = {number: name for name, number in _TIMEOUT_TYPES.items()}
_LONGEST_CHAIN = 16
"""Causes kept behind a failure."""


def application(kind: str, message: str, *, retryable: bool = True, details: Sequence[object] = ()) -> Failure:
    """A failure of an activity's or workflow's own kind."""
    return Failure(
        message=message,
        type=kind,
        non_retryable=not retryable,
        details=[recorded(payload) for payload in CONVERTER.to_payloads(details)],
        kind=Failure.KIND_APPLICATION,
    )


def cancelled(reason: str, details: Sequence[object] = ()) -> Failure:
    """The failure of what was cancelled."""
    left = [recorded(payload) for payload in CONVERTER.to_payloads(details)]
    return Failure(message=reason or "cancelled", kind=Failure.KIND_CANCELLED, details=left)


def timed_out(name: str, seconds: float) -> Failure:
    """The failure of what took longer than its limit `name`."""
    return Failure(message=f"took longer than {seconds:g} s ({name})", type=name, kind=Failure.KIND_TIMED_OUT)


def of_error(error: BaseException, depth: int = 0) -> Failure:
    """The failure that an activity reports by raising `error`; its causes stand behind it."""
    match error:
        case ActivityFailure():
            failure = application(error.kind, error.message, retryable=error.retryable, details=error.details)
        case ApplicationError():
            kind = error.type or type(error).__name__
            failure = application(kind, error.message, retryable=not error.non_retryable, details=error.details)
        case _:
            failure = application(type(error).__name__, str(error) or type(error).__name__)
    cause = error.__cause__
    if cause is not None and depth < _LONGEST_CHAIN:
        failure.cause.CopyFrom(of_error(cause, depth + 1))
    return failure


def failure_to_library(failure: Failure) -> LibraryFailure:
    """The library's form of a recorded failure."""
    found = LibraryFailure(message=failure.message)
    details = [to_library(payload) for payload in failure.details]
    match failure.kind:
        case Failure.KIND_CANCELLED:
            found.canceled_failure_info.details.payloads.extend(details)
        case Failure.KIND_TIMED_OUT:
            unknown = TimeoutType.TIMEOUT_TYPE_UNSPECIFIED
            found.timeout_failure_info.timeout_type = _TIMEOUT_TYPES.get(failure.type, unknown)
        case Failure.KIND_TERMINATED:
            found.terminated_failure_info.SetInParent()
        case Failure.KIND_ACTIVITY:
            found.activity_failure_info.activity_type.name = failure.type
        case Failure.KIND_CHILD:
            found.child_workflow_execution_failure_info.workflow_type.name = failure.type
        case _:
            found.application_failure_info.type = failure.type
            found.application_failure_info.non_retryable = failure.non_retryable
            found.application_failure_info.details.payloads.extend(details)
    if failure.HasField("cause"):
        found.cause.CopyFrom(failure_to_library(failure.cause))
    return found


def failure_of_activity(failure: Failure, schedule: ScheduleActivity) -> LibraryFailure:
    """What the workflow sees of an activity that failed so: which activity, and behind it the recorded failure."""
    word = "cancelled" if failure.kind == Failure.KIND_CANCELLED else "failed"
    found = LibraryFailure(message=f"activity {schedule.name!r} {word}")
    found.activity_failure_info.activity_type.name = schedule.name
    found.activity_failure_info.activity_id = schedule.activity_id
    found.cause.CopyFrom(failure_to_library(failure))
    return found


def failure_of_child(failure: Failure, start: StartChild) -> LibraryFailure:
    """What the workflow sees of a child workflow that failed so: which child, and behind it the recorded failure."""
    word = "cancelled" if failure.kind == Failure.KIND_CANCELLED else "failed"
    found = LibraryFailure(message=f"child workflow {start.workflow_id!r} {word}")
    info = found.child_workflow_execution_failure_info
    info.workflow_type.name = start.workflow_type
    info.workflow_execution.workflow_id = start.workflow_id
    found.cause.CopyFrom(failure_to_library(failure))
    return found


def failure_from_library(failure: LibraryFailure) -> Failure:
    """The recorded form of a failure of the library's; stack traces are left out."""
    found = Failure(message=failure.message)
    match failure.WhichOneof("failure_info"):
        case "application_failure_info":
            info = failure.application_failure_info
            found.kind = Failure.KIND_APPLICATION
            found.type = info.type
            found.non_retryable = info.non_retryable
            found.details.extend(recorded(payload) for payload in info.details.payloads)
        case "canceled_failure_info":
            found.kind = Failure.KIND_CANCELLED
            found.details.extend(recorded(payload) for payload in failure.canceled_failure_info.details.payloads)
        case "timeout_failure_info":
            found.kind = Failure.KIND_TIMED_OUT
            found.type = _TIMEOUT_NAMES.get(failure.timeout_failure_info.timeout_type, "")
        case "terminated_failure_info":
            found.kind = Failure.KIND_TERMINATED
        case "activity_failure_info":
            found.kind = Failure.KIND_ACTIVITY
            found.type = failure.activity_failure_info.activity_type.name
        case "child_workflow_execution_failure_info":
            found.kind = Failure.KIND_CHILD
            found.type = failure.child_workflow_execution_failure_info.workflow_type.name
        case _:
            found.kind = Failure.KIND_APPLICATION
    if failure.HasField("cause"):
        found.cause.CopyFrom(failure_from_library(failure.cause))
    return found


def innermost(failure: Failure) -> Failure:
    """The first failure of a chain: what went wrong, without what it led to."""
    while failure.HasField("cause"):
        failure = failure.cause
    return failure
