"""The last guard before the terminal: whatever a widget draws, no control code leaves inside of text, and nothing that hides.

Textual passes escapes, clipboard writes and C1 codes through on almost every way of drawing. `safe` makes foreign text harmless where it is taken in; this
filter holds even where somebody forgot to, and where a person writes: what they paste stays in their text as it is, and is drawn harmless.
"""

from rich.cells import cell_len, set_cell_size, split_graphemes
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from stigmer_tui.text.untrusted import safe


def safe_in_place(text: str) -> str:
    """As `safe`, in as many cells as it was laid out in: what has no width goes, and what stands for a character is as wide as that was.

    The same object, where there is nothing to make harmless.
    """
    if (text.isascii() and text.isprintable()) or safe(text) is text:
        return text
    parts = [set_cell_size(safe(text[begin:end]), width) for begin, end, width in split_graphemes(text)[0]]
    return set_cell_size("".join(parts), cell_len(text))


class EgressGuard(LineFilter):
    """Makes the text of every segment what `safe` makes of it, in as many cells, so that nothing moves."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same segments with harmless text; segments of control codes, which Textual makes itself, stay."""
        return [
            segment
            if segment.control or (text := safe_in_place(segment.text)) is segment.text
            else Segment(text, segment.style)
            for segment in segments
        ]
