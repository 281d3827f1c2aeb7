"""The tasks of a workflow in rows: the whole run first, then the tree."""

from collections.abc import Callable
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.message import Message

from stigmer_tui.actions.keys import bindings_of
from stigmer_tui.actions.registry import Scope
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.times import Clock
from stigmer_tui.widgets.rows_view import RowsView
from stigmer_tui.workflow.rows import Piece, TreeRow, draw, rows_of
from stigmer_tui.workflow.state import WorkflowState
from stigmer_tui.workflow.tree import Node
from stigmer_tui.workflow.values import in_one
from stigmer_tui.workflow.visits import TaskState


class TreeView(RowsView):
    """Keys that it cannot carry out itself go to `ask`, by the name of the action's handler."""

    class FollowChanged(Message):
        """It follows what happens, or no longer."""

    BINDINGS = bindings_of(Scope.WORKFLOW)
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"tree--{name}"
        for name in (
            *("text", "muted", "line", "title", "found"),
            *("running", "waiting", "warning", "completed", "failed", "cancelled"),
        )
    }

    def __init__(self, state: WorkflowState, clock: Clock, ask: Callable[[str], None]) -> None:
        super().__init__(id="tree")
        self.state = state
        self.title = ""
        """What the workflow is called, foreign."""
        self.following = True
        self._clock = clock
        self._ask = ask
        self._folded: set[str] = set()
        self._rows: list[TreeRow] = []
        self._laid_out = -1
        self.needle = ""
        """What is looked for, in small letters; empty for nothing."""

    def show(self, state: WorkflowState) -> None:
        """Show another run, or the same read anew."""
        self.state, self._laid_out = state, -1
        self.grown()

    def grown(self) -> None:
        """Something happened."""
        if self._laid_out != self.state.changes:
            self._lay_out()
        if self.following and (row := self._followed()) is not None and row != self.cursor:
            super().move_cursor(row)
        self.refresh()

    @property
    def selected(self) -> Node | None:
        """The task under the cursor; None on the row of the whole run."""
        row = self.cursor - 1
        return self._rows[row].node if 0 <= row < len(self._rows) else None

    def select(self, path: str) -> None:
        """Put the cursor on a task, where it is shown."""
        node = self.state.node(path)
        while node is not None and (row := self._row_of(node)) is None:
            node = node.parent
        if node is not None and (row := self._row_of(node)) is not None:
            self.move_cursor(row)

    def _lay_out(self) -> None:
        selected = self.selected
        self._laid_out = self.state.changes
        self._rows = rows_of(self.state.roots, self._folded)
        if selected is not None:
            path = selected.path
            found = next(
                (row for row, each in enumerate(self._rows, 1) if each.node.path == path and not each.label), 0
            )
            self.cursor = found
        self.forget_drawn()
        self._moved()

    def _row_of(self, node: Node) -> int | None:
        return next((row for row, each in enumerate(self._rows, 1) if each.node is node and not each.label), None)

    def _followed(self) -> int | None:
        """The row of what goes on, or went last; the whole run's once that is over and went well."""
        node = self.state.last
        live = self.state.live()
        if live:
            node = live[-1][0] if node is None or not node.live else node
        elif self.state.has_output:
            return 0
        while node is not None:
            row = self._row_of(node)
            if row is not None:
                return row
            node = node.parent
        return None

    # Rows.

    def row_count(self) -> int:
        """The whole run, and what is not folded."""
        return 1 + len(self._rows)

    def draw_row(self, row: int, width: int) -> list[Segment]:
        """A row."""
        if row == 0:
            pieces: list[Piece] = [(safe(Untrusted(self.title)), "title"), *self._gave(width)]
        elif row <= len(self._rows):
            pieces = draw(self._rows[row - 1], width, self._clock())
        else:
            pieces = []
        found = row > 0 and bool(self.needle) and self._matches(row)
        return [
            Segment(
                text,
                self.get_component_rich_style(
                    "tree--found" if found and style == "text" else f"tree--{style}", partial=True
                ),
            )
            for text, style in pieces
        ]

    def _gave(self, width: int) -> list[Piece]:
        """What the whole run gave, or what it was given, as far as there is room."""
        state = self.state
        if state.has_output:
            return [("  → ", "muted"), (safe(Untrusted(in_one(state.output, width))), "text")]
        if state.has_input and state.input is not None:
            return [("  ← ", "muted"), (safe(Untrusted(in_one(state.input, width))), "muted")]
        return []

    def _matches(self, row: int) -> bool:
        each = self._rows[row - 1]
        node = each.node
        return not each.label and self.needle in f"{node.name}\n{node.kind}\n{node.about}".lower()

    # Moving.

    def move_cursor(self, row: int) -> None:
        """By hand: nothing is followed from then on."""
        self._follow(False)
        super().move_cursor(row)

    def scroll_rows(self, count: int) -> None:
        """By hand likewise."""
        self._follow(False)
        super().scroll_rows(count)

    def _follow(self, on: bool) -> None:
        if self.following != on:
            self.following = on
            self.post_message(self.FollowChanged())

    def action_follow(self) -> None:
        """Go to what happens, and along with it."""
        self._follow(True)
        self.grown()

    def action_edge(self, direction: int) -> None:
        """Go to the first or the last row."""
        self.move_cursor(0 if direction < 0 else self.row_count() - 1)

    def action_landmark(self, what: str, direction: int) -> None:
        """Go to the next task that failed, or that goes on; it goes around."""

        def fits(row: int) -> bool:
            each = self._rows[row - 1]
            state = each.node.state
            return not each.label and (state is TaskState.FAILED if what == "error" else state.live)

        self._go_to(fits, direction, what)

    def action_match(self, direction: int) -> None:
        """Go to the next match; it goes around."""
        if self.needle:
            self._go_to(self._matches, direction, "match")

    def search(self, text: str) -> None:
        """Look for a text in names and kinds; empty for nothing. The cursor goes to the first match from where it is."""
        self.needle = text.lower()
        self.forget_drawn()
        self.refresh()
        if text and not (self.cursor and self._matches(self.cursor)):
            self._go_to(self._matches, 1, "match", tell=False)

    def _go_to(self, fits: Callable[[int], bool], direction: int, what: str, *, tell: bool = True) -> None:
        count = len(self._rows)
        for step in range(1, count + 1):
            row = (self.cursor - 1 + direction * step) % count + 1
            if fits(row):
                self.move_cursor(row)
                return
        if tell:
            self._ask(f"no_{what}")

    # Folding.

    def action_fold(self) -> None:
        """Fold what is below the task under the cursor, or unfold it."""
        node = self.selected
        while node is not None and not node.children:
            node = node.parent
        if node is None:
            return
        self._folded ^= {node.path}
        self._lay_out()
        self.select(node.path)

    def action_fold_all(self) -> None:
        """Fold all that can be; where all is folded, unfold it."""
        paths = {node.path for node in self.state.nodes() if node.children}
        self._folded = set() if paths <= self._folded else paths
        self._lay_out()

    # The rest.

    def on_click(self, event: events.Click) -> None:
        """Twice on a task opens it."""
        if event.chain == 2 and self.top + event.y < self.row_count():
            self._ask("open")

    def action_do(self, what: str) -> None:
        """Have the screen do something with what is selected."""
        self._ask(what)
