"""Every name of the workflow library that Stigmer uses, so that the port can be cut again in one place.

The activation and completion messages are internal to the library: the dependency is pinned to a minor version, and
`tests/runner/test_workflow_library.py` checks what is relied on here.
"""

from collections.abc import Callable, Mapping
from typing import cast

from temporalio import workflow
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.enums.v1 import TimeoutType
from temporalio.api.failure.v1 import Failure as LibraryFailure
from temporalio.bridge.proto.child_workflow import ChildWorkflowCancellationType
from temporalio.bridge.proto.workflow_activation import WorkflowActivation, WorkflowActivationJob
from temporalio.bridge.proto.workflow_commands import ActivityCancellationType, WorkflowCommand
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.common import Priority, RetryPolicy, TypedSearchAttributes
from temporalio.converter import (
    AdvancedJSONEncoder,
    CompositePayloadConverter,
    DefaultFailureConverter,
    DefaultPayloadConverter,
    JSONPlainPayloadConverter,
    JSONTypeConverter,
)
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError, ChildWorkflowError
from temporalio.worker import UnsandboxedWorkflowRunner, WorkflowInstance, WorkflowInstanceDetails

extern_functions = cast("Callable[[], Mapping[str, Callable[..., object]]]", vars(workflow)["extern_functions"])
"""What a workflow may call outside of itself, by name."""

__all__ = [
    "ActivityCancellationType",
    "ActivityError",
    "AdvancedJSONEncoder",
    "ApplicationError",
    "CancelledError",
    "ChildWorkflowCancellationType",
    "ChildWorkflowError",
    "CompositePayloadConverter",
    "DefaultFailureConverter",
    "DefaultPayloadConverter",
    "JSONPlainPayloadConverter",
    "JSONTypeConverter",
    "LibraryFailure",
    "Payload",
    "Payloads",
    "Priority",
    "RetryPolicy",
    "TimeoutType",
    "TypedSearchAttributes",
    "UnsandboxedWorkflowRunner",
    "WorkflowActivation",
    "WorkflowActivationCompletion",
    "WorkflowActivationJob",
    "WorkflowCommand",
    "WorkflowInstance",
    "WorkflowInstanceDetails",
    "extern_functions",
    "workflow",
]
