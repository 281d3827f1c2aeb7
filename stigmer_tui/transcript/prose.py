"""What a model wrote, read as Markdown: rows of any width. A text that grows is read again from its last block on alone.

Nothing of it is obeyed: HTML is text, a link is shown with where it leads, and every word goes through `safe`.
"""

import re
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from stigmer_tui.transcript.prose_blocks import LEAST_WIDTH, as_written, gap_before, plain_rows, rows_of_nodes
from stigmer_tui.transcript.prose_words import parser
from stigmer_tui.transcript.rows import MOST_ROWS, Row

if TYPE_CHECKING:
    from markdown_it.tree import SyntaxTreeNode

LONGEST = 1 << 16
"""Characters of a text; a longer one is shown as it was written."""
DEEPEST = 18
"""Blocks within blocks; what is deeper is shown as it was written."""
_KEPT = 16
"""Texts that grow at the same time."""
_MARKED = re.compile(r"[*_`#\[|~<>&\\]|^[ \t]*(?:[-+=]|\d{1,9}[.)])|^(?: {4}|\t)|\n\s*\n\s*\n", re.MULTILINE)
_growing: "OrderedDict[tuple[str, int], _Growing]" = OrderedDict()


def prose_rows(text: str, width: int, name: str = "") -> list[Row]:
    """The rows of a text, at least one. `name`: of the text, where it may grow; another text of that name does no harm, and costs time."""
    text = text.strip("\n")
    if width < LEAST_WIDTH or len(text) > LONGEST or text.count("\n") > MOST_ROWS or _MARKED.search(text) is None:
        return plain_rows(text, width)
    key = (name, width)
    known = _growing.pop(key, None) or _Growing(width)
    _growing[key] = known
    if len(_growing) > _KEPT:
        _growing.popitem(last=False)
    return known.rows(text.replace("\r\n", "\n").replace("\r", "\n"))


class _Growing:
    """A text that grows, at one width: rows of the blocks that will never change, and how far they reach."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._sealed = ""
        self._rows: list[Row] = []

    def rows(self, text: str) -> list[Row]:
        """All rows of the text."""
        if not text.startswith(self._sealed):
            self._sealed, self._rows = "", []
        source = text[len(self._sealed) :].split("\n")
        nodes = _blocks("\n".join(source))
        last = _first_open(nodes, len(source) - 1)
        if last:
            self._rows += self._drawn(nodes[:last], source)
            self._sealed += "".join(f"{line}\n" for line in source[: _start(nodes[last])])
            gap: list[Row] = [()] if gap_before(nodes[last], source) else []
            self._rows += gap
        return [*self._rows, *self._drawn(nodes[last:], source)] or [()]

    def _drawn(self, nodes: "Sequence[SyntaxTreeNode]", source: Sequence[str]) -> list[Row]:
        rows: list[Row] = []
        for place, node in enumerate(nodes):
            if place and gap_before(node, source):
                rows.append(())
            if _too_deep(node):
                rows += as_written(node, source, self._width)
            else:
                rows += rows_of_nodes([node], source, self._width)
        return rows


def _blocks(text: str) -> "list[SyntaxTreeNode]":
    from markdown_it.tree import SyntaxTreeNode

    return SyntaxTreeNode(parser().parse(text)).children


def _start(node: "SyntaxTreeNode") -> int:
    return node.map[0] if node.map else 0


def _first_open(nodes: "Sequence[SyntaxTreeNode]", writing: int) -> int:
    """The first block that lines to come may still change; `writing` is the line that is written now.

    A block is over once the next one began, and that is sure two lines behind its beginning: a head of a table needs the line under it.
    """
    place = len(nodes) - 1
    while place > 0 and _start(nodes[place]) + 1 >= writing:
        place -= 1
    return max(0, place)


def _too_deep(node: "SyntaxTreeNode") -> bool:
    return any(child.level > DEEPEST for child in node.walk())
