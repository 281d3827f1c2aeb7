"""Which line begins where, in any number of lines: how many line breaks there are before each block of the file, eight bytes for 64 KiB.

While the lines are still counted, the beginning is known, and so is the end: its lines are numbered back from a guess of how many there are, and numbered
right once all are counted. In between stands nothing yet.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict

from stigmer_tui.logs.store import LogStore

BLOCK = 1 << 16
TAIL = 1 << 20
"""Bytes at the end whose lines are known at once."""
_KEPT = 16


class LineIndex:
    """The lines of a store. `advance` belongs to one thread; everything else may be asked meanwhile on another one."""

    def __init__(self, store: LogStore) -> None:
        self._store = store
        self._before = array("Q", [0])
        self._counted = 0
        self._rest = 0
        self._blocks: OrderedDict[int, list[int]] = OrderedDict()
        self._tail: list[int] = []
        self._guess = 0
        self.complete = False
        """Whether all lines were counted once."""
        self.advance(4 * BLOCK)

    @property
    def counted(self) -> int:
        """Bytes whose lines are known, from the beginning."""
        return self._counted

    def advance(self, budget: int) -> bool:
        """Count the lines of at most `budget` bytes more; whether there is nothing left to count."""
        end = self._counted + budget
        while self._counted < end:
            into = self._counted % BLOCK
            data = self._store.read_at(self._counted, BLOCK - into)
            if not data:
                self.complete = True
                return True
            self._rest += data.count(b"\n")
            self._blocks.pop(self._counted // BLOCK, None)
            if into + len(data) == BLOCK:
                self._before.append(self._before[-1] + self._rest)
                self._rest = 0
            self._counted += len(data)
        return False

    def _known(self) -> int:
        """Lines of what was counted."""
        breaks = self._before[-1] + self._rest
        ended = self._counted == 0 or self._store.read_at(self._counted - 1, 1) == b"\n"
        return breaks if ended else breaks + 1

    def __len__(self) -> int:
        """Lines, a guess until all are counted."""
        if self.complete:
            return self._known()
        if not self._tail:
            self._find_tail()
        return max(self._guess, self._known() + len(self._tail))

    def _find_tail(self) -> None:
        """Number the last lines from a guess."""
        size = self._store.size
        start = max(0, size - TAIL)
        data = self._store.read_at(start, TAIL)
        starts = [0] if start == 0 else []
        position = data.find(b"\n") + 1
        while 0 < position < len(data):
            starts.append(position)
            position = data.find(b"\n", position) + 1
        self._tail = [start + each for each in starts] or [start]
        self._guess = max(len(self._tail), size * len(self._tail) // max(1, size - self._tail[0]))

    def settled_shift(self, guessed: int) -> int:
        """What a row of the guessed end is to be moved by now that all are counted; `guessed` is how many were thought to be there."""
        return len(self) - guessed

    def start(self, row: int) -> int | None:
        """Place of the first byte of a line; None where it is not known yet, or there is no such line."""
        if row < 0:
            return None
        if row == 0:
            return 0
        breaks = self._before[-1] + self._rest
        if row <= breaks:
            block = bisect_left(self._before, row) - 1
            places = self._places(block)
            nth = row - self._before[block] - 1
            return block * BLOCK + places[nth] + 1 if nth < len(places) else None
        if self.complete:
            return None
        place = row - (len(self) - len(self._tail))
        return self._tail[place] if 0 <= place < len(self._tail) else None

    def end(self, row: int) -> int:
        """Place behind the last byte of a line, its line break included."""
        following = self.start(row + 1)
        return self._store.size if following is None else following

    def row_at(self, offset: int) -> int | None:
        """The line that a byte belongs to; None where that was not counted yet."""
        if offset < self._counted:
            block = bisect_right(range(len(self._before)), offset // BLOCK) - 1
            return self._before[block] + bisect_left(self._places(block), offset - block * BLOCK)
        if self.complete or not self._tail or offset < self._tail[0]:
            return None
        return len(self) - len(self._tail) + bisect_right(self._tail, offset) - 1

    def _places(self, block: int) -> list[int]:
        """Where the line breaks stand in a block."""
        places = self._blocks.get(block)
        if places is None:
            data = self._store.read_at(block * BLOCK, BLOCK)
            places = list[int]()
            position = data.find(b"\n")
            while position >= 0:
                places.append(position)
                position = data.find(b"\n", position + 1)
            if len(data) == BLOCK:
                self._blocks[block] = places
                while len(self._blocks) > _KEPT:
                    self._blocks.popitem(last=False)
        return places
