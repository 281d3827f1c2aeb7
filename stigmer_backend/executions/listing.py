"""Lists of executions: rows of the index, with what lives shown as it stands now."""

from collections.abc import Callable
from dataclasses import replace

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecutionStatus
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import (
    ExecutionFilter,
    ExecutionOrder,
    GroupExecutionsRequest,
    GroupExecutionsResponse,
    ListExecutionsRequest,
    ListExecutionsResponse,
    TallyExecutionsRequest,
    TallyExecutionsResponse,
)
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionKind, ExecutionSummary
from stigmer_apis.errors import InvalidArgument
from stigmer_apis.protocol import DEFAULT_PAGE_SIZE
from stigmer_backend.executions.board import Board
from stigmer_backend.executions.damaged import Damaged
from stigmer_backend.executions.grouping import RUNS, Grouped, Grouping
from stigmer_backend.executions.live import LiveExecution
from stigmer_backend.executions.options import ExecutionOptions
from stigmer_backend.executions.registry import Registry
from stigmer_backend.executions.tallying import TALLIED_ROWS, TOOL_ROWS, tally, tally_tools
from stigmer_backend.resources.filters import marked_lists, phase_sources, span_of
from stigmer_backend.resources.kinds import AGENTS, EXECUTIONS, WORKFLOW_EXECUTIONS, WORKFLOWS
from stigmer_backend.resources.listing import Found, Matches, Selection, Source, Turn, by_time, newest_of
from stigmer_backend.resources.listing_keys import LIVE_LIST, UNSEEN_LIST
from stigmer_backend.resources.lookup import named_id, storable
from stigmer_backend.resources.paging import decode_token, encode_token, page_rows
from stigmer_backend.store import Row, Span, StateRead, Store
from stigmer_backend.store.together import Together

ORDERED_ROWS = 10_000
"""Executions that are put in another order than that of their creation: the newest that match, and whatever lives. An answer says so."""

_COUNT_BYTES = 8


