"""The lines around the list of runs, in words."""

from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionSummary
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.times import exact, span, thousands
from stigmer_tui.theme.phases import look_of
from stigmer_tui.widgets.board.window import BoardWindow
from stigmer_tui.widgets.line import Part


def head_left(running: int, waiting: int) -> list[Part]:
    """The name, what runs, what waits for the person."""
    parts: list[Part] = [("stigmer", "title")]
    if running:
        parts.append((f"   ▶ {thousands(running)} running", "running"))
    if waiting:
        parts.append((f"   ! {thousands(waiting)} {'waits' if waiting == 1 else 'wait'} for you", "warning"))
    return parts


def head_right(rows: BoardWindow, shown_filter: str) -> list[Part]:
    """How many there are, and how many of them match."""
    if not rows.loaded:
        return [("…", "muted")]
    every = f"{thousands(rows.total_unfiltered)} run{'' if rows.total_unfiltered == 1 else 's'}"
    if not shown_filter:
        return [(every, "muted")]
    count = f"{thousands(rows.total)}{'+' if rows.total_is_lower_bound else ''}"
    return [(count, "accent"), (f" of {every} match ", "muted"), (f"‘{safe(Untrusted(shown_filter))}’", "accent")]


def empty_words(rows: BoardWindow, shown_filter: str) -> tuple[Part, Part]:
    """What an empty list says."""
    if shown_filter:
        return (
            (f"No run matches ‘{safe(Untrusted(shown_filter))}’.", "text"),
            ("esc shows all runs again.", "muted"),
        )
    return (
        ("Nothing has run yet. Type a command line below; enter runs it in a sandbox.", "text"),
        ("It goes on when you leave. ctrl+p lists what you can do, F1 explains the keys.", "muted"),
    )


def selected_words(row: ExecutionSummary) -> list[Part]:
    """What there is no room for in the row: exact times, ids."""
    look = look_of(row.phase, stopping=row.cancel_requested)
    parts: list[Part] = [(f"{look.shape} {look.word}", look.style), (f"  {exact(row.created_unix_micros)}", "text")]
    if row.completed_unix_micros and row.started_unix_micros:
        parts.append((f"  took {span(row.completed_unix_micros - row.started_unix_micros)}", "muted"))
    if row.attention_count:
        parts.append(("  waits for you", "warning"))
    parts.append((f"  {safe(Untrusted(row.execution_id))}", "muted"))
    return parts
