"""An execution once more: a new one of the same, with the same input; of a workflow's from where it failed, or from a task on."""

from collections.abc import Sequence
from dataclasses import dataclass

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecution
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_pb2 import WorkflowExecution
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import ApiResourceMetadata
from stigmer_apis._generated.stigmer.steering.v1.steering_service_pb2 import RetryRequest
from stigmer_apis.errors import FailedPrecondition, FieldViolation, InvalidArgument
from stigmer_apis.fold import is_terminal
from stigmer_apis.protocol import API_VERSION
from stigmer_backend.executions.creation import Creation
from stigmer_backend.executions.reading import Reading
from stigmer_backend.executions.runs import AnyExecution, phase_of
from stigmer_backend.resources.repeats import Repeatable
from stigmer_backend.store import Store
from stigmer_backend.workflows.beginning import Beginning
from stigmer_backend.workflows.going_on import going_of


@dataclass(frozen=True, slots=True)
class Retried:
    """What was begun."""

    execution_id: str
    goes_on_at: Sequence[str] = ()
    """The tasks that it begins with; none: at its beginning."""
    taken_over: int = 0
    """Tasks."""


class Retrying:
    """Runs executions again."""

    def __init__(self, store: Store, creation: Creation, beginning: Beginning, reading: Reading) -> None:
        self._store = store
        self._creation = creation
        self._beginning = beginning
        self._reading = reading

    async def again(self, request: RetryRequest, call: Repeatable | None, actor: str) -> Retried:
        """Begin an execution as another one was. A stored workflow runs as it is now; one that goes on in its middle, as it ran.

        Raises `NotFound`; `InvalidArgument` for a task that is none of it; `FailedPrecondition` where the old one goes on, had secrets that are
        gone with it, or cannot go on there.
        """
        execution_id = request.execution_id
        in_the_middle = request.from_failed or bool(request.from_task)
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
            if in_the_middle:
                raise InvalidArgument(
                    f"{execution_id} is the run of an agent: it has no tasks to begin with",
                    remedy="run it again from its beginning, or send its session a message",
                    violations=[FieldViolation("from_task", "stigmer.retry.kind", "is for runs of workflows")],
                )
            again = AgentExecution(api_version=API_VERSION, kind=old.kind, metadata=meta, spec=old.spec)
            again.spec.parent_execution_id = ""
            again.spec.callback_token = b""
            return Retried(await self._creation.create(again, call, actor))
        wanted = WorkflowExecution(api_version=API_VERSION, kind=old.kind, metadata=meta, spec=old.spec)
        wanted.spec.parent_execution_id = ""
        wanted.spec.callback_token = b""
        wanted.spec.retried_from = execution_id
        if not in_the_middle:
            return Retried(await self._beginning.create(wanted, call, actor))
        if request.from_failed and phase_of(old) == ExecutionPhase.EXECUTION_COMPLETED:
            raise FailedPrecondition(
                f"{execution_id} did not fail", remedy="say the task to begin with: `stigmer retry ID --from TASK`"
            )
        going = await going_of(self._store, execution_id, request.from_task)
        made = await self._beginning.create(wanted, call, actor, going=going)
        return Retried(made, going.resumption.begins, going.resumption.done)


def _meta(old: AnyExecution) -> ApiResourceMetadata:
    meta = old.metadata
    return ApiResourceMetadata(org=meta.org, owner_scope=meta.owner_scope, labels=meta.labels, tags=meta.tags)
