"""The names of the workflow library that speak to a cluster; those of definitions stand in `engine/temporalio_names.py`."""

from temporalio import activity
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.failure.v1 import Failure
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import (
    Client,
    OutboundInterceptor,
    SignalWorkflowInput,
    StartWorkflowUpdateInput,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowHistory,
    WorkflowUpdateFailedError,
    WorkflowUpdateHandle,
    WorkflowUpdateStage,
)
from temporalio.client import Interceptor as ClientInterceptor
from temporalio.common import (
    RawValue,
    RetryPolicy,
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.converter import (
    DataConverter,
    DefaultFailureConverter,
    ExternalStorage,
    PayloadCodec,
    PayloadConverter,
    StorageDriver,
    StorageDriverClaim,
    StorageDriverRetrieveContext,
    StorageDriverStoreContext,
    StorageDriverWorkflowInfo,
)
from temporalio.exceptions import (
    ApplicationError,
    CancelledError,
    FailureError,
    TerminatedError,
    WorkflowAlreadyStartedError,
)
from temporalio.exceptions import TimeoutError as RunTimedOut
from temporalio.runtime import LogForwardingConfig, LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter
from temporalio.service import RPCError, RPCStatusCode, TLSConfig
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    HandleSignalInput,
    Replayer,
    StartActivityInput,
    StartChildWorkflowInput,
    UnsandboxedWorkflowRunner,
    Worker,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)
from temporalio.worker import Interceptor as WorkerInterceptor

__all__ = [
    "ActivityInboundInterceptor",
    "AddSearchAttributesRequest",
    "ApplicationError",
    "CancelledError",
    "Client",
    "ClientInterceptor",
    "DataConverter",
    "DefaultFailureConverter",
    "ExecuteActivityInput",
    "ExternalStorage",
    "Failure",
    "FailureError",
    "HandleSignalInput",
    "IndexedValueType",
    "ListSearchAttributesRequest",
    "LogForwardingConfig",
    "LoggingConfig",
    "OutboundInterceptor",
    "Payload",
    "PayloadCodec",
    "PayloadConverter",
    "RPCError",
    "RPCStatusCode",
    "RawValue",
    "Replayer",
    "RetryPolicy",
    "RunTimedOut",
    "Runtime",
    "SearchAttributeKey",
    "SearchAttributePair",
    "SignalWorkflowInput",
    "StartActivityInput",
    "StartChildWorkflowInput",
    "StartWorkflowUpdateInput",
    "StorageDriver",
    "StorageDriverClaim",
    "StorageDriverRetrieveContext",
    "StorageDriverStoreContext",
    "StorageDriverWorkflowInfo",
    "TLSConfig",
    "TelemetryConfig",
    "TelemetryFilter",
    "TerminatedError",
    "TypedSearchAttributes",
    "UnsandboxedWorkflowRunner",
    "Worker",
    "WorkerInterceptor",
    "WorkflowAlreadyStartedError",
    "WorkflowFailureError",
    "WorkflowHandle",
    "WorkflowHistory",
    "WorkflowIDConflictPolicy",
    "WorkflowIDReusePolicy",
    "WorkflowInboundInterceptor",
    "WorkflowInterceptorClassInput",
    "WorkflowOutboundInterceptor",
    "WorkflowUpdateFailedError",
    "WorkflowUpdateHandle",
    "WorkflowUpdateStage",
    "activity",
]
