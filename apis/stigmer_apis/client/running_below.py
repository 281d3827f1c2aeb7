"""What of a resource still runs, which a delete of it has to end first."""

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import TOOL_CALL_RUNNING
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1 import (
    workflow_execution_enums_pb2 as workflow_enums,
)
from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import DeleteResourceResponse
from stigmer_apis.errors import FailedPrecondition
from stigmer_apis.fold import is_terminal
from stigmer_apis.ids import Prefix, is_id

if TYPE_CHECKING:
    from stigmer_apis.client.client import Client
    from stigmer_apis.client.resources import KindNumber

PATIENCE = 60.0
"""Seconds that all of it may take to end."""
_ENDED = (workflow_enums.EXECUTION_COMPLETED, workflow_enums.EXECUTION_FAILED, workflow_enums.EXECUTION_CANCELLED)
_RUNS = (ApiResourceKind.agent_execution, ApiResourceKind.workflow_execution)
_LONGEST = 200
"""Characters that are said of what one does."""


@dataclass(frozen=True, slots=True)
class Running:
    """An execution that has not ended."""

    execution_id: str
    doing: str
    """The command lines that it runs, else what it was asked; somebody else's words."""


async def running_below(
    client: "Client", kind: "KindNumber", resource_id: str, told: DeleteResourceResponse | None = None
) -> list[Running]:
    """The executions that a delete of the resource would have to end: itself, or those below it. `told`: what the delete said beforehand.

    Raises `NotFound`, and `FailedPrecondition` for what is never deleted.
    """
    if kind in _RUNS:
        names = [resource_id]
    else:
        told = told or await client.resources.delete(kind, resource_id, dry_run=True)
        names = [each.id for each in (*told.along, *told.holding) if each.reason]
    found = [await _look(client, name) for name in dict.fromkeys(names)]
    return [each for each in found if each is not None]


async def end_running(client: "Client", running: list[Running]) -> None:
    """Cancel them all and wait for their ends. Raises `FailedPrecondition` where one does not end in time."""
    async with asyncio.TaskGroup() as group:
        for each in running:
            group.create_task(_end(client, each.execution_id))


async def _end(client: "Client", execution_id: str) -> None:
    answer = await client.cancel(execution_id, "it is being deleted", PATIENCE)
    if not is_terminal(answer.phase):
        raise FailedPrecondition(
            f"{execution_id} was told to stop and has not ended within {PATIENCE:g} seconds: nothing was deleted",
            remedy="look at what it does (`stigmer logs ID`), then delete it again",
        )


async def _look(client: "Client", execution_id: str) -> Running | None:
    if is_id(execution_id, Prefix.WORKFLOW_EXECUTION):
        workflow = await client.workflows.get(execution_id)
        return None if workflow.status.phase in _ENDED else Running(workflow.metadata.id, "")
    execution = await client.get_execution(execution_id)
    if is_terminal(execution.status.phase):
        return None
    lines = [
        str(each.args["command"]) if "command" in each.args else each.name
        for each in execution.status.tool_calls
        if each.status == TOOL_CALL_RUNNING
    ]
    return Running(execution.metadata.id, (", ".join(lines) or execution.spec.message)[:_LONGEST])
