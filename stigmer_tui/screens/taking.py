"""What is copied from a run: a line, a block, or what is selected, of its transcript or of its output."""

import textwrap

from stigmer_tui.terminal.clipboard import LONGEST
from stigmer_tui.terminal.output_log import NoteKind, OutputLog
from stigmer_tui.terminal.plain import copied_rows
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.transcript.blocks import ToolCall, untrusted_text
from stigmer_tui.widgets.log_view import LogView
from stigmer_tui.widgets.transcript_view import TranscriptView


def taken(view: LogView, log: OutputLog, *, whole_block: bool) -> tuple[str, bool]:
    """The text under the cursor, at most as long as a clipboard takes, and whether that cut it."""
    if isinstance(view, TranscriptView):
        block = view.current
        text = view.text_of_row(view.cursor).strip()
        row = row_of_call(view, log) if whole_block else None
        if row is not None:
            return copied_rows(log, *log.block(row), LONGEST)  # the command, what it printed, how it ended
        if whole_block and block is not None:
            text = safe(untrusted_text(block), lines=True)
        return text[:LONGEST], len(text) > LONGEST
    if not len(log):
        return "", False
    first, end = log.block(view.cursor) if whole_block else (view.cursor, view.cursor + 1)
    return copied_rows(log, first, end, LONGEST)


def row_of_call(view: TranscriptView, log: OutputLog) -> int | None:
    """Where the output of the call under the cursor begins, if it ran in a terminal: the same command may have run before. A person's
    line is the call that says the same below it."""
    call, blocks = view.current, view.transcript.blocks
    if call is not None and not isinstance(call, ToolCall):
        after = next((number for number, each in enumerate(blocks, 1) if each is call), len(blocks))
        call = next(
            (each for each in blocks[after : after + 1] if isinstance(each, ToolCall) and each.shown_above), None
        )
    if not isinstance(call, ToolCall) or not call.terminal_id:
        return None
    same = [each for each in blocks if isinstance(each, ToolCall) and each.terminal_id and each.command == call.command]
    words = safe(Untrusted(call.command))
    rows = [row for row in log.rows_of(NoteKind.COMMAND) if log.notes[row].text == words]
    place = next((number for number, each in enumerate(same) if each is call), len(rows))
    return rows[place] if place < len(rows) else None


def selected(view: LogView) -> tuple[str, bool] | None:
    """What is selected, likewise; None where nothing is. Whole rows of the transcript lose the margin that they have in common."""
    if view.selection is None:
        return None
    lines, cut = view.selected_lines(LONGEST)
    text = "\n".join(lines)
    if view.selection.by_rows and isinstance(view, TranscriptView):
        text = textwrap.dedent(text)
    return text, cut
