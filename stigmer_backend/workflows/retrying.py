"""An execution once more: a new one of the same, with the same input."""

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecution
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_pb2 import WorkflowExecution
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import ApiResourceMetadata
from stigmer_apis.errors import FailedPrecondition
from stigmer_apis.fold import is_terminal
from stigmer_apis.protocol import API_VERSION
from stigmer_backend.executions.creation import Creation
from stigmer_backend.executions.reading import Reading
from stigmer_backend.executions.runs import AnyExecution, phase_of
from stigmer_backend.resources.repeats import Repeatable
from stigmer_backend.workflows.beginning import Beginning


class Retrying:
    """Runs executions again."""

    def __init__(self, creation: Creation, beginning: Beginning, reading: Reading) -> None:
        self._creation = creation
        self._beginning = beginning
        self._reading = reading

    async def again(self, execution_id: str, call: Repeatable | None, actor: str) -> str:
        """Begin an execution as `execution_id` was; its id. A stored workflow runs as it is now.

        Raises `NotFound`; `FailedPrecondition` where the old one goes on, or had secrets that are gone with it.
        """
        old = await self._reading.any(execution_id)
        if not is_terminal(phase_of(old)):
            raise FailedPrecondition(
                f"{execution_id} has not ended", remedy="cancel it first, or wait for its end: `stigmer cancel`"
            )
        lost = sorted(name for name, value in old.spec.runtime_env.items() if value.is_secret)
        if lost:
            raise FailedPrecondition(
                f"{execution_id} had secrets for this run alone, and they are gone with it: {', '.join(lost)}",
                remedy="start it anew and give them again",
            )
        meta = _meta(old)
        if isinstance(old, AgentExecution):
            again = AgentExecution(api_version=API_VERSION, kind=old.kind, metadata=meta, spec=old.spec)
            again.spec.parent_execution_id = ""
            again.spec.callback_token = b""
            return await self._creation.create(again, call, actor)
        wanted = WorkflowExecution(api_version=API_VERSION, kind=old.kind, metadata=meta, spec=old.spec)
        wanted.spec.parent_execution_id = ""
        wanted.spec.callback_token = b""
        wanted.spec.retried_from = execution_id
        return await self._beginning.create(wanted, call, actor)


def _meta(old: AnyExecution) -> ApiResourceMetadata:
    meta = old.metadata
    return ApiResourceMetadata(org=meta.org, owner_scope=meta.owner_scope, labels=meta.labels, tags=meta.tags)
