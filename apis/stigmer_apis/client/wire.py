"""One gRPC channel with its token and stubs."""

from collections.abc import Generator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_service_pb2_grpc import AgentQueryControllerStub
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_service_pb2_grpc import (
    AgentExecutionCommandControllerStub,
    AgentExecutionQueryControllerStub,
)
from stigmer_apis._generated.ai.stigmer.agentic.session.v1.session_service_pb2_grpc import SessionQueryControllerStub
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2_grpc import ExecutionServiceStub
from stigmer_apis._generated.stigmer.server.v1.server_pb2_grpc import ServerServiceStub
from stigmer_apis._generated.stigmer.terminal.v1.attach_pb2_grpc import TerminalServiceStub
from stigmer_apis.protocol import AUTHORIZATION, IDEMPOTENCY_KEY
from stigmer_apis.transport import aio, client_options

if TYPE_CHECKING:
    from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_service_pb2_grpc import (
        WorkflowExecutionCommandControllerStub,
        WorkflowExecutionQueryControllerStub,
    )
    from stigmer_apis._generated.stigmer.access.v1.api_key_service_pb2_grpc import ApiKeyServiceStub
    from stigmer_apis._generated.stigmer.execution.v1.artifact_service_pb2_grpc import ArtifactServiceStub
    from stigmer_apis._generated.stigmer.maintenance.v1.maintenance_service_pb2_grpc import MaintenanceServiceStub
    from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2_grpc import ResourceServiceStub
    from stigmer_apis._generated.stigmer.schedule.v1.schedule_service_pb2_grpc import ScheduleServiceStub
    from stigmer_apis._generated.stigmer.secret.v1.secret_service_pb2_grpc import SecretServiceStub
    from stigmer_apis._generated.stigmer.steering.v1.steering_service_pb2_grpc import SteeringServiceStub

# What not every client asks for is imported when it is.


class Wire:
    """A channel and what is sent through it. Closed when it is retired and no call uses it: closing one in use would cancel its calls."""

    def __init__(self, target: str, token: str) -> None:
        """Over a socket of this machine."""
        self._use(aio.insecure_channel(target, options=client_options()), token)

    @classmethod
    def over(cls, channel: aio.Channel, token: str) -> "Wire":
        """Over a channel that is made already: one with TLS."""
        wire = cls.__new__(cls)
        wire._use(channel, token)
        return wire

    def _use(self, channel: aio.Channel, token: str) -> None:
        self.channel = channel
        self.server = ServerServiceStub(self.channel)
        self.executions = ExecutionServiceStub(self.channel)
        self.execution_commands = AgentExecutionCommandControllerStub(self.channel)
        self.execution_queries = AgentExecutionQueryControllerStub(self.channel)
        self.agents = AgentQueryControllerStub(self.channel)
        self.sessions = SessionQueryControllerStub(self.channel)
        self.terminals = TerminalServiceStub(self.channel)
        self._token = token
        self._uses = 0

    @cached_property
    def api_keys(self) -> "ApiKeyServiceStub":
        """Who may come from another machine."""
        from stigmer_apis._generated.stigmer.access.v1.api_key_service_pb2_grpc import ApiKeyServiceStub

        return ApiKeyServiceStub(self.channel)

    @cached_property
    def artifacts(self) -> "ArtifactServiceStub":
        """Files that runs made."""
        from stigmer_apis._generated.stigmer.execution.v1.artifact_service_pb2_grpc import ArtifactServiceStub

        return ArtifactServiceStub(self.channel)

    @cached_property
    def maintenance(self) -> "MaintenanceServiceStub":
        """What keeps a store for years."""
        from stigmer_apis._generated.stigmer.maintenance.v1.maintenance_service_pb2_grpc import MaintenanceServiceStub

        return MaintenanceServiceStub(self.channel)

    @cached_property
    def resources(self) -> "ResourceServiceStub":
        """Resources of every kind."""
        from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2_grpc import ResourceServiceStub

        return ResourceServiceStub(self.channel)

    @cached_property
    def steering(self) -> "SteeringServiceStub":
        """What a person wants of an execution that runs."""
        from stigmer_apis._generated.stigmer.steering.v1.steering_service_pb2_grpc import SteeringServiceStub

        return SteeringServiceStub(self.channel)

    @cached_property
    def workflow_execution_commands(self) -> "WorkflowExecutionCommandControllerStub":
        """Starts workflows."""
        from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_service_pb2_grpc import (
            WorkflowExecutionCommandControllerStub,
        )

        return WorkflowExecutionCommandControllerStub(self.channel)

    @cached_property
    def workflow_execution_queries(self) -> "WorkflowExecutionQueryControllerStub":
        """Runs of workflows."""
        from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_service_pb2_grpc import (
            WorkflowExecutionQueryControllerStub,
        )

        return WorkflowExecutionQueryControllerStub(self.channel)

    @cached_property
    def schedules(self) -> "ScheduleServiceStub":
        """Workflows that start by themselves."""
        from stigmer_apis._generated.stigmer.schedule.v1.schedule_service_pb2_grpc import ScheduleServiceStub

        return ScheduleServiceStub(self.channel)

    @cached_property
    def secrets(self) -> "SecretServiceStub":
        """Secrets."""
        from stigmer_apis._generated.stigmer.secret.v1.secret_service_pb2_grpc import SecretServiceStub

        return SecretServiceStub(self.channel)

    @property
    def in_use(self) -> bool:
        """Whether a call runs on it."""
        return self._uses > 0

    @contextmanager
    def used(self) -> Generator[None]:
        """A call runs on it for as long as this context."""
        self._uses += 1
        try:
            yield
        finally:
            self._uses -= 1

    def metadata(self, idempotency_key: str = "") -> list[tuple[str, str]]:
        """What every call carries; a mutation with its idempotency key."""
        pairs = [(AUTHORIZATION, f"Bearer {self._token}")]
        if idempotency_key:
            pairs.append((IDEMPOTENCY_KEY, idempotency_key))
        return pairs