class Listing:
    """Serves pages of executions."""

    def __init__(self, store: Store, registry: Registry, board: Board, options: ExecutionOptions) -> None:
        self._store = store
        self._registry = registry
        self._board = board
        self._options = options
        self._damaged = Damaged(lambda: store.report)

    async def page(self, request: ListExecutionsRequest) -> ListExecutionsResponse:
        """The page that `request` asks for. Raises `InvalidArgument` for a size, token or time that cannot be."""
        wanted = request.filter
        size = page_rows(request.page_size, DEFAULT_PAGE_SIZE)
        question = wanted.SerializeToString(deterministic=True) + bytes((request.oldest_first,))
        token = decode_token(question, request.page_token)
        if token is not None and len(token) <= 2 * _COUNT_BYTES:
            raise InvalidArgument("the page token is cut", remedy="take it as the last page gave it")
        passed = 0 if token is None else int.from_bytes(token[:_COUNT_BYTES])
        turn = Turn(None if token is None else token[_COUNT_BYTES:], passed, size, request.skip)
        span = span_of(wanted.created_from_unix_micros, wanted.created_before_unix_micros, "filter.")
        revision = self._board.revision
        if request.order:
            return await self._ordered(request, size, span)
        if wanted.text:
            self._registry.refresh()

        def ask(alone: StateRead) -> Found:
            state = all_runs(alone)
            chosen = self._chosen(state, wanted, span)
            return by_time(state, chosen, turn, newest_first=not request.oldest_first)

        found = await self._store.read_state(ask)
        response = ListExecutionsResponse(
            executions=[self._row(row) for row in found.rows],
            total=found.total,
            total_is_lower_bound=found.is_lower_bound,
            revision=revision,
            total_unfiltered=self._board.total,
            unseen=self._board.unseen,
        )
        if found.next_place is not None:
            place = found.behind.to_bytes(_COUNT_BYTES) + found.next_place
            response.next_page_token = encode_token(question, place)
        return response

    async def groups(self, request: GroupExecutionsRequest) -> GroupExecutionsResponse:
        """The groups that `request` asks for. Raises `InvalidArgument` for a size, time or label that cannot be."""
        wanted = request.filter
        size = page_rows(request.page_size, DEFAULT_PAGE_SIZE)
        span = span_of(wanted.created_from_unix_micros, wanted.created_before_unix_micros, "filter.")
        grouping = Grouping(request, self._glance_of)
        self._registry.refresh()
        revision = self._board.revision

        def ask(alone: StateRead) -> Grouped:
            state = all_runs(alone)
            chosen = self._chosen(state, wanted, span)
            return grouping.page(state, chosen, request.skip, size, filtered=wanted.ByteSize() > 0)

        found = await self._store.read_state(ask)
        for group, newest in found.groups:
            if newest is not None:
                group.newest.CopyFrom(self._row(newest))
        return GroupExecutionsResponse(
            groups=[group for group, _ in found.groups],
            total=found.total,
            total_is_lower_bound=found.is_lower_bound,
            revision=revision,
            total_unfiltered=self._board.total,
        )

    async def tally(self, request: TallyExecutionsRequest) -> TallyExecutionsResponse:
        """The sums that `request` asks for. Raises `InvalidArgument` for a time that cannot be."""
        wanted = request.filter
        span = span_of(wanted.created_from_unix_micros, wanted.created_before_unix_micros, "filter.")
        self._registry.refresh()

        def ask(alone: StateRead) -> TallyExecutionsResponse:
            state = all_runs(alone)
            rows, whole = newest_of(state, self._chosen(state, wanted, span), TALLIED_ROWS)
            answer = tally(request, [self._glance_of(row) for row in rows], whole=whole)
            tally_tools(answer, (status for row in rows[:TOOL_ROWS] if (status := self._status(state, row.id))))
            return answer

        return await self._store.read_state(ask)

    def _status(self, state: StateRead, execution_id: str) -> AgentExecutionStatus | None:
        live = self._registry.get(execution_id)
        if live is not None:
            return live.state.status
        record = state.get(EXECUTIONS.table, execution_id)
        return None if record is None else EXECUTIONS.decode(record.data).status

    async def _ordered(self, request: ListExecutionsRequest, size: int, span: Span) -> ListExecutionsResponse:
        if request.page_token:
            raise InvalidArgument("a page in this order has no token", remedy="go on with `skip`")
        weight = _WEIGHTS[request.order]
        self._registry.refresh()
        revision = self._board.revision

        def ask(alone: StateRead) -> tuple[list[Row], int, bool]:
            state = all_runs(alone)
            chosen = self._chosen(state, request.filter, span)
            rows, whole = newest_of(state, chosen, ORDERED_ROWS)
            if not whole:
                lives = replace(chosen, all_of=(*chosen.all_of, LIVE_LIST))
                known = {row.key for row in rows}
                rows += [row for row in newest_of(state, lives, ORDERED_ROWS)[0] if row.key not in known]
            rows.sort(key=lambda row: (weight(self._glance_of(row)), row.key), reverse=not request.oldest_first)
            return rows[request.skip : request.skip + size], len(rows), whole

        rows, total, whole = await self._store.read_state(ask)
        return ListExecutionsResponse(
            executions=[self._row(row) for row in rows],
            total=total,
            revision=revision,
            total_unfiltered=self._board.total,
            unseen=self._board.unseen,
            ordered=0 if whole else total,
        )

    def _glance_of(self, row: Row) -> ExecutionSummary:
        return _glance(self._registry.get(row.id), row)

    def _chosen(self, state: StateRead, wanted: ExecutionFilter, span: Span) -> Selection:
        """What a filter lets through. On a reader's thread."""
        lists, sources = self._lists(state, wanted)
        table = table_of(state, wanted)
        return Selection(table, lists, sources, span, self._matches(wanted), self._options.scan_rows)

    def _row(self, row: Row) -> ExecutionSummary:
        live = self._registry.get(row.id)
        return self._damaged.shown(live.summary() if live is not None else ExecutionSummary.FromString(row.summary))

    def _lists(self, state: StateRead, wanted: ExecutionFilter) -> tuple[tuple[str, ...], tuple[Source, ...] | None]:
        """The lists that a row has to be in, and those of which it has to be in one. On a reader's thread, as all below."""
        named = wanted.session_id, wanted.agent, wanted.workflow, wanted.parent_execution_id
        if not all(storable(name) for name in named) or _contradicts(wanted):
            return (), ()
        session, _, _, parent = named
        agent, workflow = named_id(state, AGENTS, wanted.agent), named_id(state, WORKFLOWS, wanted.workflow)
        if (wanted.agent and agent is None) or (wanted.workflow and workflow is None):
            return (), ()
        lists = tuple(name for name in (session, agent, workflow, parent) if name) + marked_lists(
            wanted.labels, wanted.tags
        )
        lists += (UNSEEN_LIST,) if wanted.unseen else ()
        phases = frozenset(wanted.phases)

        def is_wanted(state: StateRead, row: Row) -> bool:
            shown = _glance(self._registry.get(row.id), row)
            return (not phases or shown.phase in phases) and (not wanted.needs_attention or self._waits(row))

        if wanted.needs_attention:  # Nobody is asked for anything by what has ended.
            return lists, (Source(LIVE_LIST, is_wanted),)
        return lists, phase_sources(phases, is_wanted) if phases else None

    def _waits(self, row: Row) -> bool:
        """Whether somebody is asked for something by an execution, or by one below it."""
        live = self._registry.get(row.id)
        return live is not None and live.glance().attention_count + live.child_attention() > 0

    def _matches(self, wanted: ExecutionFilter) -> Matches | None:
        """What only the row itself says: the text that it shows, and whether another execution started it."""
        text = self._text(wanted.text)
        if not wanted.top:
            return text

        def matches(state: StateRead, row: Row) -> bool:
            top = not _glance(self._registry.get(row.id), row).parent_execution_id
            return top and (text is None or text(state, row))

        return matches

    def _text(self, text: str) -> Matches | None:
        if not text:
            return None
        needle = text.casefold()
        raw_needle = needle.encode() if needle.isascii() else b""

        def matches(state: StateRead, row: Row) -> bool:
            live = self._registry.get(row.id)
            if live is None and raw_needle and raw_needle not in row.summary.lower():
                return False
            return needle in _shown_text(_glance(live, row))

        return matches


