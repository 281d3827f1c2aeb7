"""The rows of a list that are known: places stay right while rows come on top."""

from hypothesis import given, settings
from hypothesis import strategies as st

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import (
    ExecutionFilter,
    ListExecutionsResponse,
    WatchResponse,
)
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionSummary
from stigmer_tui.theme.phases import LIVE
from stigmer_tui.widgets.board.columns import cells_of, columns_for, heads
from stigmer_tui.widgets.board.query import filter_of
from stigmer_tui.widgets.board.window import KEPT, PAGE, BoardWindow
from tests.tui.hostile import HOSTILE, is_harmless
from tests.tui.support import MOMENT


def row(number: int, last_line: str = "") -> ExecutionSummary:
    """The `number`th run that was created."""
    return ExecutionSummary(execution_id=f"aex-{number:06}", created_unix_micros=number + 1, last_line=last_line)


def page(newest: int, start: int, count: int = PAGE, total: int | None = None) -> ListExecutionsResponse:
    """What a server with runs 0 to `newest` answers."""
    rows = [row(newest - place) for place in range(start, min(start + count, newest + 1))]
    return ListExecutionsResponse(
        executions=rows, total=newest + 1 if total is None else total, total_unfiltered=newest + 1
    )


def ids(window: BoardWindow, *places: int) -> list[int]:
    """Numbers of the runs at these places."""
    return [int(window.rows[place].execution_id[4:]) for place in places]


def test_pages_are_asked_for_where_they_are_looked_at() -> None:
    """First and last page of many, nothing between."""
    window = BoardWindow()
    window.take_first(page(99_999, 0), 0)
    assert window.total == 100_000
    assert window.missing_page(0, 30) is None
    assert window.missing_page(80, 120) == 1
    assert window.missing_page(99_980, 99_999) == 999
    window.take_page(page(99_999, 99_900), 99_900)
    assert ids(window, 0, 99_999) == [99_999, 0]
    assert window.missing_page(99_980, 99_999) is None


def test_new_rows_move_the_others() -> None:
    """Each row stays what it was, one place further."""
    window = BoardWindow()
    window.take_first(page(9, 0), 0)
    added = window.take_changes(WatchResponse(revision=5, total=12, changed=[row(11), row(3, last_line="x"), row(10)]))
    assert (added, window.total, window.stale) == (2, 12, False)
    assert ids(window, *range(12)) == list(range(11, -1, -1))
    assert window.rows[8].last_line == "x"
    assert window.place_of("aex-000003") == 8


def test_the_first_row_of_an_empty_list() -> None:
    """It is there at once."""
    window = BoardWindow()
    window.take_first(page(-1, 0), 0)
    assert window.take_changes(WatchResponse(revision=1, total=1, changed=[row(0)])) == 1
    assert (window.total, window.stale) == (1, False)


def test_what_changes_alone_do_not_tell_makes_places_uncertain() -> None:
    """Removed rows, a count that does not fit, changes that were missed."""
    for change in (
        WatchResponse(revision=5, total=9, removed=["aex-000004"]),
        WatchResponse(revision=5, total=12, changed=[row(10)]),
        WatchResponse(revision=5, total=10, reset=True),
    ):
        window = BoardWindow()
        window.take_first(page(9, 0), 0)
        window.take_changes(change)
        assert window.stale
    window.take_first(page(8, 0), 0)
    assert not window.stale
    window.take_page(page(30, 0), 0)
    assert window.stale


def test_under_a_filter_only_the_server_knows_the_list() -> None:
    """Known rows change at once, the list is asked for again."""
    window = BoardWindow()
    window.set_filter(ExecutionFilter(text="x"))
    window.take_first(page(9, 0, 3, total=3), 0)
    assert window.take_changes(WatchResponse(revision=5, total=11, changed=[row(10), row(9, last_line="new")])) == 0
    assert window.stale
    assert (window.total, window.total_unfiltered, window.rows[0].last_line) == (3, 11, "new")


def test_rows_far_away_are_forgotten() -> None:
    """However far a person scrolls; the newest page stays, so that new rows are recognised."""
    window = BoardWindow()
    window.take_first(page(999_999, 0), 0)
    for start in range(0, 20_000, PAGE):
        window.take_page(page(999_999, start), start)
        assert len(window.rows) <= KEPT + PAGE
    assert window.missing_page(0, 50) is None
    assert window.missing_page(19_950, 19_999) is None
    assert all(window.place_of(known.execution_id) == place for place, known in window.rows.items())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 3), max_size=12), st.integers(1, 40))
def test_any_arrivals_leave_places_right_or_uncertain(arrivals: list[int], seen: int) -> None:
    """The list that is shown is the server's, or is known not to be."""
    window = BoardWindow()
    newest = 40
    window.take_first(page(newest, 0, seen), 0)
    for count in arrivals:
        newest += count
        window.take_changes(WatchResponse(total=newest + 1, changed=[row(newest - k) for k in range(count)]))
        assert window.stale or all(
            int(known.execution_id[4:]) == newest - place for place, known in window.rows.items()
        )


def test_filters_are_read_by_field() -> None:
    """What is no field is text."""
    assert filter_of("phase:failed agent:shell needs:me make test").SerializeToString(deterministic=True) == (
        ExecutionFilter(phases=[enums.EXECUTION_FAILED], agent="shell", needs_attention=True, text="make test")
    ).SerializeToString(deterministic=True)
    assert filter_of("session:ses-1").session_id == "ses-1"
    assert filter_of("http://x phase:nonsense a:").text == "http://x phase:nonsense a:"
    assert set(filter_of("phase:running").phases) < set(LIVE)
    assert len(filter_of("x" * 500).text) == 200
    assert not filter_of("  ").ByteSize()


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 250), st.sampled_from(HOSTILE))
def test_rows_fit_any_width_and_are_harmless(width: int, text: str) -> None:
    """From 20 columns to very wide ones; heads stand over their columns."""
    text = text.encode("utf-8", "replace").decode()
    summary = ExecutionSummary(
        execution_id="aex-1",
        agent_name=text,
        subject=text,
        last_line=text,
        error=text,
        last_exit_code=-1,
        attention_count=2,
    )
    columns = columns_for(width)
    cells = cells_of(summary, columns, MOMENT)
    assert all(is_harmless(cell.text) for cell in cells)
    drawn = "".join(cell.text for cell in cells)
    if width >= 20:
        assert len(heads(columns)) <= width
        assert len(drawn.encode("utf-16-le")) // 2 <= width * 2
