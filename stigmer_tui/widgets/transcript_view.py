"""What happened in a run, to read: blocks of any number, laid out when they are looked at."""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events

from stigmer_tui.actions.keys import bindings_of
from stigmer_tui.actions.registry import Scope
from stigmer_tui.terminal.search import Needle
from stigmer_tui.transcript.blocks import AgentText, Block, PersonLine, Remark, Step, Tone, ToolCall, hidden
from stigmer_tui.transcript.growing import Changed
from stigmer_tui.transcript.layout import can_open, likely_rows, rows_of
from stigmer_tui.transcript.reading import Transcript
from stigmer_tui.transcript.row_index import Place, RowIndex
from stigmer_tui.transcript.rows import Shape
from stigmer_tui.widgets.log_view import Ask, LogView
from stigmer_tui.widgets.rows_view import EDGES
from stigmer_tui.widgets.transcript_matches import Match, TranscriptMatches

SIDE_BY_SIDE = 138
"""Cells of a row from which before and after of a diff stand beside each other: a screen of 140 columns."""
_STYLES = (
    *("text", "person", "muted", "faint", "accent", "good", "warning", "error", "match", "fold"),
    *("added", "removed", "same", "added-mark", "removed-mark"),
    *("comment", "keyword", "string", "number", "name"),
    *("title", "heading", "strong", "emphasis", "struck", "code", "code-block", "link", "target"),
)


