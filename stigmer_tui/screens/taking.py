"""What is copied from a run: a line, a block, or what is selected, of its transcript or of its output."""

import textwrap

from stigmer_tui.terminal.clipboard import LONGEST
from stigmer_tui.terminal.output_log import OutputLog
from stigmer_tui.terminal.plain import copied_rows
from stigmer_tui.text import safe
from stigmer_tui.transcript.blocks import untrusted_text
from stigmer_tui.widgets.log_view import LogView
from stigmer_tui.widgets.transcript_view import TranscriptView


def taken(view: LogView, log: OutputLog, *, whole_block: bool) -> tuple[str, bool]:
    """The text under the cursor, at most as long as a clipboard takes, and whether that cut it."""
    if isinstance(view, TranscriptView):
        block = view.current
        text = view.text_of_row(view.cursor).strip()
        if whole_block and block is not None:
            text = safe(untrusted_text(block), lines=True)
        return text[:LONGEST], len(text) > LONGEST
    if not len(log):
        return "", False
    first, end = log.block(view.cursor) if whole_block else (view.cursor, view.cursor + 1)
    return copied_rows(log, first, end, LONGEST)


def selected(view: LogView) -> tuple[str, bool] | None:
    """What is selected, likewise; None where nothing is. Whole rows of the transcript lose the margin that they have in common."""
    if view.selection is None:
        return None
    lines, cut = view.selected_lines(LONGEST)
    text = "\n".join(lines)
    if view.selection.by_rows and isinstance(view, TranscriptView):
        text = textwrap.dedent(text)
    return text, cut
