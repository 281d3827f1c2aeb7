"""What a resource was: its versions, and what is different between two of them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events

from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import ListVersionsResponse
from stigmer_tui.actions.keys import bindings_of
from stigmer_tui.actions.registry import Scope
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.times import Clock, ago, exact
from stigmer_tui.text.width import fit, fit_right
from stigmer_tui.transcript.blocks import FileDiff
from stigmer_tui.transcript.diffs import diff_rows
from stigmer_tui.transcript.rows import Row, Shape
from stigmer_tui.widgets.rows_view import EDGES, RowsView

Version = ListVersionsResponse.Version
SIDE_BY_SIDE = 100
"""Cells from which before and after stand beside each other."""
SHORT_HASH = 12
"""Digits of a hash that people are shown."""
_STYLES = (
    *("text", "muted", "faint", "accent", "fold", "added", "removed", "same", "added-mark", "removed-mark"),
    *("comment", "keyword", "string", "number", "name"),
)


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version in a list. Its texts are safe to draw."""

    version_id: str
    at: int
    """Microseconds since 1970."""
    author: str
    words: str
    """What happened, and what its author said about it."""


def row_of(version: Version) -> VersionRow:
    """The row of a version."""
    words = [version.event, version.message]
    if version.resource.HasField("skill"):
        skill = version.resource.skill
        tag = f"tag {skill.spec.tag}" if skill.spec.tag else ""
        words = [version.event, skill.status.version_hash[:SHORT_HASH], tag, version.message]
    said = ", ".join(word for word in words if word)
    return VersionRow(
        safe(Untrusted(version.version_id)),
        version.time_unix_micros,
        safe(Untrusted(version.author)),
        safe(Untrusted(said)),
    )


class VersionList(RowsView):
    """Versions, newest first. Keys that it cannot carry out itself go to `ask`."""

    BINDINGS = bindings_of(Scope.HISTORY)
    COMPONENT_CLASSES: ClassVar[set[str]] = {"versions--id", "versions--text", "versions--muted"}

    def __init__(self, clock: Clock, ask: Callable[[str], None]) -> None:
        super().__init__(id="versions")
        self._clock = clock
        self._ask = ask
        self._rows: Sequence[VersionRow] = ()

    def show(self, rows: Sequence[VersionRow], *, stay: str = "") -> None:
        """Show these; the cursor on the version `stay`, else where it was."""
        self._rows = rows
        self.forget_drawn()
        ids = [row.version_id for row in rows]
        self.move_cursor(ids.index(stay) if stay in ids else self.cursor)

    @property
    def exact(self) -> str:
        """When the selected version was made, to the second."""
        return exact(self._rows[self.cursor].at) if self._rows else ""

    def row_count(self) -> int:
        """Versions that were fetched."""
        return len(self._rows)

    def draw_row(self, row: int, width: int) -> list[Segment]:
        """Its number, how long ago, who, and what happened."""
        each = self._rows[row]
        mark = "●" if row == 0 else " "
        age = ago(self._clock() - each.at / 1e6)
        pieces = [(f"{mark} {fit_right(f'v{each.version_id}', 5)}", "id"), (f"  {fit_right(age, 4)}  ", "muted")]
        pieces += [(fit(each.author, 14), "text"), (f"  {each.words}", "muted")]
        return [
            Segment(text, self.get_component_rich_style(f"versions--{name}", partial=True)) for text, name in pieces
        ]

    def on_click(self, event: events.Click) -> None:
        """A click on a row selects it: `RowsView` does that."""
        event.stop()

    def action_edge(self, direction: int) -> None:
        """Go to the newest or the oldest that was fetched."""
        self.move_cursor(0 if direction < 0 else self.row_count() - 1)

    def action_do(self, what: str) -> None:
        """Have the screen do something."""
        self._ask(what)


class ChangesView(RowsView, can_focus=False):
    """A diff of two versions: unified, or beside each other where there is room; or a text that is no diff."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"changes--{name}" for name in _STYLES}

    def __init__(self) -> None:
        super().__init__(id="changes")
        self._block: FileDiff | None = None
        self._rows: list[Row] = []

    def show(self, title: str, words: str, diff: Sequence[str]) -> None:
        """Show a diff under a title and a few words about it; its lines as `difflib` makes them."""
        text = "\n".join(diff)
        added = sum(line.startswith("+") and not line.startswith("+++") for line in diff)
        removed = sum(line.startswith("-") and not line.startswith("---") for line in diff)
        self._block = FileDiff(f"{title}.yaml", words, text, added, removed)
        self._block.opened = True
        self._lay_out(self.size.width - EDGES)
        self.top = self.cursor = 0
        self._moved()

    def show_cursor(self) -> bool:
        """There is none."""
        return False

    def row_count(self) -> int:
        """Rows of the diff."""
        return len(self._rows)

    def draw_row(self, row: int, width: int) -> list[Segment]:
        """The spans of a row in their styles."""
        return [Segment(span.text, self._style(span.style)) for span in self._rows[row]]

    def _style(self, names: str) -> Style:
        style = Style.null()
        for name in names.split():
            style += self.get_component_rich_style(f"changes--{name}", partial=True)
        return style

    def on_resize(self, event: events.Resize) -> None:
        """Another width: other rows."""
        self._lay_out(event.size.width - EDGES)
        super().on_resize(event)

    def _lay_out(self, width: int) -> None:
        self._rows = list(self._laid_out(width)) if self._block is not None and width > 4 else []
        self.forget_drawn()

    def _laid_out(self, width: int) -> Iterator[Row]:
        if self._block is not None:
            yield from diff_rows(self._block, Shape(width, side_by_side=width >= SIDE_BY_SIDE))
