"""The tree of a workflow as rows of pieces: a place, a shape, a name, what is said about it, how often and how long."""

from collections.abc import Sequence, Set
from dataclasses import dataclass

from rich.cells import cell_len

from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.width import fit
from stigmer_tui.workflow.tree import Node
from stigmer_tui.workflow.visits import TaskState
from stigmer_tui.workflow.words import SHAPES, counted, said, took

Piece = tuple[str, str]
"""Text that is safe to draw, and the name of its style."""

DEEPEST_INDENT = 12
"""Levels that are indented; what is deeper stands as far right as these."""
_NAME_ROOM = (16, 34)
_LEAST_NAME = 10
_KIND_ROOM = 14
_RIGHT_GAP = 2


@dataclass(frozen=True, slots=True)
class TreeRow:
    """A row: a task, or the name of a list inside of one."""

    node: Node
    """The task; of a list's name the first one in it."""
    lines: str
    """What leads to it from above, in box drawing."""
    label: str = ""
    """`catch`: the name of the list; empty for a task."""
    folded: int = 0
    """Tasks below it that are not shown."""


def rows_of(roots: Sequence[Node], folded: Set[str]) -> list[TreeRow]:
    """Rows from the top down, without what is below the tasks whose paths are in `folded`."""
    rows: list[TreeRow] = []
    _add(rows, roots, "", 0, folded)
    return rows


def _add(rows: list[TreeRow], nodes: Sequence[Node], lead: str, depth: int, folded: Set[str]) -> None:
    label = ""
    for place, node in enumerate(nodes):
        last = place == len(nodes) - 1
        drawn = 0 < depth <= DEEPEST_INDENT
        if node.group != label:
            label = node.group
            rows.append(TreeRow(node, lead + ("├─" if drawn else ""), label))
        own = lead + (("└─" if last else "├─") if drawn else "")
        below = lead + (("  " if last else "│ ") if drawn else "")
        if node.children and node.path in folded:
            rows.append(TreeRow(node, own, folded=sum(1 for _ in node.walk()) - 1))
            continue
        rows.append(TreeRow(node, own))
        _add(rows, node.children, below, depth + 1, folded)


def draw(row: TreeRow, width: int, now: float) -> list[Piece]:
    """The pieces of a row in `width` cells."""
    if row.label:
        return [("  ", "muted"), (row.lines, "line"), (f" {row.label}", "muted")]
    node = row.node
    shape, style = SHAPES[node.state]
    pieces: list[Piece] = [(f"{shape} ", style)]
    if row.lines:
        pieces.append((f"{row.lines} ", "line"))
    name = safe(Untrusted(node.name))
    room = max(_NAME_ROOM[0], min(_NAME_ROOM[1], width // 3)) - (cell_len(row.lines) + 1 if row.lines else 0)
    ahead = node.state in (TaskState.AHEAD, TaskState.SKIPPED)
    pieces.append((fit(name, max(room, _LEAST_NAME)), "muted" if ahead else "text"))
    pieces.append((" ", "text"))
    right = _right(node, now, row.folded)
    used = sum(cell_len(text) for text, _ in pieces)
    left = width - used - (cell_len(right) + _RIGHT_GAP if right else 0)
    words = said(node, now)
    wrong = node.state in (TaskState.FAILED, TaskState.RETRYING)
    if left >= _KIND_ROOM:
        pieces.append((fit(safe(Untrusted(node.kind)), _KIND_ROOM), "muted"))
        left -= _KIND_ROOM
        if left > 4:
            style = "failed" if wrong else "muted" if ahead or not node.live else "text"
            pieces += [(" ", "text"), (fit(words, left - 1), style)]
        else:
            pieces.append((" " * max(0, left), "text"))
    else:
        pieces.append((" " * max(0, left), "text"))
    if right:
        pieces += [(" " * _RIGHT_GAP, "text"), (right, "text" if node.live else "muted")]
    return pieces


def _right(node: Node, now: float, folded: int) -> str:
    """Counters and time."""
    visit = node.newest
    parts = [f"+{folded}"] if folded else []
    if visit is not None:
        parts += [word for word in (counted(node),) if word]
        if visit.state is not TaskState.SKIPPED:
            parts.append(took(visit, now))
    return "  ".join(parts)
