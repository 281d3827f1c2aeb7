"""The lines around the list of runs, in words."""

from collections.abc import Callable, Sequence

from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionSummary
from stigmer_apis.errors import StigmerError
from stigmer_tui.screens.board_feed import BoardFeed
from stigmer_tui.screens.error_line import in_a_line
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.times import exact, span, thousands
from stigmer_tui.theme.phases import look_of
from stigmer_tui.widgets.board.columns import money, short_count
from stigmer_tui.widgets.board.rows import Section
from stigmer_tui.widgets.board.welcome import Words
from stigmer_tui.widgets.line import Part


def head_left(running: int, waiting: int, unseen: int) -> list[Part]:
    """The name, what runs, what waits for the person, what failed and was not seen."""
    parts: list[Part] = [("stigmer", "title")]
    if running:
        parts.append((f"   ▶ {thousands(running)} running", "running"))
    if waiting:
        parts.append((f"   ! {thousands(waiting)} {'waits' if waiting == 1 else 'wait'} for you", "warning"))
    if unseen:
        parts.append((f"   ✗ {thousands(unseen)} new failure{'' if unseen == 1 else 's'}", "error"))
    return parts


def head_right(feed: BoardFeed) -> list[Part]:
    """How many there are, how many of them match, and what of them is in order."""
    rows, view = feed.window, feed.view
    if not feed.rows.loaded:
        return [("…", "muted")]
    parts: list[Part] = []
    if feed.looking:
        parts += [("looking … ", "muted"), ("esc", "accent"), (" stops   ", "muted")]
    if rows.ordered and not view.group:
        parts.append((f"by {view.sort}: of the newest {thousands(rows.ordered)}   ", "warning"))
    elif view.sort != "newest":
        parts.append((f"{'oldest first' if view.sort == 'oldest' else f'by {view.sort}'}   ", "accent"))
    if view.group:
        more = "+" if feed.rows.groups_is_lower_bound or feed.rows.groups > len(feed.rows.sections or ()) else ""
        count = len(feed.rows.sections or ())
        parts += [(f"{thousands(count)}{more} by {safe(Untrusted(view.group))}", "accent"), ("   ", "muted")]
    every = f"{thousands(rows.total_unfiltered)} run{'' if rows.total_unfiltered == 1 else 's'}"
    if not view.filter:
        return [*parts, (every, "muted")]
    filter = f"‘{safe(Untrusted(view.filter))}’"
    if view.group:
        return [*parts, (f"of {every} ", "muted"), (filter, "accent")]
    count = f"{thousands(rows.total)}{'+' if rows.total_is_lower_bound else ''}"
    return [*parts, (count, "accent"), (f" of {every} match ", "muted"), (filter, "accent")]


def instead_of_rows(feed: BoardFeed, beginning: Callable[[], Sequence[Words]]) -> Sequence[Words]:
    """What a list says that is empty, or was not fetched yet; `beginning`: where nothing has run at all."""
    if not feed.rows.loaded:
        return [[("Fetching what runs …" if feed.error is None else "", "muted")]]
    view = feed.view
    if view.filter:
        return (
            [(f"No run matches ‘{safe(Untrusted(view.filter))}’.", "text")],
            [("esc shows all runs again.", "muted")],
        )
    if view.label and feed.window.total_unfiltered:
        return (
            [(f"No run has the label ‘{safe(Untrusted(view.label))}’.", "text")],
            [("b groups by something else; t on a run puts a label on it.", "muted")],
        )
    return beginning()


def urgent_words(error: StigmerError | None, question: str, countdown: str) -> list[Part]:
    """What comes before all else: a trouble, a question, time that runs out. Empty where there is nothing of it."""
    if error is not None:
        return [(in_a_line(error), "error")]
    if question:
        return [(question, "warning")]
    return [(countdown, "warning"), ("   u", "accent"), (" keeps them", "muted")] if countdown else []


def group_words(group: Section | None) -> list[Part]:
    """What one can do with a group; nothing where one is at none."""
    if group is None:
        return []
    return [("enter", "accent"), (" unfolds it" if group.folded else " folds it", "muted")]


def marked_words(meant: str) -> list[Part]:
    """What can be done with what is marked."""
    parts: list[Part] = [(f"✚ {meant} marked", "accent")]
    for key, words in (
        ("x", "stop"),
        ("r", "again"),
        ("d", "delete"),
        ("t", "label"),
        ("m", "seen"),
        ("esc", "unmark"),
    ):
        parts += [(f"   {key}", "accent"), (f" {words}", "muted")]
    return parts


def selected_words(row: ExecutionSummary) -> list[Part]:
    """What there is no room for in the row: exact times, ids."""
    look = look_of(row.phase, stopping=row.cancel_requested)
    parts: list[Part] = [(f"{look.shape} {look.word}", look.style), (f"  {exact(row.created_unix_micros)}", "text")]
    if row.completed_unix_micros and row.started_unix_micros:
        parts.append((f"  took {span(row.completed_unix_micros - row.started_unix_micros)}", "muted"))
    if row.tokens:
        cost = f"  {money(row.cost_micro_usd)}" if row.cost_micro_usd else ""
        parts.append((f"  {short_count(row.tokens)} tokens{cost}", "muted"))
    if row.attention_count:
        parts.append(("  waits for you", "warning"))
    if row.unseen:
        parts.append(("  not seen yet", "error"))
    parts.append((f"  {safe(Untrusted(row.execution_id))}", "muted"))
    return parts
