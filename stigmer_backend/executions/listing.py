"""Lists of executions: rows of the index, with what lives shown as it stands now."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

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
from stigmer_backend.resources.kinds import AGENTS, EXECUTIONS
from stigmer_backend.resources.lookup import storable
from stigmer_backend.resources.paging import decode_token, encode_token, page_rows
from stigmer_backend.store import Row, StateRead, Store

_CHUNK = 1000
_COUNT_BYTES = 8

Overlay = Callable[[str], LiveExecution | None]
"""The live execution with an id, or None. Asked from a reader's thread: a look into a dictionary."""


@dataclass(frozen=True, slots=True)
class Found:
    """Rows of a page, before what lives is put over them."""

    rows: list[Row]
    total: int
    is_lower_bound: bool
    next_key: bytes | None
    """Where the next page begins; None where this was the last."""
    before_next: int
    """Matching rows before that place."""


class Listing:
    """Serves pages of executions."""

    def __init__(self, store: Store, registry: Registry, board: Board, options: ExecutionOptions) -> None:
        self._store = store
        self._registry = registry
        self._board = board
        self._options = options

    async def page(self, request: ListExecutionsRequest) -> ListExecutionsResponse:
        """The page that `request` asks for. Raises `InvalidArgument` for a size or token that cannot be."""
        size = page_rows(request.page_size, DEFAULT_PAGE_SIZE)
        question = request.filter.SerializeToString(deterministic=True) + bytes((request.oldest_first,))
        token = decode_token(question, request.page_token)
        if token is not None and len(token) <= _COUNT_BYTES:
            raise InvalidArgument("the page token is cut", remedy="take it as the last page gave it")
        passed = 0 if token is None else int.from_bytes(token[:_COUNT_BYTES])
        after = None if token is None else token[_COUNT_BYTES:]
        revision = self._board.revision
        if request.filter.text:
            self._registry.refresh()
        scan = Scan(
            request.filter,
            after,
            passed,
            size,
            request.skip,
            newest_first=not request.oldest_first,
            budget=self._options.scan_rows,
            overlay=self._registry.get,
        )
        found = await self._store.read_state(scan.run)
        response = ListExecutionsResponse(
            executions=[self._row(row) for row in found.rows],
            total=found.total,
            total_is_lower_bound=found.is_lower_bound,
            revision=revision,
            total_unfiltered=self._board.total,
        )
        if found.next_key is not None:
            response.next_page_token = encode_token(question, found.before_next.to_bytes(_COUNT_BYTES) + found.next_key)
        return response

    def _row(self, row: Row) -> ExecutionSummary:
        live = self._registry.get(row.id)
        return live.summary() if live is not None else ExecutionSummary.FromString(row.summary)


@dataclass(frozen=True, slots=True)
class Scan:
    """One question to the index. `run` is asked on a reader's thread."""

    wanted: ExecutionFilter
    after: bytes | None
    passed: int
    """Matching rows before `after`."""
    size: int
    skip: int
    newest_first: bool
    budget: int
    """Rows that a filter may look at."""
    overlay: Overlay

    def run(self, state: StateRead) -> Found:
        """Answer the question."""
        parent, agent_id = self._parent(state)
        if parent is None:
            return Found([], 0, False, None, 0)
        matches = _matcher(self.wanted, agent_id)
        if matches is None:
            return self._indexed(state, parent)
        return self._filtered(state, parent, matches)

    def _parent(self, state: StateRead) -> tuple[str | None, str]:
        """The list to read, None for one that cannot be, and the agent that its rows must have beside."""
        session, agent = self.wanted.session_id, self.wanted.agent
        if not storable(session) or not storable(agent):
            return None, ""
        if agent and state.get(AGENTS.table, agent) is None:
            agent = state.by_slug(AGENTS.table, agent)
            if agent is None:
                return None, ""
        return (session, agent) if session else (agent, "")

    def _indexed(self, state: StateRead, parent: str) -> Found:
        """A page of a list as it is: every row matches. A far jump is made from the nearer end."""
        total = state.count(EXECUTIONS.table, parent)
        if self.after is None and total // 2 < self.skip < total:
            wanted = min(self.size, total - self.skip)
            rows = self._jump(state, parent, None, total - self.skip - wanted, wanted, not self.newest_first)
            rows.reverse()
            more = self.skip + wanted < total
        else:
            rows = self._jump(state, parent, self.after, self.skip, self.size + 1, self.newest_first)
            more = len(rows) > self.size
            del rows[self.size :]
        before = self.passed + self.skip + len(rows)
        return Found(rows, total, False, rows[-1].key if more and rows else None, before)

    def _jump(
        self, state: StateRead, parent: str, after: bytes | None, skip: int, limit: int, newest_first: bool
    ) -> list[Row]:
        """Up to `limit` rows from behind `after`, and behind `skip` more."""
        while skip > 0:
            rows = state.page(EXECUTIONS.table, parent, after, min(skip, _CHUNK), newest_first)
            if not rows:
                return []
            after = rows[-1].key
            skip -= len(rows)
        return state.page(EXECUTIONS.table, parent, after, limit, newest_first)

    def _filtered(self, state: StateRead, parent: str, matches: "Matcher") -> Found:
        """A page of the rows that match, and as much of their number as the budget allows."""
        page: list[Row] = []
        matched = self.passed
        to_skip = self.skip
        place = self.after
        for looked, row in enumerate(_rows(state, parent, self.after, self.newest_first)):
            if looked == self.budget:
                return Found(page, matched, True, place, self._before(page, to_skip))
            if len(page) < self.size:
                place = row.key
            if not matches(row, self.overlay(row.id)):
                continue
            matched += 1
            if to_skip:
                to_skip -= 1
            elif len(page) < self.size:
                page.append(row)
        before = self._before(page, to_skip)
        return Found(page, matched, False, place if matched > before else None, before)

    def _before(self, page: list[Row], to_skip: int) -> int:
        return self.passed + self.skip - to_skip + len(page)


Matcher = Callable[[Row, LiveExecution | None], bool]


def _rows(state: StateRead, parent: str, after: bytes | None, newest_first: bool) -> Iterator[Row]:
    while rows := state.page(EXECUTIONS.table, parent, after, _CHUNK, newest_first):
        yield from rows
        after = rows[-1].key


def _matcher(wanted: ExecutionFilter, agent_id: str) -> Matcher | None:
    """What a row must be like, or None where every row of the list will do."""
    phases = frozenset(wanted.phases)
    needle = wanted.text.casefold()
    raw_needle = needle.encode() if needle.isascii() else b""
    attention = wanted.needs_attention
    if not (phases or needle or attention or agent_id):
        return None

    def matches(row: Row, live: LiveExecution | None) -> bool:
        if live is not None:
            summary = live.glance()
        else:
            if raw_needle and raw_needle not in row.summary.lower():
                return False
            summary = ExecutionSummary.FromString(row.summary)
        return (
            (not phases or summary.phase in phases)
            and (not attention or summary.attention_count > 0)
            and (not agent_id or summary.agent_id == agent_id)
            and (not needle or needle in _text(summary))
        )

    return matches


def _text(summary: ExecutionSummary) -> str:
    """What a person sees of a row, for searching."""
    shown = (summary.subject, summary.last_line, summary.agent_name, summary.execution_id, summary.error)
    return "\n".join(shown).casefold()
