"""Where a transcript contains what is searched for: by block and line, folded parts too."""

import asyncio
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from rich.segment import Segment
from rich.style import Style
from textual.widget import Widget
from textual.worker import Worker

from stigmer_apis.errors import StigmerError
from stigmer_apis.matching import Matcher
from stigmer_tui.terminal.search import Needle
from stigmer_tui.text import safe
from stigmer_tui.transcript.blocks import Block, untrusted_text
from stigmer_tui.transcript.growing import Changed, GrowingBlocks
from stigmer_tui.widgets.row_marks import RowMarks

BYTES_AT_ONCE = 1 << 18


@dataclass(frozen=True, slots=True)
class Match:
    """A line of a block that matches."""

    block: int
    number: int
    """Which of the block's matching lines, from 0."""
    text: str
    """What matched there, without case."""


class TranscriptMatches:
    """Searches blocks in pieces, so that the screen goes on meanwhile."""

    def __init__(self, view: Widget, transcript: GrowingBlocks, told: Callable[[], None]) -> None:
        """`told`: more was found, or it is through."""
        self._view = view
        self._transcript = transcript
        self._told = told
        self._needle: Needle | None = None
        self._worker: Worker[None] | None = None
        self._texts: dict[int, list[str]] = {}
        self._order: list[int] = []
        self._unsearched: list[int] = []
        self._more = asyncio.Event()
        self._at: tuple[int, int] | None = None
        self.marks = RowMarks(view, told)
        self.count = 0
        """Lines that match."""
        self.searching = False
        self.problem = ""
        """Why it cannot be searched for; may contain what the person wrote."""

    def search(self, needle: Needle | None) -> None:
        """Look for something else, from the beginning."""
        self._needle = needle
        self._texts, self._order, self._at = {}, [], None
        self._unsearched = list(range(len(self._transcript.blocks)))
        self.count, self.problem, self.searching = 0, "", needle is not None
        self.marks.use(needle)
        if self._worker is not None:
            self._worker.cancel()
        self._worker = (
            None if needle is None else self._view.run_worker(partial(self._look, needle), exit_on_error=False)
        )

    def changed(self, changed: Changed) -> None:
        """Blocks changed or came: they are looked through again."""
        if self._needle is None:
            return
        for block in [block for block in self._order if block >= changed.first]:
            self._forget(block)
        known = {*self._unsearched}
        for block in (*changed.blocks, *range(changed.first, len(self._transcript.blocks))):
            self._forget(block)
            if block not in known:
                self._unsearched.append(block)
        self._more.set()

    def _forget(self, block: int) -> None:
        texts = self._texts.pop(block, None)
        if texts is not None:
            self.count -= len(texts)
            del self._order[bisect_left(self._order, block)]

    async def _look(self, needle: Needle) -> None:
        try:
            if needle.regex:
                async with Matcher(needle.pattern) as matcher:
                    self.marks.use(needle, matcher)
                    await self._look_with(needle, matcher)
            else:
                await self._look_with(needle, None)
        except StigmerError as error:
            self.problem, self.searching = error.message, False
            self._told()

    async def _look_with(self, needle: Needle, matcher: Matcher | None) -> None:
        while True:
            while self._unsearched:
                batch = self._batch()
                await (self._look_plainly(needle, batch) if matcher is None else self._ask(matcher, batch))
                self._told()
                await asyncio.sleep(0)
            self.searching = False
            self._told()
            self._more.clear()
            await self._more.wait()

    def _batch(self) -> list[int]:
        size, count = 0, 0
        for block in self._unsearched:
            count += 1
            size += _length(self._transcript.blocks[block]) if block < len(self._transcript.blocks) else 0
            if size > BYTES_AT_ONCE:
                break
        batch, self._unsearched = self._unsearched[:count], self._unsearched[count:]
        return [block for block in batch if block < len(self._transcript.blocks)]

    def _text(self, block: int) -> str:
        return safe(untrusted_text(self._transcript.blocks[block]), lines=True)

    async def _look_plainly(self, needle: Needle, batch: list[int]) -> None:
        for block in batch:
            text = self._text(block)
            if needle.plain.search(text) is not None:
                found = [needle.plain.search(line) for line in text.split("\n")]
                self._keep(block, [match.group().casefold() for match in found if match is not None])

    async def _ask(self, matcher: Matcher, batch: list[int]) -> None:
        texts = [self._text(block).encode("utf-8", "replace") for block in batch]
        ends: list[int] = []
        for text in texts:
            ends.append((ends[-1] if ends else 0) + len(text) + 1)
        data = b"\n".join(texts)
        found: dict[int, list[str]] = {}
        for each in await matcher.lines(data):
            line = data[each.offset :].split(b"\n", 1)[0].decode("utf-8", "replace")
            start, end = each.spans[0] if each.spans else (0, 0)
            found.setdefault(batch[bisect_right(ends, each.offset)], []).append(line[start:end].casefold())
        for block, matched in found.items():
            self._keep(block, matched)

    def _keep(self, block: int, texts: list[str]) -> None:
        self._forget(block)
        if texts:
            self._texts[block] = texts
            insort(self._order, block)
            self.count += len(texts)

    # Going from match to match.

    def place_at(self, block: int) -> int:
        """Which match the cursor is on, from 1, if it is on the block of the last one; else 0."""
        if self._at is None or self._at[0] != block or block not in self._texts:
            return 0
        before = sum(len(self._texts[each]) for each in self._order[: bisect_left(self._order, block)])
        return before + min(self._at[1], len(self._texts[block]) - 1) + 1

    def next(self, block: int, direction: int) -> Match | None:
        """The next match seen from a block, or the one before; around the end. None where there is none."""
        if not self._order:
            return None
        if self._at is not None and self._at[0] == block and block in self._texts:
            number = self._at[1] + direction
            if 0 <= number < len(self._texts[block]):
                return self._go(block, number)
            place = bisect_left(self._order, block) + direction
        else:
            place = bisect_left(self._order, block) if direction > 0 else bisect_right(self._order, block) - 1
        block = self._order[place % len(self._order)]
        return self._go(block, 0 if direction > 0 else len(self._texts[block]) - 1)

    def _go(self, block: int, number: int) -> Match:
        self._at = (block, number)
        return Match(block, number, self._texts[block][number])

    def highlighted(self, segments: list[Segment], style: Style) -> list[Segment]:
        """A row, with what was found marked."""
        return self.marks.marked(segments, style)


def _length(block: Block) -> int:
    return 64 + len(untrusted_text(block).raw)
