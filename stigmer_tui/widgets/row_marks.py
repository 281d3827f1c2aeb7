"""Marks what was searched for in drawn rows. For an expression the rows are asked about elsewhere, and drawn again when the answer is there."""

import asyncio
from collections.abc import Callable
from functools import partial

from rich.segment import Segment
from rich.style import Style
from textual.widget import Widget

from stigmer_apis.errors import InvalidArgument
from stigmer_apis.matching import Matcher
from stigmer_tui.terminal.search import Needle
from stigmer_tui.widgets.highlight import highlight, with_spans

_KEPT = 2000
Spans = tuple[tuple[int, int], ...]


class RowMarks:
    """The marks of one view."""

    def __init__(self, view: Widget, drawn_anew: Callable[[], None]) -> None:
        """`drawn_anew`: rows that were drawn without marks have some now."""
        self._view = view
        self._drawn_anew = drawn_anew
        self._needle: Needle | None = None
        self._matcher: Matcher | None = None
        self._known: dict[str, Spans] = {}
        self._asked: set[str] = set()

    def use(self, needle: Needle | None, matcher: Matcher | None = None) -> None:
        """Mark something else from here on; `matcher` for an expression."""
        self._needle, self._matcher = needle, matcher
        self._known, self._asked = {}, set()

    def marked(self, segments: list[Segment], style: Style) -> list[Segment]:
        """The same row, what was searched for marked."""
        needle = self._needle
        if needle is None:
            return segments
        if not needle.regex:
            return highlight(segments, needle.plain, style)
        text = "".join(segment.text for segment in segments)
        spans = self._known.get(text)
        if spans is not None:
            return with_spans(segments, spans, style)
        if self._matcher is not None and text:
            if not self._asked:
                self._view.run_worker(partial(self._ask, self._matcher), exit_on_error=False)
            self._asked.add(text)
        return segments

    async def _ask(self, matcher: Matcher) -> None:
        await asyncio.sleep(0)
        texts = sorted(self._asked)
        self._asked = set()
        try:
            answers = await matcher.spans(texts)
        except InvalidArgument:
            return
        if matcher is not self._matcher:
            return
        if len(self._known) > _KEPT:
            self._known.clear()
        self._known.update(zip(texts, answers, strict=True))
        self._drawn_anew()
