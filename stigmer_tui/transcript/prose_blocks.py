"""Blocks of Markdown in rows: paragraphs, headings, lists, quotes, code, tables."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len

from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.width import wrap
from stigmer_tui.transcript.prose_tables import Cell, table_rows
from stigmer_tui.transcript.prose_words import Line, flowed, lines_of, plain_lines
from stigmer_tui.transcript.rows import Row, Span
from stigmer_tui.transcript.syntax import painter_named

if TYPE_CHECKING:
    from markdown_it.tree import SyntaxTreeNode

LEAST_WIDTH = 8
"""Cells below which nothing is indented any more."""
_BOXES = {"[ ] ": "☐ ", "[x] ": "☑ ", "[X] ": "☑ "}
_BULLET = "• "
_QUOTE = "│ "
_CHANGES = {"+": "added", "-": "removed", "@": "muted"}


def rows_of_nodes(
    nodes: "Sequence[SyntaxTreeNode]", source: Sequence[str], width: int, style: str = "text"
) -> list[Row]:
    """Blocks one under the other, an empty row where their author left an empty line. `source`: all lines of the text."""
    rows: list[Row] = []
    for place, node in enumerate(nodes):
        if place and gap_before(node, source):
            rows.append(())
        rows += _rows(node, source, max(2, width), style)
    return rows


def gap_before(node: "SyntaxTreeNode", source: Sequence[str]) -> bool:
    """Whether an empty line stands before it."""
    first = node.map[0] if node.map else 0
    return first > 0 and not source[first - 1].strip(" \t>")


def _rows(node: "SyntaxTreeNode", source: Sequence[str], width: int, style: str) -> list[Row]:
    match node.type:
        case "paragraph":
            return flowed(_words(node), width, style)
        case "heading":
            return flowed(_words(node), width, f"{style} {'title' if node.tag == 'h1' else 'heading'}")
        case "bullet_list" | "ordered_list":
            return _list(node, source, width, style)
        case "blockquote":
            return _quote(node, source, width)
        case "fence" | "code_block":
            return _code(node.content, node.info.strip(), width)
        case "table":
            return _table(node, width) or as_written(node, source, width)
        case "hr":
            return [(Span("─" * width, "faint"),)]
        case _:
            return as_written(node, source, width)


def _quote(node: "SyntaxTreeNode", source: Sequence[str], width: int) -> list[Row]:
    """Behind a bar, where there is room for one."""
    room = width - len(_QUOTE)
    if room < LEAST_WIDTH:
        return rows_of_nodes(node.children, source, width, "muted") or [()]
    rows = rows_of_nodes(node.children, source, room, "muted") or [()]
    return [(Span(_QUOTE, "faint"), *row) for row in rows]


def as_written(node: "SyntaxTreeNode", source: Sequence[str], width: int) -> list[Row]:
    """The lines of a block, without any meaning."""
    first, last = node.map or (0, 0)
    return flowed(plain_lines("\n".join(source[first:last]).rstrip("\n")), width)


def _words(node: "SyntaxTreeNode") -> tuple[Line, ...]:
    """The words right in a block."""
    return lines_of(node.children[0].content) if node.children else (((("", ""),)),)


def _list(node: "SyntaxTreeNode", source: Sequence[str], width: int, style: str) -> list[Row]:
    marks = [_BULLET] * len(node.children)
    if node.type == "ordered_list":
        first = int(node.attrs.get("start", 1))
        numbers = [f"{first + place}. " for place in range(len(node.children))]
        marks = [number.rjust(max(map(len, numbers))) for number in numbers]
    rows: list[Row] = []
    for place, (item, mark) in enumerate(zip(node.children, marks, strict=True)):
        if place and gap_before(item, source):
            rows.append(())
        rows += _item(item, mark, source, width, style)
    return rows


def _item(item: "SyntaxTreeNode", mark: str, source: Sequence[str], width: int, style: str) -> Iterator[Row]:
    room = width - len(mark) if width - len(mark) >= LEAST_WIDTH else width
    rows = rows_of_nodes(item.children, source, room, style) or [()]
    box = _box(item) if mark == _BULLET else ""
    if box:
        mark = _BOXES[box]
        rows[0] = (Span(rows[0][0].text[len(box) :], rows[0][0].style), *rows[0][1:])
    indent = () if room == width else (Span(" " * len(mark), style),)
    yield (Span(mark, "accent"), *rows[0]) if indent else rows[0]
    for row in rows[1:]:
        yield (*indent, *row) if row else ()


def _box(item: "SyntaxTreeNode") -> str:
    """The box of something to do, as it is written."""
    first = item.children[0] if item.children else None
    if first is None or first.type != "paragraph":
        return ""
    text = _words(first)[0][0][0] if _words(first)[0] else ""
    return text[:4] if text[:4] in _BOXES else ""


def _code(content: str, info: str, width: int) -> list[Row]:
    """Code on a ground of its own, in the colours of its language; where that has none, its name stands above."""
    lines = safe(Untrusted(content), lines=True).rstrip("\n").split("\n")
    language = info.split(maxsplit=1)[0] if info else ""
    painter = painter_named(language)
    room = max(2, width - 2)
    rows: list[Row] = []
    if info and (painter is None or language != info) and info != "diff":
        rows += flowed((((safe(Untrusted(info)), ""),),), room, "code-block faint")
    for line in lines:
        if language == "diff":
            pieces: Line = ((line, _CHANGES.get(line[:1], "")),)
        else:
            pieces = ((line, ""),) if painter is None else tuple(painter(line))
        rows += flowed((pieces,), room, "code-block")
    return [_grounded(row, width) for row in rows]


def _grounded(row: Row, width: int) -> Row:
    """A row of code from edge to edge."""
    used = sum(cell_len(span.text) for span in row)
    return (Span(" ", "code-block"), *row, Span(" " * max(0, width - 1 - used), "code-block"))


def _table(node: "SyntaxTreeNode", width: int) -> list[Row] | None:
    lines = [[_cell(cell) for cell in row.children] for part in node.children for row in part.children]
    return table_rows(lines[0], lines[1:], width) if lines and lines[0] else None


def _cell(node: "SyntaxTreeNode") -> Cell:
    return Cell(_words(node), str(node.attrs.get("style", "")).removeprefix("text-align:"))


def plain_rows(text: str, width: int, style: str = "text") -> list[Row]:
    """Text as it was written, in rows."""
    return [(Span(line, style),) for line in wrap(safe(Untrusted(text), lines=True), width)]
