"""What lists of resources show of executions that have not ended."""

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecution
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_pb2 import WorkflowExecution
from stigmer_backend.executions.reading import put_over, take_content_out, take_outputs_out
from stigmer_backend.executions.registry import Registry
from stigmer_backend.resources.filters import stored_phase
from stigmer_backend.resources.kinds import AnyKind, Resource
from stigmer_backend.resources.listing import Matches
from stigmer_backend.store import Row, StateRead


class LiveView:
    """Puts what lives over what is stored."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def has_phase(self, kind: AnyKind, phases: frozenset[ExecutionPhase.ValueType]) -> Matches:
        """Whether an execution that had not ended when it was stored is in one of `phases` now. Asked on a reader's thread."""

        live_gone = stored_phase(kind, phases)

        def matches(state: StateRead, row: Row) -> bool:
            live = self._registry.get(row.id)
            if live is not None:
                return live.glance().phase in phases
            return live_gone(state, row)

        return matches

    def complete(self, resource: Resource) -> None:
        """Give an execution the status that it has by now, without what only the whole of it shows. On the event loop."""
        if isinstance(resource, AgentExecution | WorkflowExecution):
            live = self._registry.get(resource.metadata.id)
            if live is not None:
                put_over(resource, live)
            trim(resource)


def trim(resource: Resource) -> None:
    """Take out what lists do not show."""
    match resource:
        case AgentExecution():
            take_content_out(resource)
        case WorkflowExecution():
            take_outputs_out(resource)
        case _:
            return
