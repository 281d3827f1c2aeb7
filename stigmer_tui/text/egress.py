"""The last guard before the terminal: whatever a widget draws, no control code leaves inside of text.

Textual passes escapes, clipboard writes and C1 codes through on almost every way of drawing. `safe` makes foreign text harmless where it is taken in; this
filter holds even where somebody forgot to.
"""

import re

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\U000e0000-\U000e007f]"
)


class EgressGuard(LineFilter):
    """Takes control codes, bidirectional controls and tag characters out of every segment. All of them have no width, so that nothing moves."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same segments with harmless text; segments of control codes, which Textual makes itself, stay."""
        return [
            segment if segment.control or not _UNSAFE.search(segment.text) else _without_codes(segment)
            for segment in segments
        ]


def _without_codes(segment: Segment) -> Segment:
    return Segment(_UNSAFE.sub("", segment.text), segment.style)
