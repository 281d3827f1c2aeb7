"""The plain form of running a command: one suite for every kind of place that runs them."""

import asyncio

import pytest

from stigmer_runner.sandbox import end_marked_processes
from stigmer_runner.tools.shell.executing import TIMED_OUT, Executes, SandboxExecutor
from tests.tools.bench import ToolBench


@pytest.fixture
def place(bench: ToolBench) -> Executes:
    """With walls and without."""
    return SandboxExecutor(bench.session.place)


async def test_exit_code_and_outputs_are_apart(place: Executes) -> None:
    told = await place.execute("echo out; echo err >&2; exit 5")
    assert (told.exit_code, told.stdout, told.stderr, told.timed_out, told.remark) == (5, "out\n", "err\n", False, "")


async def test_it_runs_in_the_workspace(place: Executes, bench: ToolBench) -> None:
    told = await place.execute("pwd; echo text >file")
    assert told.stdout == f"{bench.workspace}\n"
    assert (bench.workspace / "file").read_text() == "text\n"


async def test_nothing_carries_over(place: Executes) -> None:
    await place.execute("cd /; export A=1")
    assert (await place.execute("echo $A; pwd | grep -c session")).stdout == "\n1\n"


async def test_a_timeout_keeps_what_came_and_leaves_nothing(place: Executes, bench: ToolBench) -> None:
    told = await place.execute("echo before; echo wrong >&2; (setsid sleep 1000 &) ; sleep 1000", timeout=0.5)
    assert (told.exit_code, told.stdout, told.stderr, told.timed_out) == (TIMED_OUT, "before\n", "wrong\n", True)
    assert "0.5 seconds" in told.remark
    assert await asyncio.to_thread(end_marked_processes, bench.session.place.marker_prefix) == ()


async def test_a_program_that_is_not_there(place: Executes) -> None:
    told = await place.execute("nosuchprogram")
    assert told.exit_code == 127
    assert "nosuchprogram" in told.stderr


async def test_there_is_no_input(place: Executes) -> None:
    assert (await place.execute("cat; echo end", timeout=20)).stdout == "end\n"


async def test_bytes_that_are_no_text_are_replaced(place: Executes) -> None:
    assert (await place.execute("printf 'a\\377b'")).stdout == "a\ufffdb"


async def test_a_cancel_leaves_nothing(place: Executes, bench: ToolBench) -> None:
    running = asyncio.create_task(place.execute("sleep 1000"))
    await asyncio.sleep(0.3)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await asyncio.to_thread(end_marked_processes, bench.session.place.marker_prefix) == ()


async def test_many_at_once(place: Executes) -> None:
    told = await asyncio.gather(*(place.execute(f"echo {number}") for number in range(10)))
    assert [each.stdout for each in told] == [f"{number}\n" for number in range(10)]
