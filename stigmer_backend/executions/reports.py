"""Reports of published runners: a status each, turned into the events that it means."""

import asyncio
from collections.abc import Callable
from weakref import WeakValueDictionary

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecutionStatus
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_pb2 import (
    WorkflowExecutionStatus,
)
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import FoldState
from stigmer_apis.errors import FailedPrecondition
from stigmer_apis.fold import events_for_status_update, events_for_workflow_update
from stigmer_backend.executions.appending import Appender
from stigmer_backend.executions.event_batches import terminal_phase
from stigmer_backend.executions.registry import Registry
from stigmer_backend.executions.runs import run_kind
from stigmer_backend.resources.lookup import find
from stigmer_backend.store import Store


class StatusReports:
    """Takes reports, those of one execution one after the other: each is compared with what the last one left."""

    def __init__(self, store: Store, registry: Registry, appender: Appender, micros: Callable[[], int]) -> None:
        self._store = store
        self._registry = registry
        self._appender = appender
        self._micros = micros
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def take(self, execution_id: str, given: AgentExecutionStatus) -> None:
        """Append what a report says that is new. Raises `NotFound`, and `FailedPrecondition` where the execution has ended."""
        given.ClearField("audit")
        await self._take(execution_id, lambda state: events_for_status_update(state, given, micros=self._micros()))

    async def take_workflow(self, execution_id: str, given: WorkflowExecutionStatus) -> None:
        """The same for a workflow's execution."""
        await self._take(execution_id, lambda state: events_for_workflow_update(state, given, micros=self._micros()))

    async def _take(self, execution_id: str, difference: Callable[[FoldState], list[Event]]) -> None:
        turn = self._turns.setdefault(execution_id, asyncio.Lock())
        async with turn:
            live = self._registry.get(execution_id)
            if live is None:
                await self._store.read_state(lambda state: find(state, run_kind(execution_id), execution_id))
            if live is None or live.ended:
                raise FailedPrecondition(
                    f"the execution {execution_id} has ended: its status changes no more",
                    remedy="start a new one in the same session",
                )
            events = difference(live.state)
            if not events:
                return
            if any(terminal_phase(event) is not None for event in events):
                await self._appender.end(live, events)
            else:
                await self._appender.append(live, events)
