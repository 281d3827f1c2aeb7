"""The published services of environments and execution contexts."""

from stigmer_apis._generated.ai.stigmer.agentic.environment.v1.environment_pb2 import Environment
from stigmer_apis._generated.ai.stigmer.agentic.environment.v1.environment_service_pb2_grpc import (
    EnvironmentCommandControllerServicer,
    EnvironmentQueryControllerServicer,
)
from stigmer_apis._generated.ai.stigmer.agentic.executioncontext.v1.execution_context_pb2 import (
    ExecutionContext,
    ExecutionContextId,
)
from stigmer_apis._generated.ai.stigmer.agentic.executioncontext.v1.execution_context_service_pb2_grpc import (
    ExecutionContextCommandControllerServicer,
    ExecutionContextQueryControllerServicer,
)
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import (
    ApiResourceDeleteInput,
    ApiResourceId,
)
from stigmer_backend.services.kind_services import Commands, Queries


class EnvironmentCommands(Commands[Environment, ApiResourceDeleteInput], EnvironmentCommandControllerServicer):
    """Writes environments."""


class EnvironmentQueries(Queries[Environment, ApiResourceId], EnvironmentQueryControllerServicer):
    """Reads environments."""


class ExecutionContextCommands(
    Commands[ExecutionContext, ApiResourceDeleteInput], ExecutionContextCommandControllerServicer
):
    """Writes execution contexts."""


class ExecutionContextQueries(Queries[ExecutionContext, ExecutionContextId], ExecutionContextQueryControllerServicer):
    """Reads execution contexts."""
