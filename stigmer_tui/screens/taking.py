"""What is copied from a run: a line or a block, of its transcript or of its output."""

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
        block = view.block_at(view.cursor)
        text = view.text_of_row(view.cursor).strip()
        if whole_block and block is not None:
            text = safe(untrusted_text(block), lines=True)
        return text[:LONGEST], len(text) > LONGEST
    if not len(log):
        return "", False
    first, end = log.block(view.cursor) if whole_block else (view.cursor, view.cursor + 1)
    return copied_rows(log, first, end, LONGEST)
