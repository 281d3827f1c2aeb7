"""The board of changes: a ring of revisions that many read at their own pace."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionSummary
from stigmer_backend.executions.board import BOOT_SHIFT, Board


async def test_a_waiter_is_woken_by_the_next_change_alone() -> None:
    board = Board(3, 0, 10)
    start = board.revision
    assert start == 3 << BOOT_SHIFT
    waiting = asyncio.create_task(board.wait_beyond(start))
    await asyncio.sleep(0)
    assert not waiting.done()
    board.add("a")
    await asyncio.wait_for(waiting, 30)
    await asyncio.wait_for(board.wait_beyond(start), 30)
    assert board.since(start).changed == ("a",)
    assert board.since(board.revision).changed == ()


async def test_the_past_and_other_starts_are_not_known() -> None:
    board = Board(2, 0, 2)
    begin = board.revision
    for name in "abcd":
        board.add(name)
    assert not board.knows(begin)
    assert board.knows(board.revision - 2)
    assert not board.knows(board.revision + 1)
    assert not board.knows((1 << BOOT_SHIFT) + 1)
    assert board.total == 4


async def test_an_ended_row_is_remembered_as_long_as_its_change() -> None:
    board = Board(1, 0, 2)
    board.add("a")
    board.end("a", ExecutionSummary(execution_id="a"))
    assert board.ended("a") == ExecutionSummary(execution_id="a")
    board.add("b")
    board.add("c")
    assert board.ended("a") is None


async def test_one_that_was_removed_and_comes_again_is_there() -> None:
    board = Board(1, 0, 2)
    start = board.revision
    board.add("a")
    board.remove("a")
    assert board.since(start).removed == ("a",)
    board.add("a")
    assert (board.since(start).changed, board.since(start).removed) == (("a",), ())


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.booleans()), max_size=40), st.data())
def test_a_reader_that_reads_now_and_then_ends_where_everything_is(
    steps: list[tuple[str, bool]], data: st.DataObject
) -> None:
    asyncio.run(_reads(steps, data))


async def _reads(steps: list[tuple[str, bool]], data: st.DataObject) -> None:
    board = Board(1, 0, 100)
    there: set[str] = set()
    gone: set[str] = set()
    seen: set[str] = set()
    place = board.revision
    for name, remove in steps:
        if name in gone:
            continue
        if remove and name in there:
            board.remove(name)
            there.discard(name)
            gone.add(name)
        elif name in there:
            board.touch(name)
        else:
            board.add(name)
            there.add(name)
        if data.draw(st.booleans()):
            place = _look(board, place, seen)
    _look(board, place, seen)
    assert seen == there
    assert board.total == len(there)


def _look(board: Board, place: int, seen: set[str]) -> int:
    changes = board.since(place)
    seen.update(changes.changed)
    seen.difference_update(changes.removed)
    return changes.revision
