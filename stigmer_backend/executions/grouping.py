"""Executions by what they have in common: by the indexes where nothing is filtered, else by looking at the newest that match."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import (
    ExecutionFilter,
    GroupBy,
    GroupExecutionsRequest,
    GroupExecutionsResponse,
)
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionSummary
from stigmer_apis.errors import FieldViolation, InvalidArgument
from stigmer_backend.resources.kinds import AGENTS, SESSIONS, WORKFLOWS, AnyKind
from stigmer_backend.resources.listing import Selection, newest_of
from stigmer_backend.resources.listing_keys import LIVE_LIST, label_lists, phase_list
from stigmer_backend.resources.lookup import storable
from stigmer_backend.store import Row, StateRead

RUNS = "execution"
"""Executions of both kinds, as one table of the state that is asked."""
GROUPS = 10_000
"""Groups that are known at once; of more there are, the newest."""
GROUPED_ROWS = 20_000
"""Executions that are looked at where a filter leaves some out."""

Glance = Callable[[Row], ExecutionSummary]
"""A row as it stands now."""
Group = GroupExecutionsResponse.Group

_ENDED_PHASES = (
    ExecutionPhase.EXECUTION_FAILED,
    ExecutionPhase.EXECUTION_CANCELLED,
    ExecutionPhase.EXECUTION_COMPLETED,
)
_PHASES = (ExecutionPhase.EXECUTION_IN_PROGRESS, ExecutionPhase.EXECUTION_PENDING, *_ENDED_PHASES)


@dataclass(frozen=True, slots=True)
class Grouped:
    """A page of groups, each with its newest execution's row."""

    groups: list[tuple[Group, Row | None]]
    total: int
    is_lower_bound: bool


@dataclass(frozen=True, slots=True)
class _Known:
    """A group before it is told."""

    key: str
    total: int
    is_lower_bound: bool
    newest: Row | None


