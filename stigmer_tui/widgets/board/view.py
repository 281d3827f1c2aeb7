"""What of all runs is shown, and how: filter, groups, order, columns. Views have names, and are kept in a file of the home."""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import cast

from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import ExecutionOrder, GroupBy
from stigmer_tui.widgets.board.columns import COLUMNS, DEFAULT
from stigmer_tui.widgets.composer.private_file import replace_private

MOST_VIEWS = 64
LONGEST_NAME = 40
NEWEST, OLDEST = "newest", "oldest"
SORTS: dict[str, tuple["ExecutionOrder.ValueType", str]] = {
    NEWEST: (ExecutionOrder.EXECUTION_ORDER_UNSPECIFIED, "what was created last comes first"),
    OLDEST: (ExecutionOrder.EXECUTION_ORDER_UNSPECIFIED, "what was created first comes first"),
    "changed": (ExecutionOrder.EXECUTION_ORDER_CHANGED, "what changed last comes first"),
    "longest": (ExecutionOrder.EXECUTION_ORDER_LONGEST, "what ran longest comes first"),
    "tokens": (ExecutionOrder.EXECUTION_ORDER_TOKENS, "what used most tokens comes first"),
    "cost": (ExecutionOrder.EXECUTION_ORDER_COST, "what cost most comes first"),
}
"""Orders by name."""
GROUPS: dict[str, "GroupBy.ValueType"] = {
    "agent": GroupBy.GROUP_BY_AGENT,
    "session": GroupBy.GROUP_BY_SESSION,
    "phase": GroupBy.GROUP_BY_PHASE,
}
"""Groups by name; `label:NAME` beside them."""
LABEL = "label:"


@dataclass(frozen=True, slots=True)
class View:
    """One way to look at the runs."""

    filter: str = ""
    """As it is written in the filter line."""
    group: str = ""
    """A name of `GROUPS`, or `label:NAME`; empty: none."""
    sort: str = NEWEST
    columns: tuple[str, ...] = DEFAULT

    @property
    def group_by(self) -> "GroupBy.ValueType":
        """As the server knows it."""
        return (
            GroupBy.GROUP_BY_LABEL
            if self.group.startswith(LABEL)
            else GROUPS.get(self.group, GroupBy.GROUP_BY_UNSPECIFIED)
        )

    @property
    def label(self) -> str:
        """The label that it groups by."""
        return self.group.removeprefix(LABEL) if self.group.startswith(LABEL) else ""

    @property
    def order(self) -> "ExecutionOrder.ValueType":
        """As the server knows it."""
        return SORTS[self.sort][0]

    @property
    def newest_first(self) -> bool:
        """Whether new runs come on top."""
        return self.sort == NEWEST


BUILT_IN: dict[str, View] = {
    "all": View(),
    "failed": View(filter="phase:failed"),
    "new": View(filter="is:new"),
    "waiting": View(filter="needs:me"),
    "agents": View(group="agent"),
    "cost": View(sort="cost", columns=("agent", "subject", "age", "took", "tokens", "cost")),
}
"""Views that are always there."""


class Views:
    """Those of a home, by name. What is torn, or written by another version, is left out."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._views: dict[str, View] = {}
        with suppress(OSError, ValueError):
            stored: object = json.loads(path.read_bytes())
            if isinstance(stored, dict):
                for name, fields in cast("dict[str, object]", stored).items():
                    view = _view_of(fields)
                    if view is not None:
                        self._views[name[:LONGEST_NAME]] = view

    @property
    def own(self) -> dict[str, View]:
        """Those that were saved."""
        return dict(self._views)

    def names(self) -> list[str]:
        """All names, one's own first."""
        return [*sorted(self._views), *(name for name in BUILT_IN if name not in self._views)]

    def get(self, name: str) -> View | None:
        """The view of a name; one's own before a built-in one."""
        return self._views.get(name) or BUILT_IN.get(name)

    def put(self, name: str, view: View | None) -> None:
        """Keep a view under a name; None forgets it. Raises OSError where it cannot be written, ValueError where there are too many."""
        views = dict(self._views)
        views.pop(name, None)
        if view is not None:
            if len(views) >= MOST_VIEWS:
                raise ValueError(f"there are {MOST_VIEWS} views already: forget one first")
            views[name] = view
        body = {known: asdict(kept) for known, kept in views.items()}
        replace_private(self._path, json.dumps(body, ensure_ascii=False, indent=1).encode())
        self._views = views


def with_sort(view: View, sort: str) -> View:
    """The view in another order; the same order again turns newest and oldest round."""
    if sort == NEWEST and view.sort == NEWEST:
        sort = OLDEST
    return replace(view, sort=sort) if sort in SORTS else view


def _view_of(fields: object) -> View | None:
    if not isinstance(fields, dict):
        return None
    known = cast("dict[str, object]", fields)
    filter, group, sort = (known.get(name, "") for name in ("filter", "group", "sort"))
    columns = known.get("columns")
    names = (
        tuple(name for name in cast("list[object]", columns) if isinstance(name, str) and name in COLUMNS)
        if isinstance(columns, list)
        else DEFAULT
    )
    if not isinstance(filter, str) or not isinstance(group, str) or not isinstance(sort, str):
        return None
    if sort not in SORTS or not (group in ("", *GROUPS) or group.startswith(LABEL)):
        return None
    return View(filter, group, sort, names or DEFAULT)
