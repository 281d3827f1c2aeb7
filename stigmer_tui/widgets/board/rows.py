"""What stands in the list, from the first row to the last: runs, or groups with the runs of those that are unfolded."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate

from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import GroupExecutionsResponse, WatchResponse
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionSummary
from stigmer_tui.widgets.board.window import BoardWindow

Group = GroupExecutionsResponse.Group


@dataclass(slots=True)
class Section:
    """A group, and the window over its runs."""

    head: Group
    window: BoardWindow
    folded: bool = True

    @property
    def size(self) -> int:
        """Rows of the list, its own among them."""
        return 1 if self.folded else 1 + max(self.window.total, 0 if self.window.loaded else int(self.head.total))


class BoardRows:
    """A `BoardWindow`, or sections of several."""

    def __init__(self, window: BoardWindow) -> None:
        self.window = window
        self.sections: list[Section] | None = None
        """None where nothing is grouped."""
        self.groups = 0
        """How many groups there are, fetched or not."""
        self.groups_is_lower_bound = False
        self._folded: dict[str, bool] = {}

    @property
    def loaded(self) -> bool:
        """Whether anything was fetched yet."""
        return self.window.loaded if self.sections is None else True

    @property
    def total(self) -> int:
        """Rows of the list."""
        return self.window.total if self.sections is None else sum(section.size for section in self.sections)

    def at(self, place: int) -> ExecutionSummary | Section | None:
        """What stands at a place; None where it has not been fetched."""
        if self.sections is None:
            return self.window.rows.get(place)
        found = self._section_at(place)
        if found is None:
            return None
        section, offset = found
        return section if offset == 0 else section.window.rows.get(offset - 1)

    def section_of(self, place: int) -> Section | None:
        """The group that a place belongs to."""
        found = self._section_at(place)
        return None if found is None else found[0]

    def place_of(self, key: str) -> int | None:
        """Where a run stands, by its id, or a group, by `group_key`."""
        if self.sections is None:
            return self.window.place_of(key)
        start = 0
        for section in self.sections:
            if group_key(section) == key:
                return start
            if not section.folded and (place := section.window.place_of(key)) is not None:
                return start + 1 + place
            start += section.size
        return None

    def windows(self, first: int, last: int) -> Iterator[tuple[BoardWindow, int, int]]:
        """The windows that places from `first` to `last` look into, each with its own places."""
        if self.sections is None:
            yield self.window, first, last
            return
        start = 0
        for section in self.sections:
            end = start + section.size
            if not section.folded and end > first and start <= last:
                yield section.window, max(0, first - start - 1), max(0, min(last, end - 1) - start - 1)
            start = end

    def all_windows(self) -> Iterable[BoardWindow]:
        """Every window that is open."""
        if self.sections is None:
            return (self.window,)
        return (section.window for section in self.sections if not section.folded)

    def known(self) -> Iterator[ExecutionSummary]:
        """All runs that were fetched."""
        for window in self.all_windows():
            yield from window.rows.values()

    def ungroup(self) -> None:
        """Show runs alone."""
        self.sections = None

    def take_groups(self, response: GroupExecutionsResponse, sort: str) -> None:
        """The groups, as they stand now. What was unfolded stays so, with what was fetched of it."""
        before = {section.head.key: section for section in self.sections or ()}
        self.sections = []
        for head in response.groups:
            known = before.get(head.key)
            if known is not None and known.window.filter == head.filter and known.window.sort == sort:
                known.window.stale = known.window.stale or known.window.total != head.total
                self.sections.append(Section(head, known.window, known.folded))
            else:
                folded = self._folded.get(head.key, True)
                self.sections.append(Section(head, BoardWindow(head.filter, sort), folded))
        self.groups, self.groups_is_lower_bound = int(response.total), response.total_is_lower_bound
        self.window.total_unfiltered = int(response.total_unfiltered)
        self.window.revision = max(self.window.revision, int(response.revision))

    def fold(self, section: Section, folded: bool) -> None:
        """Show the runs of a group, or hide them."""
        section.folded = self._folded[section.head.key] = folded

    def fold_all(self) -> None:
        """Hide the runs of all groups; where all are hidden, show them."""
        sections = self.sections or ()
        folded = any(not section.folded for section in sections)
        for section in sections:
            self.fold(section, folded)

    def take_changes(self, changes: WatchResponse) -> None:
        """Take in what changed. Only the server knows to which group a new run belongs."""
        if self.sections is None:
            self.window.take_changes(changes)
            return
        self.window.revision = max(self.window.revision, int(changes.revision))
        self.window.total_unfiltered = int(changes.total)
        for window in self.all_windows():
            window.take_changes(changes)

    def _section_at(self, place: int) -> tuple[Section, int] | None:
        if not self.sections:
            return None
        ends = [*accumulate(section.size for section in self.sections)]
        index = bisect_right(ends, place)
        if place < 0 or index >= len(self.sections):
            return None
        return self.sections[index], place - (ends[index - 1] if index else 0)


def group_key(section: Section) -> str:
    """What a group is selected by: no id looks like it."""
    return f"\0{section.head.key}"
