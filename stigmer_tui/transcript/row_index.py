"""Which rows belong to which block, for transcripts of any length: rows are laid out when they are looked at, all others are estimated.

A row's number may therefore change when blocks before it are laid out. Whoever keeps numbers of rows turns them into places (`Place`) before, and back after.
"""

from array import array
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stigmer_tui.transcript.blocks import Block
from stigmer_tui.transcript.growing import Changed
from stigmer_tui.transcript.rows import Row, Shape

CHUNK = 256
"""Blocks whose rows are added up together."""
KEPT_BLOCKS = 400
"""Blocks whose rows are kept."""


@dataclass(frozen=True, slots=True)
class Place:
    """A row, whatever stands before its block."""

    block: int
    offset: int


class RowIndex:
    """Rows of a list of blocks that grows."""

    def __init__(
        self, lay_out: Callable[[Block, Shape], list[Row]], estimate: Callable[[Block, Shape], int], shape: Shape
    ) -> None:
        self._lay_out = lay_out
        self._estimate = estimate
        self.shape = shape
        self._heights = array("L")
        self._sums: list[int] = []
        self._rows: OrderedDict[int, list[Row]] = OrderedDict()
        self._exact = bytearray()
        self.total = 0
        """Rows in all."""

    def reshape(self, blocks: Sequence[Block], shape: Shape) -> None:
        """Another width: everything is estimated anew."""
        self.shape = shape
        self.update(blocks, Changed(frozenset(), 0))

    def update(self, blocks: Sequence[Block], changed: Changed) -> None:
        """Blocks changed, came, or went."""
        for index in changed.blocks:
            self._forget(index)
            if index < len(self._heights):
                self._put(index, self._estimate(blocks[index], self.shape))
        first = min(changed.first, len(self._heights))
        for index in [index for index in self._rows if index >= first]:
            del self._rows[index]
        del self._heights[first:], self._exact[first:]
        self._heights.extend(self._estimate(block, self.shape) for block in blocks[first:])
        self._exact.extend(bytes(len(blocks) - first))
        start = first // CHUNK
        del self._sums[start:]
        for begin in range(start * CHUNK, len(self._heights), CHUNK):
            self._sums.append(sum(self._heights[begin : begin + CHUNK]))
        self.total = sum(self._sums)

    def _forget(self, index: int) -> None:
        self._rows.pop(index, None)
        if index < len(self._exact):
            self._exact[index] = 0

    def _put(self, index: int, height: int) -> None:
        delta = height - self._heights[index]
        if delta:
            self._heights[index] = height
            self._sums[index // CHUNK] += delta
            self.total += delta

    def __len__(self) -> int:
        """Blocks."""
        return len(self._heights)

    def start(self, block: int) -> int:
        """The first row of a block."""
        chunk = block // CHUNK
        return sum(self._sums[:chunk]) + sum(self._heights[chunk * CHUNK : block])

    def height(self, block: int) -> int:
        """How many rows it has, as far as that is known."""
        return self._heights[block]

    def block_at(self, row: int) -> int:
        """The block that a row belongs to; the last one beyond the end, 0 where there is none."""
        if row >= self.total:
            return max(0, len(self._heights) - 1)
        for chunk, rows in enumerate(self._sums):
            if row >= rows:
                row -= rows
                continue
            for index in range(chunk * CHUNK, min(len(self._heights), (chunk + 1) * CHUNK)):
                if row < self._heights[index]:
                    return index
                row -= self._heights[index]
        return max(0, len(self._heights) - 1)

    def place(self, row: int) -> Place:
        """The place of a row."""
        block = self.block_at(row)
        return Place(block, max(0, row - self.start(block)) if len(self._heights) else 0)

    def row_of(self, place: Place) -> int:
        """The row at a place; the last one of its block where it has become shorter."""
        if not len(self._heights):
            return 0
        block = min(place.block, len(self._heights) - 1)
        return self.start(block) + min(place.offset, max(0, self._heights[block] - 1))

    def rows(self, blocks: Sequence[Block], block: int) -> list[Row]:
        """The rows of a block, laid out. Its height is exact from here on."""
        known = self._rows.get(block)
        if known is None:
            known = self._lay_out(blocks[block], self.shape)
            self._rows[block] = known
            if len(self._rows) > KEPT_BLOCKS:
                self._rows.popitem(last=False)
            self._put(block, len(known))
            self._exact[block] = 1
        return known

    def settle(self, blocks: Sequence[Block], first: int, rows: int) -> None:
        """Lay out blocks from `first` on until they have `rows` rows."""
        index = first
        while rows > 0 and index < len(self._heights):
            rows -= self._settled(blocks, index)
            index += 1

    def settle_before(self, blocks: Sequence[Block], end: int, rows: int) -> None:
        """Lay out blocks before `end`, backwards, until they have `rows` rows."""
        index = min(end, len(self._heights)) - 1
        while rows > 0 and index >= 0:
            rows -= self._settled(blocks, index)
            index -= 1

    def _settled(self, blocks: Sequence[Block], index: int) -> int:
        if not self._exact[index]:
            self.rows(blocks, index)
        return self._heights[index]