class Grouping:
    """One question for groups, answered on a reader's thread."""

    def __init__(self, request: GroupExecutionsRequest, glance: Glance) -> None:
        """Raises `InvalidArgument` where it is not said by what."""
        if not request.group_by or (request.group_by == GroupBy.GROUP_BY_LABEL and not request.label):
            missing = "group_by" if not request.group_by else "label"
            raise InvalidArgument(
                f"groups need {missing}",
                remedy="say by what: agent, session, phase, or a label and its name",
                violations=[FieldViolation(missing, "stigmer.groups.by", "must be set")],
            )
        self._by = request.group_by
        self._label = request.label
        self._filter = request.filter
        self._glance = glance

    def page(self, state: StateRead, chosen: Selection, skip: int, size: int, *, filtered: bool) -> Grouped:
        """The groups of a selection, `size` of them behind `skip`."""
        known, bounded = self._looked_at(state, chosen) if filtered else self._indexed(state)
        page = [(self._told(state, group), group.newest) for group in known[skip : skip + size]]
        return Grouped(page, len(known), bounded)

    # By the indexes: each group is a list of its own, and knows how long it is.

    def _indexed(self, state: StateRead) -> tuple[list[_Known], bool]:
        match self._by:
            case GroupBy.GROUP_BY_PHASE:
                return self._phases(state), False
            case GroupBy.GROUP_BY_LABEL:
                first = label_lists(self._label)
                names = state.lists(RUNS, first, GROUPS + 1) if storable(self._label) else []
                return [_listed(state, name, name[len(first) :]) for name in names[:GROUPS]], len(names) > GROUPS
            case GroupBy.GROUP_BY_SESSION:
                return self._owners(state, SESSIONS)
            case _:
                agents, many = self._owners(state, AGENTS)
                workflows, more = self._owners(state, WORKFLOWS)
                return [*agents, *workflows], many or more

    def _owners(self, state: StateRead, kind: AnyKind) -> tuple[list[_Known], bool]:
        owners = state.page(kind.table, limit=GROUPS + 1)
        groups = (_listed(state, owner.id, owner.id) for owner in owners[:GROUPS])
        return [group for group in groups if group.total], len(owners) > GROUPS

    def _phases(self, state: StateRead) -> list[_Known]:
        lives = state.page(RUNS, LIVE_LIST, limit=max(1, state.count(RUNS, LIVE_LIST)))
        by_phase: dict[int, list[Row]] = {}
        for row in lives:
            by_phase.setdefault(self._glance(row).phase, []).append(row)
        groups: list[_Known] = []
        for phase in _PHASES:
            rows = by_phase.get(phase, [])
            ended = _listed(state, phase_list(phase), "") if phase in _ENDED_PHASES else _Known("", 0, False, None)
            newest = min((row for row in (*rows[:1], ended.newest) if row is not None), default=None)
            groups.append(_Known(str(int(phase)), len(rows) + ended.total, False, newest))
        return [group for group in groups if group.total]

    # By looking: what a filter lets through has to be seen to be counted.

    def _looked_at(self, state: StateRead, chosen: Selection) -> tuple[list[_Known], bool]:
        rows, whole = newest_of(state, chosen, GROUPED_ROWS)
        found: dict[str, list[Row]] = {}
        for row, key in self._keys(state, chosen, rows):
            found.setdefault(key, []).append(row)
        groups = [_Known(key, len(rows), not whole, rows[0]) for key, rows in found.items()]
        if self._by == GroupBy.GROUP_BY_PHASE:
            groups.sort(key=lambda group: [str(int(phase)) for phase in _PHASES].index(group.key))
        elif self._by == GroupBy.GROUP_BY_LABEL:
            groups.sort(key=lambda group: group.key)
        return groups, not whole

    def _keys(self, state: StateRead, chosen: Selection, rows: list[Row]) -> Iterator[tuple[Row, str]]:
        if self._by == GroupBy.GROUP_BY_LABEL:
            first = label_lists(self._label)
            for name in state.lists(chosen.table, first, GROUPS) if storable(self._label) else []:
                has = state.held_by(chosen.table, name)
                yield from ((row, name[len(first) :]) for row in rows if has(row.key))
            return
        for row in rows:
            shown = self._glance(row)
            match self._by:
                case GroupBy.GROUP_BY_PHASE:
                    if shown.phase in _PHASES:
                        yield row, str(int(shown.phase))
                case GroupBy.GROUP_BY_SESSION:
                    if shown.session_id:
                        yield row, shown.session_id
                case _:
                    if shown.agent_id or shown.workflow_id:
                        yield row, shown.agent_id or shown.workflow_id

    # What is told of a group.

    def _told(self, state: StateRead, known: _Known) -> Group:
        return Group(
            key=known.key,
            title=self._title(state, known),
            total=known.total,
            total_is_lower_bound=known.is_lower_bound,
            filter=self._narrowed(known.key),
        )

    def _title(self, state: StateRead, known: _Known) -> str:
        match self._by:
            case GroupBy.GROUP_BY_AGENT:
                for kind in (AGENTS, WORKFLOWS):
                    record = state.get(kind.table, known.key)
                    if record is not None:
                        return kind.decode(record.data).metadata.name
                return known.key
            case GroupBy.GROUP_BY_SESSION:
                record = state.get(SESSIONS.table, known.key)
                session = None if record is None else SESSIONS.decode(record.data)
                return session.spec.subject or session.metadata.name if session is not None else known.key
            case _:
                return known.key

    def _narrowed(self, key: str) -> ExecutionFilter:
        narrowed = ExecutionFilter()
        narrowed.CopyFrom(self._filter)
        match self._by:
            case GroupBy.GROUP_BY_AGENT if key.startswith(f"{WORKFLOWS.prefix}-"):
                narrowed.workflow = key
            case GroupBy.GROUP_BY_AGENT:
                narrowed.agent = key
            case GroupBy.GROUP_BY_SESSION:
                narrowed.session_id = key
            case GroupBy.GROUP_BY_PHASE:
                del narrowed.phases[:]
                narrowed.phases.append(_PHASES[[str(int(phase)) for phase in _PHASES].index(key)])
            case _:
                narrowed.labels[self._label] = key
        return narrowed


def _listed(state: StateRead, name: str, key: str) -> _Known:
    """A group that is a list of the store."""
    newest = state.page(RUNS, name, limit=1)
    return _Known(key, state.count(RUNS, name), False, newest[0] if newest else None)
