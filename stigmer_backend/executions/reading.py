"""Executions as the published interface shows them: the stored resource, with its status folded from the events."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import (
    AgentExecution,
    AgentExecutionList,
)
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_pb2 import WorkflowExecution
from stigmer_apis._generated.stigmer.execution.v1.attention_pb2 import Attention
from stigmer_apis.protocol import MAX_STATUS_BYTES
from stigmer_backend.executions.board import Board
from stigmer_backend.executions.damaged import Damaged
from stigmer_backend.executions.live import LiveExecution
from stigmer_backend.executions.options import ExecutionOptions
from stigmer_backend.executions.registry import Registry
from stigmer_backend.executions.runs import AnyExecution, copy_of, run_kind, show_status
from stigmer_backend.resources.filters import marked_lists, phase_sources, stored_phase
from stigmer_backend.resources.kinds import EXECUTIONS, WORKFLOW_EXECUTIONS
from stigmer_backend.resources.listing import Source
from stigmer_backend.resources.lookup import find
from stigmer_backend.resources.pages import Question
from stigmer_backend.resources.paging import PUBLISHED_PAGE_SIZE, decode_token, encode_token, page_rows, pages_of
from stigmer_backend.store import Row, StateRead, Store

ExecutionT = TypeVar("ExecutionT", AgentExecution, WorkflowExecution, AnyExecution)

ANY_PHASE = ExecutionPhase.EXECUTION_PHASE_UNSPECIFIED
"""Lets every phase through."""

SMALL_BYTES = 256 << 10
"""An answer to `updateStatus` above this comes without messages: answering n updates must not cost n times all that was said."""


@dataclass(frozen=True, slots=True)
class PublishedQuery:
    """Which executions, how many, from where."""

    parent: str
    phase: ExecutionPhase.ValueType
    tags: tuple[str, ...]
    page_size: int
    page_token: str
    with_content: bool

    def question(self) -> bytes:
        """What a page token belongs to."""
        return repr((self.parent, int(self.phase), self.tags)).encode()


class Reading:
    """Serves executions as published."""

    def __init__(self, store: Store, registry: Registry, board: Board, options: ExecutionOptions) -> None:
        self._store = store
        self._registry = registry
        self._board = board
        self._options = options
        self._damaged = Damaged(lambda: store.report)

    async def get(self, execution_id: str) -> AgentExecution:
        """The agent's execution, whole. Raises `NotFound`."""
        live = self._registry.get(execution_id)
        if live is not None and isinstance(shown := as_published(live), AgentExecution):
            return shown
        return self._noted(await self._store.read_state(lambda state: find(state, EXECUTIONS, execution_id)))

    async def any(self, execution_id: str) -> AnyExecution:
        """An execution of either kind, whole. Raises `NotFound`."""
        live = self._registry.get(execution_id)
        if live is not None:
            return as_published(live)
        found = await self._store.read_state(lambda state: find(state, run_kind(execution_id), execution_id))
        return self._noted(found)

    async def get_workflow(self, execution_id: str) -> WorkflowExecution:
        """The workflow's execution, whole. Raises `NotFound`."""
        live = self._registry.get(execution_id)
        if live is not None and isinstance(shown := as_published(live), WorkflowExecution):
            return shown
        return self._noted(await self._store.read_state(lambda state: find(state, WORKFLOW_EXECUTIONS, execution_id)))

    async def get_small(self, execution_id: str) -> AgentExecution:
        """The execution, without its messages where they are many."""
        execution = await self.get(execution_id)
        if execution.status.ByteSize() > SMALL_BYTES:
            take_content_out(execution)
        return execution

    async def page(self, query: PublishedQuery) -> AgentExecutionList:
        """A page, newest first; it is cut where it would pass what published clients take. Raises `InvalidArgument`."""
        size = page_rows(query.page_size, PUBLISHED_PAGE_SIZE)
        question = query.question()
        asked = Question(
            EXECUTIONS,
            query.parent,
            decode_token(question, query.page_token),
            size,
            self._options.scan_rows,
            marked_lists({}, query.tags),
            self._phase(query),
            None if query.with_content else take_content_out,
        )
        revision = self._board.revision
        page = await self._store.read_state(asked.ask)
        answer = AgentExecutionList(
            revision=revision,
            total_rows=page.total,
            total_pages=pages_of(page.total, size),
            total_is_lower_bound=page.is_lower_bound,
        )
        place, used = page.next_place, 0
        for count, execution in enumerate(page.entries):
            self._complete(execution, with_content=query.with_content)
            used += execution.ByteSize()
            if count and used > MAX_STATUS_BYTES:
                place = page.place_behind(count)
                break
            answer.entries.append(execution)
        if place is not None:
            answer.next_page_token = encode_token(question, place)
        return answer

    def _noted(self, execution: ExecutionT) -> ExecutionT:
        """Say it where a damaged disk has lost something of it."""
        self._damaged.note(execution.metadata)
        return execution

    def _phase(self, query: PublishedQuery) -> tuple[Source, ...] | None:
        """Where executions of the asked phase are, None where all will do."""
        if not query.phase:
            return None
        stored = stored_phase(EXECUTIONS, [query.phase])

        def is_in_it(state: StateRead, row: Row) -> bool:
            live = self._registry.get(row.id)
            return stored(state, row) if live is None else live.glance().phase == query.phase

        return phase_sources([query.phase], is_in_it)

    def _complete(self, execution: AgentExecution, *, with_content: bool) -> None:
        """Show what lives as it stands, and in a list no more than is wanted."""
        live = self._registry.get(execution.metadata.id)
        if live is not None:
            put_over(execution, live)
        if not with_content:
            take_content_out(execution)


def as_published(live: LiveExecution) -> AnyExecution:
    """A live execution as of now."""
    execution = copy_of(live.execution)
    put_over(execution, live)
    return execution


def put_over(execution: AnyExecution, live: LiveExecution) -> None:
    """Give a stored execution the status that it has by now; a workflow's tells what waits in executions that it started, too."""
    show_status(execution, live.state)
    if isinstance(execution, WorkflowExecution):
        for child in live.children.values():
            execution.status.attention.extend(_waiting_in(child))


def _waiting_in(live: LiveExecution) -> Iterator[Attention]:
    """What waits for a person in a child, and below it."""
    for attention in live.state.status.attention:
        told = Attention()
        told.CopyFrom(attention)
        told.text = f"{live.id}: {attention.text}"
        yield told
    for child in live.children.values():
        yield from _waiting_in(child)


def take_content_out(execution: AgentExecution) -> None:
    """Leave out messages, tool results and what else makes a status long; a list needs none of it."""
    status = execution.status
    status.omitted_messages += len(status.messages)
    del status.messages[:]
    for call in status.tool_calls:
        call.ClearField("result")
        call.ClearField("args")
    for sub_agent in status.sub_agent_executions:
        sub_agent.ClearField("output")
        sub_agent.ClearField("input")


def take_outputs_out(execution: WorkflowExecution) -> None:
    """Leave out what makes a status long; a list needs none of it."""
    execution.status.ClearField("output")
    execution.status.ClearField("output_value")
    for task in execution.status.tasks:
        task.ClearField("input")
        task.ClearField("output")
