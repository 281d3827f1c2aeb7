"""The rows of a list that are known, out of any number: pages come and go, changes are taken in, places stay right while rows are added on top."""

from collections.abc import Iterable

from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import (
    ExecutionFilter,
    ListExecutionsResponse,
    WatchResponse,
)
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionSummary
from stigmer_tui.widgets.board.view import NEWEST

PAGE = 100
"""Rows of a page."""
KEPT = 4000
"""Rows that are kept; further away from what was asked last, they are forgotten."""
FOUND = 10_000
"""Rows that are looked for under a filter by text, and kept: what the server cannot go to at once."""


class BoardWindow:
    """Newest first, unless `sort` says otherwise. `rows` maps places to rows; a place that is missing has not been fetched."""

    def __init__(self, wanted: ExecutionFilter | None = None, sort: str = NEWEST) -> None:
        self.filter = wanted or ExecutionFilter()
        self.sort = sort
        self.rows: dict[int, ExecutionSummary] = {}
        self.total = 0
        """Rows of the list, fetched or not."""
        self.total_is_lower_bound = False
        self.ordered = 0
        """Where not all were put in order: how many were."""
        self.total_unfiltered = 0
        self.revision = 0
        self.loaded = False
        """Whether anything was fetched yet."""
        self.stale = False
        """Places may be wrong: what is on the screen must be fetched anew."""
        self._places: dict[str, int] = {}
        self.is_other = False
        """Whether nothing of this list was fetched yet: what is known is of the one before."""

    @property
    def filtered(self) -> bool:
        """Whether a filter leaves rows out, or another order puts them where only the server knows."""
        return self.filter.ByteSize() > 0 or self.sort != NEWEST

    def place_of(self, execution_id: str) -> int | None:
        """Where a row is, if it is known."""
        return self._places.get(execution_id)

    def set_filter(self, wanted: ExecutionFilter, sort: str = NEWEST) -> None:
        """Another list: nothing is known of it. What was shown stays until the first page comes."""
        self.filter, self.sort = wanted, sort
        self.stale = self.is_other = True

    def missing_page(self, first: int, last: int) -> int | None:
        """The first page that has a place from `first` to `last` that is not known; None where all are."""
        for page in range(max(0, first) // PAGE, max(0, min(last, self.total - 1)) // PAGE + 1):
            start = page * PAGE
            if any(place not in self.rows for place in range(start, min(start + PAGE, self.total))):
                return page
        return None

    def take_first(self, response: ListExecutionsResponse, start: int) -> None:
        """Begin anew with a page that starts at place `start`. Of what takes long to look for, the rest stays as it was found last."""
        same = response.total_is_lower_bound and self.total_is_lower_bound and not self.is_other
        found = self.total
        if not same:
            self.rows.clear()
            self._places.clear()
        self.loaded, self.stale, self.is_other = True, False, False
        self._take_totals(response)
        if same:
            self.total = max(found, self.total)
        self._put(start, response.executions)

    def take_found(self, response: ListExecutionsResponse, start: int) -> None:
        """More of what is looked for, from place `start` on."""
        self.total, self.total_is_lower_bound = max(self.total, response.total), response.total_is_lower_bound
        self._put(start, response.executions)

    def take_page(self, response: ListExecutionsResponse, start: int) -> None:
        """Another page of the same list. Where the list has another length by now, places are not certain any more."""
        if response.total != self.total and not response.total_is_lower_bound:
            self.stale = True
            return
        self._take_totals(response)
        self._put(start, response.executions)
        self._forget_far_from(start)

    def _take_totals(self, response: ListExecutionsResponse) -> None:
        self.total = response.total
        self.total_is_lower_bound = response.total_is_lower_bound
        self.total_unfiltered = response.total_unfiltered
        self.ordered = response.ordered
        self.revision = max(self.revision, response.revision)

    def _put(self, start: int, rows: Iterable[ExecutionSummary]) -> None:
        for place, row in enumerate(rows, start):
            self.rows[place] = row
            self._places[row.execution_id] = place
            self.total = max(self.total, place + 1)

    def _forget_far_from(self, start: int) -> None:
        if len(self.rows) <= (FOUND if self.filter.text else KEPT):
            return
        for place in [place for place in self.rows if place >= PAGE and abs(place - start) > KEPT // 2]:
            del self._places[self.rows.pop(place).execution_id]

    def take_changes(self, changes: WatchResponse) -> int:
        """Take in what changed. Returns how many rows came on top: places of all others grew by that."""
        self.revision = max(self.revision, changes.revision)
        if changes.reset:
            self.stale = True
            return 0
        unknown: list[ExecutionSummary] = []
        for row in changes.changed:
            place = self._places.get(row.execution_id)
            if place is None:
                unknown.append(row)
            else:
                self.rows[place] = row
        if self.filtered:
            self.stale = self.stale or bool(changes.changed or changes.removed)
            self.total_unfiltered = changes.total
            return 0
        added = self._add_on_top(unknown)
        self.total_unfiltered = changes.total
        if changes.removed or changes.total != self.total:
            self.stale = True
        return added

    def _add_on_top(self, unknown: list[ExecutionSummary]) -> int:
        """Rows that are newer than the newest go on top; others are on pages that were not fetched."""
        newest = self.rows.get(0)
        if newest is None and self.total:
            return 0
        edge = (newest.created_unix_micros, newest.execution_id) if newest else (0, "")
        new = [row for row in unknown if (row.created_unix_micros, row.execution_id) > edge]
        if not new:
            return 0
        new.sort(key=lambda row: (row.created_unix_micros, row.execution_id), reverse=True)
        moved = {place + len(new): row for place, row in self.rows.items()}
        self.rows = {**dict(enumerate(new)), **moved}
        self._places = {row.execution_id: place for place, row in self.rows.items()}
        self.total += len(new)
        return len(new)
