"""Runs that have ended are deleted by themselves where settings ask for it: those for which all that is set holds."""

import time
from collections.abc import Awaitable, Callable, Sequence

from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionSummary
from stigmer_apis.config import Retention
from stigmer_apis.fold import is_terminal
from stigmer_backend.resources.kinds import EXECUTIONS, WORKFLOW_EXECUTIONS
from stigmer_backend.resources.listing_keys import label_list
from stigmer_backend.store import StateRead, Store

_PAGE = 500
_DAY_MICROS = 86_400_000_000
_KINDS = (EXECUTIONS, WORKFLOW_EXECUTIONS)

Delete = Callable[[Sequence[str]], Awaitable[object]]
"""Deletes executions; what lives by now is left."""


def in_words(rule: Retention) -> str:
    """What is deleted by itself; "" when nothing is."""
    if not _is_set(rule):
        return ""
    told = [f"ended {rule.older_than_days} days ago or before"] if rule.older_than_days else []
    told += [f"have more than {rule.larger_than_mb} MB of output"] if rule.larger_than_mb else []
    told += [f"have the label {rule.label}"] if rule.label else []
    kept = f"; of these the newest {rule.keep_last} stay" if rule.keep_last else ""
    return f"deleted by itself: runs that {' and '.join(told)}{kept}"


class Retiring:
    """Carries a rule out. It does nothing where neither an age nor a size is set."""

    def __init__(self, store: Store, rule: Retention, delete: Delete, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives seconds since 1970. A clock that jumped ahead deletes nothing: age counts up to a day behind the newest end at most."""
        self._store = store
        self._rule = rule
        self._delete = delete
        self._clock = clock

    async def once(self) -> int:
        """Delete what is due; how many that were."""
        if not _is_set(self._rule):
            return 0
        rows: list[ExecutionSummary] = []
        for kind in _KINDS:
            rows += await self._store.read_state(lambda state, table=kind.table: self._ended(state, table))
        rows.sort(key=lambda row: row.created_unix_micros, reverse=True)
        newest = max((_end(row) for row in rows), default=0)
        now = min(int(self._clock() * 1_000_000), newest + _DAY_MICROS)
        due = [row.execution_id for row in rows[self._rule.keep_last :] if self._is_due(row, now)]
        for begin in range(0, len(due), _PAGE):
            await self._delete(due[begin : begin + _PAGE])
        return len(due)

    def _ended(self, state: StateRead, table: str) -> list[ExecutionSummary]:
        name, _, value = self._rule.label.partition("=")
        parent = label_list(name, value) if name else ""
        found: list[ExecutionSummary] = []
        after: bytes | None = None
        while page := state.page(table, parent, after, _PAGE):
            after = page[-1].key
            rows = (ExecutionSummary.FromString(row.summary) for row in page)
            found += [row for row in rows if is_terminal(row.phase)]
        return found

    def _is_due(self, row: ExecutionSummary, now: int) -> bool:
        days = self._rule.older_than_days
        old = not days or now - _end(row) >= days * _DAY_MICROS
        return old and row.output_bytes >= self._rule.larger_than_mb * 1_000_000


def _is_set(rule: Retention) -> bool:
    return bool(rule.older_than_days or rule.larger_than_mb)


def _end(row: ExecutionSummary) -> int:
    return row.completed_unix_micros or row.created_unix_micros
