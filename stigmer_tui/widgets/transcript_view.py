"""What happened in a run, to read: rows per block, only those of changed blocks laid out again."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events

from stigmer_tui.actions.keys import bindings_of
from stigmer_tui.actions.registry import Scope
from stigmer_tui.terminal.search import Needle
from stigmer_tui.text import safe
from stigmer_tui.transcript.blocks import Block, PersonLine, Remark, Tone, ToolCall, untrusted_text
from stigmer_tui.transcript.layout import Row, rows_of
from stigmer_tui.transcript.reading import Transcript
from stigmer_tui.widgets.highlight import highlight
from stigmer_tui.widgets.log_view import Ask, LogView
from stigmer_tui.widgets.rows_view import EDGES


class TranscriptView(LogView):
    """The blocks of a `Transcript`."""

    BINDINGS = bindings_of(Scope.LINES)
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "transcript--text",
        "transcript--person",
        "transcript--muted",
        "transcript--faint",
        "transcript--accent",
        "transcript--good",
        "transcript--warning",
        "transcript--error",
        "transcript--match",
    }

    def __init__(self, transcript: Transcript, ask: Ask, *, id: str | None = None) -> None:
        super().__init__(ask, id=id)
        self.transcript = transcript
        self._rows: list[Row] = []
        self._starts: list[int] = []
        self._width = 0

    def row_count(self) -> int:
        """Rows of all blocks."""
        return len(self._rows)

    def is_settled(self, row: int) -> bool:
        """Until its block is laid out anew."""
        return True

    def draw_row(self, row: int, width: int) -> list[Segment]:
        """The spans of a row in their styles."""
        segments = [Segment(span.text, self._style(span.style)) for span in self._rows[row]]
        return segments if self.needle is None else highlight(segments, self.needle.plain, self._style("match"))

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"transcript--{name}", partial=True)

    def grown(self) -> None:
        """Blocks were added or changed."""
        changed = self.transcript.take_changed()
        if changed is not None and self._width:
            self._lay_out(changed)
            super().grown()

    def on_resize(self, event: events.Resize) -> None:
        """Another width: other rows; the block that one reads stays on the screen."""
        width = event.size.width - EDGES - 1
        if width != self._width and width > 1:
            block = max(0, bisect_right(self._starts, self.top) - 1)
            self._width = width
            self._lay_out(0)
            self._known = len(self._rows)
            self.top = self.cursor = self._starts[block] if block < len(self._starts) else 0
        super().on_resize(event)

    def _lay_out(self, first_block: int) -> None:
        """Rows of the blocks from `first_block` on; those before it stay."""
        start = self._starts[first_block] if first_block < len(self._starts) else len(self._rows)
        del self._rows[start:], self._starts[first_block:]
        self.forget_drawn(start)
        for block in self.transcript.blocks[first_block:]:
            self._starts.append(len(self._rows))
            self._rows.extend(rows_of(block, self._width))
        if self.needle is not None:
            self._find(start)

    def block_at(self, row: int) -> Block | None:
        """The block that a row belongs to."""
        place = bisect_right(self._starts, row) - 1
        return self.transcript.blocks[place] if 0 <= place < len(self._starts) else None

    def text_of_row(self, row: int) -> str:
        """A row without its styles."""
        return "".join(span.text for span in self._rows[row]) if row < len(self._rows) else ""

    def landmarks(self, kind: str) -> Sequence[int]:
        """Lines and calls, or what did not end well."""
        wanted = _is_call if kind == "call" else _is_error
        return [start for start, block in zip(self._starts, self.transcript.blocks, strict=False) if wanted(block)]

    # Searching.

    def search(self, needle: Needle | None) -> None:
        """Search all blocks; a match that lies across two rows is found in its block's first row."""
        self.needle = needle
        self.match_rows, self.match_count = (), 0
        if needle is not None:
            self._find(0)
        self.forget_drawn()
        self.refresh()
        self.post_message(self.SearchChanged(self))

    def _find(self, first_row: int) -> None:
        needle = self.needle
        if needle is None:
            return
        found = [row for row in self.match_rows if row < first_row]
        first_block = max(0, bisect_right(self._starts, first_row) - 1)
        for index in range(first_block, len(self._starts)):
            found += [row for row in self._matches_in(index, needle) if row >= first_row]
        self.match_rows, self.match_count = found, len(found)

    def _matches_in(self, index: int, needle: Needle) -> list[int]:
        start = self._starts[index]
        end = self._starts[index + 1] if index + 1 < len(self._starts) else len(self._rows)
        rows = [row for row in range(start, end) if needle.plain.search(self.text_of_row(row))]
        if rows or not needle.plain.search(safe(untrusted_text(self.transcript.blocks[index]))):
            return rows
        return [start]


def _is_call(block: Block) -> bool:
    return isinstance(block, PersonLine) or (isinstance(block, ToolCall) and not block.shown_above)


def _is_error(block: Block) -> bool:
    match block:
        case ToolCall():
            return block.failed
        case Remark():
            return block.tone is Tone.ERROR
        case _:
            return False