def all_runs(state: StateRead) -> StateRead:
    """The state, in which executions of both kinds are of one."""
    return Together(state, RUNS, (EXECUTIONS.table, WORKFLOW_EXECUTIONS.table))


def table_of(state: StateRead, wanted: ExecutionFilter) -> str:
    """Where to look: at executions of one kind where no others can match, which costs less."""
    agents, workflows = ExecutionKind.EXECUTION_KIND_UNSPECIFIED, ExecutionKind.EXECUTION_KIND_WORKFLOW
    if wanted.agent or wanted.session_id or _only(wanted, agents):
        return EXECUTIONS.table
    if not wanted.kinds and not wanted.workflow and not state.count(WORKFLOW_EXECUTIONS.table):
        return EXECUTIONS.table
    return WORKFLOW_EXECUTIONS.table if wanted.workflow or _only(wanted, workflows) else RUNS


def _only(wanted: ExecutionFilter, kind: ExecutionKind.ValueType) -> bool:
    return bool(wanted.kinds) and all(one == kind for one in wanted.kinds)


def _contradicts(wanted: ExecutionFilter) -> bool:
    """Whether a filter asks for what is of no kind."""
    of_agents = bool(wanted.agent or wanted.session_id)
    if of_agents and (wanted.workflow or _only(wanted, ExecutionKind.EXECUTION_KIND_WORKFLOW)):
        return True
    return bool(wanted.workflow) and _only(wanted, ExecutionKind.EXECUTION_KIND_UNSPECIFIED)


def _changed(row: ExecutionSummary) -> int:
    return row.changed_unix_micros or row.completed_unix_micros or row.created_unix_micros


def _length(row: ExecutionSummary) -> int:
    """How long it ran; what goes on has run until it changed last."""
    return (row.completed_unix_micros or _changed(row)) - row.started_unix_micros if row.started_unix_micros else 0


_WEIGHTS: dict["ExecutionOrder.ValueType", Callable[[ExecutionSummary], int]] = {
    ExecutionOrder.EXECUTION_ORDER_CHANGED: _changed,
    ExecutionOrder.EXECUTION_ORDER_LONGEST: _length,
    ExecutionOrder.EXECUTION_ORDER_TOKENS: lambda row: row.tokens,
    ExecutionOrder.EXECUTION_ORDER_COST: lambda row: row.cost_micro_usd,
}


def _glance(live: LiveExecution | None, row: Row) -> ExecutionSummary:
    return ExecutionSummary.FromString(row.summary) if live is None else live.glance()


def _shown_text(summary: ExecutionSummary) -> str:
    """What a person sees of a row, for searching."""
    shown = (
        summary.subject,
        summary.last_line,
        summary.agent_name or summary.workflow_name,
        summary.task_name,
        summary.execution_id,
        summary.error,
    )
    return "\n".join(shown).casefold()