class TranscriptView(LogView):
    """The blocks of a `Transcript`."""

    BINDINGS = bindings_of(Scope.TRANSCRIPT)
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"transcript--{name}" for name in _STYLES}

    def __init__(self, transcript: Transcript, ask: Ask, *, id: str | None = None) -> None:
        super().__init__(ask, id=id)
        self.transcript = transcript
        self._index = RowIndex(rows_of, likely_rows, Shape(0))
        self.matches = TranscriptMatches(self, transcript, self._found)
        self._styles: dict[str, Style] = {}
        self.as_written = False
        """Whether what a model wrote is shown as it came."""

    def row_count(self) -> int:
        """Rows of all blocks; those that were not looked at are estimated."""
        return self._index.total

    def is_settled(self, row: int) -> bool:
        """Until its block is laid out anew."""
        return True

    def draw_row(self, row: int, width: int) -> list[Segment]:
        """The spans of a row in their styles."""
        place = self._index.place(row)
        rows = self._index.rows(self.transcript.blocks, place.block) if len(self._index) else []
        if place.offset >= len(rows):
            return []
        segments = [Segment(span.text, self._style(span.style)) for span in rows[place.offset]]
        return self.matches.highlighted(segments, self._style("match"))

    def _style(self, names: str) -> Style:
        style = self._styles.get(names)
        if style is None:
            style = Style.null()
            for name in names.split():
                style += self.get_component_rich_style(f"transcript--{name}", partial=True)
            self._styles[names] = style
        return style

    def notify_style_update(self) -> None:
        """Other colours."""
        self._styles.clear()
        super().notify_style_update()

    # Rows that change under somebody who reads.

    @contextmanager
    def _kept_in_place(self) -> Generator[None]:
        """Whatever becomes of other rows in the block: those on the screen stay where they are, and so do the cursor and what is selected."""
        blocks, index = self.transcript.blocks, self._index
        before = index.total
        top, cursor = index.place(self.top), index.place(self.cursor)
        anchor = blocks[top.block] if top.block < len(blocks) else None
        selected = self.selection
        ends = (index.place(selected.fixed_row), index.place(selected.row)) if selected is not None else None
        yield
        if anchor is not None and top.block < len(blocks) and blocks[top.block] is not anchor:
            moved = self.transcript.index(anchor)
            shift = moved - top.block if moved is not None else 0
            top, cursor = _shifted(top, shift), _shifted(cursor, shift)
        self.top, self.cursor = index.row_of(top), index.row_of(cursor)
        if selected is not None and ends is not None:
            selected.fixed_row, selected.row = (index.row_of(end) for end in ends)
        if index.total != before:
            self.forget_drawn()

    @property
    def _at_end(self) -> bool:
        return self.top >= self.last_top and self.cursor >= self.row_count() - 1

    def _lay_out_around(self, *, stays_at_end: bool) -> None:
        """Lay out what is on the screen and a screen before and behind it, so that the next move is exact."""
        page = self.page_rows
        blocks, index = self.transcript.blocks, self._index
        before = index.total
        if stays_at_end:
            index.settle_before(blocks, len(blocks), 2 * page)
            self.cursor = max(0, index.total - 1)
            self.top = self.last_top
        else:
            with self._kept_in_place():
                here = index.block_at(self.top)
                index.settle_before(blocks, here, 2 * page)
                index.settle(blocks, here, 3 * page)
            self.cursor = max(self.top, min(self.cursor, self.top + page - 1))
        if index.total != before:
            self._known += index.total - before
            self.forget_drawn()

    def _moved(self) -> None:
        self._lay_out_around(stays_at_end=self.following and self._at_end)
        super()._moved()

    def follow(self, following: bool) -> None:
        """Follow the end, or stay."""
        if following:
            page = self.page_rows
            self._index.settle_before(self.transcript.blocks, len(self.transcript.blocks), 2 * page)
            self.forget_drawn()
        super().follow(following)

    def grown(self) -> None:
        """Blocks were added or changed."""
        if not self._index.shape.width:
            return
        changed = self.transcript.take_changed()
        if changed is None:
            return
        blocks = self.transcript.blocks
        old = len(self._index)
        first = min((*changed.blocks, changed.first), default=0)
        start = self._index.start(first) if first < old else self._index.total
        with self._kept_in_place():
            self._index.update(blocks, changed)
            for step in [block for block in (blocks[i] for i in changed.blocks) if isinstance(block, Step)]:
                self._index.update(blocks, self._children_of(step))
        self.forget_drawn(start)
        self.matches.changed(changed)
        before = self._index.total
        self._lay_out_around(stays_at_end=self.following)
        self._known -= self._index.total - before
        super().grown()

    def _children_of(self, step: Step) -> Changed:
        """Blocks whose rows come and go with the fold of a sub-agent."""
        blocks = self.transcript.blocks
        return Changed(frozenset(index for index, block in enumerate(blocks) if block.owner is step), len(blocks))

    def on_resize(self, event: events.Resize) -> None:
        """Another width: other rows; the block that one reads stays on the screen."""
        width = event.size.width - EDGES - 1
        if width != self._index.shape.width and width > 1:
            place, cursor = self._index.place(self.top), self._index.place(self.cursor)
            self._index.reshape(self.transcript.blocks, self._shape(width))
            self.transcript.take_changed()
            self.selection = None
            self.forget_drawn()
            self.top, self.cursor = self._index.row_of(place), self._index.row_of(cursor)
            self._lay_out_around(stays_at_end=self.following)
            self._known = self._index.total
        super().on_resize(event)

    def _shape(self, width: int) -> Shape:
        return Shape(width, width >= SIDE_BY_SIDE, self.as_written)

    def action_as_written(self) -> None:
        """What a model wrote as it came, or as Markdown again."""
        self.as_written = not self.as_written
        with self._kept_in_place():
            self._index.reshape(self.transcript.blocks, self._shape(self._index.shape.width))
        self.forget_drawn()
        self._folded()
        self._ask(self, "as_written" if self.as_written else "as_markdown")

    # Blocks.

    def block_at(self, row: int) -> Block | None:
        """The block that a row belongs to."""
        blocks = self.transcript.blocks
        return blocks[self._index.block_at(row)] if 0 <= row < self._index.total and blocks else None

    @property
    def current(self) -> Block | None:
        """The block under the cursor."""
        return self.block_at(self.cursor)

    def text_of_row(self, row: int) -> str:
        """A row without its styles."""
        if not 0 <= row < self._index.total:
            return ""
        place = self._index.place(row)
        rows = self._index.rows(self.transcript.blocks, place.block)
        return "".join(span.text for span in rows[place.offset]) if place.offset < len(rows) else ""

    def row_of_block(self, block: Block) -> int:
        """Its first row."""
        index = self.transcript.index(block)
        return self._index.start(index) if index is not None and index < len(self._index) else 0

    # Folding.

    def action_fold(self) -> None:
        """Unfold the block under the cursor, or fold it."""
        block = self.current
        if block is None or not can_open(block):
            self._ask(self, "nothing_folded")
            return
        self.set_open(block, opened=not block.opened)

    def action_fold_all(self) -> None:
        """Unfold all blocks; where all are, fold them."""
        blocks = [block for block in self.transcript.blocks if can_open(block)]
        opened = not all(block.opened for block in blocks)
        self.follow(False)
        with self._kept_in_place():
            for block in blocks:
                block.opened = opened
            self._index.update(self.transcript.blocks, Changed(frozenset(), 0))
        self._folded()

    def set_open(self, block: Block, *, opened: bool) -> None:
        """Unfold a block, or fold it. What is on the screen above it stays where it is."""
        index = self.transcript.index(block)
        if index is None:
            return
        self.follow(False)
        block.opened = opened
        with self._kept_in_place():
            self._index.update(self.transcript.blocks, Changed(frozenset((index,)), len(self.transcript.blocks)))
            if isinstance(block, Step):
                self._index.update(self.transcript.blocks, self._children_of(block))
        self._folded()

    def _folded(self) -> None:
        self._lay_out_around(stays_at_end=self.following)
        self._known = self._index.total
        self.forget_drawn()
        self._moved()

    def _clicked(self, row: int) -> None:
        """A click on what is folded unfolds it."""
        block = self.block_at(row)
        if block is not None and "… " in self.text_of_row(row)[:6] and can_open(block):
            self.set_open(block, opened=True)

    # Jumping.

    def landmarks(self, kind: str) -> Sequence[int]:
        """First rows of the blocks of a kind."""
        wanted = _WANTED[kind]
        blocks = self.transcript.blocks[: len(self._index)]
        return [self._index.start(place) for place, block in enumerate(blocks) if not hidden(block) and wanted(block)]

    def action_landmark(self, kind: str, direction: int) -> None:
        """Go to the next block of a kind, or to the one before."""
        wanted, blocks = _WANTED[kind], self.transcript.blocks
        here = self._index.place(self.cursor)
        place = here.block + direction
        if direction < 0 and here.offset > 0:
            place = here.block
        while 0 <= place < len(self._index):
            if wanted(blocks[place]) and not hidden(blocks[place]):
                self.go_to_block(place)
                return
            place += direction
        self._ask(self, f"no_{kind}")

    @property
    def place(self) -> tuple[int, int]:
        """The block that the cursor is on, and the row in it."""
        here = self._index.place(self.cursor)
        return here.block, here.offset

    def go_to_block(self, place: int, offset: int = 0) -> None:
        """Put the cursor on a block, in the upper third of the screen where it was not on it."""
        self.follow(False)
        self._index.settle(self.transcript.blocks, place, self.page_rows)
        row = self._index.start(place) + offset
        if not self.top <= row < self.top + self.page_rows - 1:
            self.top = max(0, row - self.page_rows // 3)
        self.cursor = row
        self._moved()

    # Searching.

    def search(self, needle: Needle | None) -> None:
        """Search all blocks, what is folded too."""
        self.needle = needle
        self.match_count, self.problem = 0, ""
        self.matches.search(needle)
        self.forget_drawn()
        self.refresh()
        self.post_message(self.SearchChanged(self))

    def _found(self) -> None:
        """More was found."""
        self.match_count = self.matches.count
        self.searching, self.problem = self.matches.searching, self.matches.problem
        if self._eager and self.match_count and (self._eager > 0 or not self.matches.searching):
            eager, self._eager = self._eager, 0
            self.action_match(eager)
        self.forget_drawn()
        self.refresh()
        self.post_message(self.SearchChanged(self))

    @property
    def match_place(self) -> int:
        """Which match the cursor is on, from 1; 0 where it is on none."""
        return self.matches.place_at(self._index.place(self.cursor).block)

    def action_match(self, direction: int) -> None:
        """Go to the next match, or to the one before; past the last one, to the first."""
        match = self.matches.next(self._index.place(self.cursor).block, direction)
        if match is not None:
            self._show(match)
            self.post_message(self.SearchChanged(self))

    def _show(self, match: Match) -> None:
        """Put the cursor on the row of a match; what is folded around it is unfolded."""
        blocks = self.transcript.blocks
        block = blocks[match.block]
        if block.owner is not None and not block.owner.opened:
            self.set_open(block.owner, opened=True)
        offset = self._row_in(match)
        if offset is None and can_open(block) and not block.opened:
            self.set_open(block, opened=True)
            offset = self._row_in(match)
        self.go_to_block(match.block, offset or 0)

    def _row_in(self, match: Match) -> int | None:
        """Where in its block's rows a match stands; None where no row shows it."""
        found = [
            number
            for number, row in enumerate(self._index.rows(self.transcript.blocks, match.block))
            if match.text in "".join(span.text for span in row).casefold()
        ]
        return found[min(match.number, len(found) - 1)] if found else None


def _shifted(place: Place, blocks: int) -> Place:
    return Place(max(0, place.block + blocks), place.offset)


def _is_call(block: Block) -> bool:
    return isinstance(block, PersonLine) or (isinstance(block, ToolCall) and not block.shown_above)


def _is_error(block: Block) -> bool:
    match block:
        case ToolCall():
            return block.failed
        case Remark():
            return block.tone is Tone.ERROR
        case Step():
            return bool(block.error)
        case _:
            return False


def _is_message(block: Block) -> bool:
    return isinstance(block, PersonLine) or (isinstance(block, AgentText) and bool(block.text or block.reasoning))


def _is_approval(block: Block) -> bool:
    return isinstance(block, ToolCall) and bool(block.waits or block.decision)


_WANTED: dict[str, Callable[[Block], bool]] = {
    "call": _is_call,
    "error": _is_error,
    "message": _is_message,
    "approval": _is_approval,
}
