"""Marks what was searched for within a drawn row."""

import re
from collections.abc import Sequence
from itertools import pairwise

from rich.segment import Segment
from rich.style import Style


def highlight(segments: list[Segment], pattern: re.Pattern[str], style: Style) -> list[Segment]:
    """The same row, every match of `pattern` in `style` on top of its own."""
    text = "".join(segment.text for segment in segments)
    return with_spans(segments, [found.span() for found in pattern.finditer(text)], style)


def with_spans(segments: list[Segment], found: Sequence[tuple[int, int]], style: Style) -> list[Segment]:
    """The same row, the characters of each of `found` in `style` on top of their own."""
    text = "".join(segment.text for segment in segments)
    spans = [(start, end) for start, end in found if end > start]
    if not spans:
        return segments
    edges = sorted({edge for span in spans for edge in span})
    marked: list[Segment] = []
    position = 0
    for segment in segments:
        end = position + len(segment.text)
        cuts = [position, *(edge for edge in edges if position < edge < end), end]
        for start, stop in pairwise(cuts):
            inside = any(first <= start < last for first, last in spans)
            own = segment.style or Style.null()
            marked.append(Segment(text[start:stop], own + style if inside else own))
        position = end
    return marked
