"""A diff as rows: unified, or before and after beside each other; the changed lines tinted, the language in colours."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rich.cells import cell_len

from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.width import fit, wrap
from stigmer_tui.transcript.blocks import FileDiff
from stigmer_tui.transcript.rows import INDENT, Row, Shape, Span, marked
from stigmer_tui.transcript.syntax import Painter, Piece, painter_of

SHOWN_LINES = 40
"""Lines that are shown until it is unfolded."""
MOST_LINES = 2000
_HUNK = re.compile(r"@@ -(\d{1,9})(?:,\d{1,9})? \+(\d{1,9})(?:,\d{1,9})? @@")
_NUMBER = 4


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a diff."""

    kind: str
    """` `, `+`, `-`, or `@` for what stands between two places of the file."""
    text: str
    """Safe to draw, without its mark."""
    before: int = 0
    after: int = 0
    """Its number in the file before and after, 0 where it is not there."""


def diff_rows(block: FileDiff, shape: Shape) -> list[Row]:
    """The file, how many lines came and went, and the lines."""
    counts = f"  +{block.added} −{block.removed}" if block.added or block.removed else ""
    rows = marked("±", "accent", f"{block.path} {block.change}{counts}", "text", shape.width)
    lines = list(lines_of(block.diff, MOST_LINES if block.opened else SHOWN_LINES))
    painter = painter_of(block.path)
    if shape.side_by_side:
        rows += [row for pair in _pairs(lines) for row in _both(pair, shape.width, painter)]
    else:
        rows += [row for line in lines for row in _one(line, shape.width, painter)]
    left_out = sum(1 for line in block.diff.split("\n") if line and not line.startswith(("--- ", "+++ "))) - len(lines)
    if left_out > 0:
        more = f"… {left_out:,} more line{'' if left_out == 1 else 's'}{'; v has all' if block.opened else ''}"
        rows.append((Span(INDENT), Span(more, "fold")))
    return rows


def lines_of(diff: str, limit: int) -> Iterator[Line]:
    """At most `limit` lines of a unified diff; the two names that it begins with say nothing more."""
    before = after = 0
    count = 0
    in_hunk = False
    for raw in diff.split("\n"):
        if count >= limit:
            return
        if not raw or (not in_hunk and raw.startswith(("--- ", "+++ "))):
            continue
        count += 1
        place = _HUNK.match(raw)
        if place is not None:
            in_hunk = True
            before, after = int(place[1]), int(place[2])
            yield Line("@", safe(Untrusted(raw)))
            continue
        kind, text = raw[0], safe(Untrusted(raw[1:]))
        match kind:
            case "+":
                yield Line("+", text, 0, after)
                after += 1
            case "-":
                yield Line("-", text, before, 0)
                before += 1
            case " ":
                yield Line(" ", text, before, after)
                before, after = before + 1, after + 1
            case _:
                yield Line("@", safe(Untrusted(raw)))


_TINTS = {"+": "added", "-": "removed", " ": "same"}
_MARKS = {"+": "added added-mark", "-": "removed removed-mark", " ": "same"}


def _one(line: Line, width: int, painter: Painter | None) -> Iterator[Row]:
    """Unified: its mark, and the text in as many rows as it takes."""
    if line.kind == "@":
        yield (Span(INDENT), Span(line.text[: max(0, width - len(INDENT))], "faint"))
        return
    tint = _TINTS[line.kind]
    for number, spans in enumerate(_wrapped(line, width - len(INDENT) - 1, tint, painter)):
        mark = line.kind if number == 0 else " "
        yield (Span(INDENT), Span(mark, _MARKS[line.kind]), *spans)


def _pairs(lines: list[Line]) -> Iterator[tuple[Line | None, Line | None]]:
    """What stands left and right: lines that went beside those that came in their place."""
    went: list[Line] = []
    came: list[Line] = []

    def flush() -> Iterator[tuple[Line | None, Line | None]]:
        for place in range(max(len(went), len(came))):
            yield (went[place] if place < len(went) else None, came[place] if place < len(came) else None)
        went.clear()
        came.clear()

    for line in lines:
        match line.kind:
            case "-" if not came:
                went.append(line)
            case "+":
                came.append(line)
            case _:
                yield from flush()
                if line.kind == "-":
                    went.append(line)
                else:
                    yield (line, line)
    yield from flush()


def _both(pair: tuple[Line | None, Line | None], width: int, painter: Painter | None) -> Iterator[Row]:
    left, right = pair
    if left is not None and left.kind == "@":
        yield (Span(INDENT), Span(left.text[: max(0, width - len(INDENT))], "faint"))
        return
    half = (width - len(INDENT) - 3) // 2
    columns = [_column(line, half, painter, is_left=is_left) for line, is_left in ((left, True), (right, False))]
    for place in range(max(len(column) for column in columns)):
        shown = [column[place] if place < len(column) else (Span(" " * half),) for column in columns]
        yield (Span(INDENT), *shown[0], Span(" │ ", "faint"), *shown[1])


def _column(line: Line | None, width: int, painter: Painter | None, *, is_left: bool) -> list[Row]:
    """One side: number, mark, text, filled up to its width."""
    if line is None:
        return []
    tint = _TINTS[line.kind]
    number = line.before if is_left else line.after
    rows: list[Row] = []
    for place, spans in enumerate(_wrapped(line, width - _NUMBER - 3, tint, painter)):
        head = f"{number:>{_NUMBER}} " if place == 0 else " " * (_NUMBER + 1)
        mark = f"{line.kind} " if place == 0 else "  "
        rows.append((Span(fit(head, _NUMBER + 1), "faint"), Span(mark, _MARKS[line.kind]), *spans))
    return rows


def _wrapped(line: Line, width: int, tint: str, painter: Painter | None) -> Iterator[list[Span]]:
    """The text's pieces, cut into rows of `width` cells, each filled up."""
    width = max(2, width)
    pieces = [(line.text, "")] if painter is None else painter(line.text)
    start = 0
    for row in wrap(line.text, width):
        start = max(start, line.text.find(row, start))
        spans = [Span(text, f"{tint} {style}" if style else tint) for text, style in _cut(pieces, start, len(row))]
        start += len(row)
        fill = width - cell_len(row)
        yield [*spans, Span(" " * fill, tint)] if fill > 0 else spans


def _cut(pieces: list[Piece], start: int, length: int) -> Iterator[Piece]:
    """The pieces from the character `start` on, `length` characters of them."""
    position = 0
    for text, style in pieces:
        part = text[max(0, start - position) : max(0, start + length - position)]
        position += len(text)
        if part:
            yield part, style
