"""Lists of executions: rows of the index, with what lives shown as it stands now."""

from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import (
    ExecutionFilter,
    ListExecutionsRequest,
    ListExecutionsResponse,
)
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionSummary
from stigmer_apis.errors import InvalidArgument
from stigmer_apis.protocol import DEFAULT_PAGE_SIZE
from stigmer_backend.executions.board import Board
from stigmer_backend.executions.live import LiveExecution
from stigmer_backend.executions.options import ExecutionOptions
from stigmer_backend.executions.registry import Registry
from stigmer_backend.resources.filters import marked_lists, phase_sources, span_of
from stigmer_backend.resources.kinds import AGENTS, EXECUTIONS
from stigmer_backend.resources.listing import Found, Matches, Selection, Source, Turn, by_time
from stigmer_backend.resources.listing_keys import LIVE_LIST
from stigmer_backend.resources.lookup import storable
from stigmer_backend.resources.paging import decode_token, encode_token, page_rows
from stigmer_backend.store import Row, StateRead, Store

_COUNT_BYTES = 8


class Listing:
    """Serves pages of executions."""

    def __init__(self, store: Store, registry: Registry, board: Board, options: ExecutionOptions) -> None:
        self._store = store
        self._registry = registry
        self._board = board
        self._options = options

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
        if wanted.text:
            self._registry.refresh()

        def ask(state: StateRead) -> Found:
            lists, sources = self._lists(state, wanted)
            chosen = Selection(EXECUTIONS.table, lists, sources, span, self._text(wanted.text), self._options.scan_rows)
            return by_time(state, chosen, turn, newest_first=not request.oldest_first)

        found = await self._store.read_state(ask)
        response = ListExecutionsResponse(
            executions=[self._row(row) for row in found.rows],
            total=found.total,
            total_is_lower_bound=found.is_lower_bound,
            revision=revision,
            total_unfiltered=self._board.total,
        )
        if found.next_place is not None:
            place = found.behind.to_bytes(_COUNT_BYTES) + found.next_place
            response.next_page_token = encode_token(question, place)
        return response

    def _row(self, row: Row) -> ExecutionSummary:
        live = self._registry.get(row.id)
        return live.summary() if live is not None else ExecutionSummary.FromString(row.summary)

    def _lists(self, state: StateRead, wanted: ExecutionFilter) -> tuple[tuple[str, ...], tuple[Source, ...] | None]:
        """The lists that a row has to be in, and those of which it has to be in one. On a reader's thread, as all below."""
        session, agent = wanted.session_id, wanted.agent
        if not storable(session) or not storable(agent):
            return (), ()
        if agent and state.get(AGENTS.table, agent) is None:
            found = state.by_slug(AGENTS.table, agent)
            if found is None:
                return (), ()
            agent = found
        lists = tuple(name for name in (session, agent) if name) + marked_lists(wanted.labels, wanted.tags)
        phases = frozenset(wanted.phases)

        def is_wanted(state: StateRead, row: Row) -> bool:
            shown = _glance(self._registry.get(row.id), row)
            return (not phases or shown.phase in phases) and (not wanted.needs_attention or shown.attention_count > 0)

        if wanted.needs_attention:  # Nobody is asked for anything by what has ended.
            return lists, (Source(LIVE_LIST, is_wanted),)
        return lists, phase_sources(phases, is_wanted) if phases else None

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


def _glance(live: LiveExecution | None, row: Row) -> ExecutionSummary:
    return ExecutionSummary.FromString(row.summary) if live is None else live.glance()


def _shown_text(summary: ExecutionSummary) -> str:
    """What a person sees of a row, for searching."""
    shown = (summary.subject, summary.last_line, summary.agent_name, summary.execution_id, summary.error)
    return "\n".join(shown).casefold()
