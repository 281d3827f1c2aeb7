"""Blocks that grow, and what changed of them since somebody last looked."""

from dataclasses import dataclass

from stigmer_tui.transcript.blocks import Block


@dataclass(frozen=True, slots=True)
class Changed:
    """What is not as it was."""

    blocks: frozenset[int]
    """Blocks before `first` that changed where they are."""
    first: int
    """From here on blocks are new, or stand elsewhere."""


class GrowingBlocks:
    """A list that remembers what was done to it."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._touched: set[int] = set()
        self._first: int | None = None

    def add(self, block: Block) -> None:
        """One more, at the end."""
        self._moved_from(len(self.blocks))
        self.blocks.append(block)

    def touch(self, block: Block) -> None:
        """A block changed."""
        block.version += 1
        index = self.index(block)
        if index is not None:
            self._touched.add(index)

    def remove(self, block: Block) -> None:
        """A block is gone."""
        index = self.index(block)
        if index is not None:
            del self.blocks[index]
            self._moved_from(index)

    def clear(self) -> None:
        """All are gone."""
        self.blocks.clear()
        self._touched.clear()
        self._first = 0

    def index(self, block: Block) -> int | None:
        """A block's place: it is searched from the end, where it nearly always is."""
        for index in range(len(self.blocks) - 1, -1, -1):
            if self.blocks[index] is block:
                return index
        return None

    def take_changed(self) -> Changed | None:
        """What changed since the last call; None where nothing did."""
        if not self._touched and self._first is None:
            return None
        first = len(self.blocks) if self._first is None else self._first
        changed = Changed(frozenset(index for index in self._touched if index < first), first)
        self._touched, self._first = set(), None
        return changed

    def _moved_from(self, index: int) -> None:
        self._first = index if self._first is None else min(self._first, index)
