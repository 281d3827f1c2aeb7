"""Which runs are marked: by their ids, or all that the filter lets through."""

from collections.abc import Iterable

from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionSummary


class Marks:
    """What is done next is done to these."""

    def __init__(self) -> None:
        self.ids: dict[str, ExecutionSummary] = {}
        """Marked one by one, in order, as they were then."""
        self.every = False
        """All that the filter lets through."""
        self.anchor = ""
        """The run that was marked last: where a range begins."""
        self.going: frozenset[str] = frozenset()
        """About to be deleted."""

    def __bool__(self) -> bool:
        return self.every or bool(self.ids)

    def has(self, execution_id: str) -> bool:
        """Whether a run is marked."""
        return self.every or execution_id in self.ids

    def toggle(self, row: ExecutionSummary) -> None:
        """Mark a run, or unmark it."""
        self.every = False
        if row.execution_id in self.ids:
            del self.ids[row.execution_id]
        else:
            self.ids[row.execution_id] = row
        self.anchor = row.execution_id

    def add(self, rows: Iterable[ExecutionSummary]) -> None:
        """Mark runs."""
        self.every = False
        self.ids.update((row.execution_id, row) for row in rows)

    def toggle_all(self) -> None:
        """Mark all, or none."""
        self.every = not self.every
        self.ids.clear()

    def forget(self, ids: Iterable[str]) -> None:
        """Runs are gone."""
        for execution_id in ids:
            self.ids.pop(execution_id, None)

    def clear(self) -> bool:
        """Mark nothing. Whether anything was marked."""
        was = bool(self)
        self.ids.clear()
        self.every, self.anchor = False, ""
        return was
