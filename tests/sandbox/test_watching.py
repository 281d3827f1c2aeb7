"""When commands are looked at, and what a look at the whole machine tells."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stigmer_runner.sandbox.cgroups import Groups
from stigmer_runner.sandbox.model import CommandLimits
from stigmer_runner.sandbox.readings import MEMORY_STEP, TASKS_STEP, Growth, Reading, machine_reading
from stigmer_runner.sandbox.watching import EVERY, LONGER, SELDOM, Kept, LimitWatch, Watcher
from tests.sandbox.driver import PATIENCE

LIMITS = CommandLimits(processes=1)
FORKS = """
import subprocess, sys
sys.stdin.readline()
children = [subprocess.Popen(["sleep", "60"]) for _ in range(4)]
print("grown", flush=True)
sys.stdin.readline()
[child.kill() for child in children]
"""


def none_left_it() -> Sequence[int]:
    return ()


@pytest.fixture
async def waiter() -> AsyncIterator[asyncio.subprocess.Process]:
    """A program that waits for a line, and has five processes then."""
    process = await asyncio.create_subprocess_exec(
        "python3", "-c", FORKS, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    yield process
    process.stdin.close() if process.stdin else None
    await process.wait()


async def test_what_waits_is_looked_at_seldom_and_what_moves_often(waiter: asyncio.subprocess.Process) -> None:
    watch = LimitWatch(waiter.pid, CommandLimits(processes=9), Path("/"), print, Kept(Groups(), none_left_it), 0.0)
    assert [pause_after(watch) for _ in range(6)] == [EVERY, *(min(EVERY * LONGER**n, SELDOM) for n in range(1, 6))]
    await grown(waiter)
    assert [pause_after(watch) for _ in range(2)] == [EVERY, EVERY * LONGER]


def pause_after(watch: LimitWatch) -> float:
    """Look, and how long it is to the next look."""
    assert watch.look(0.0) == ""
    return watch.due


async def grown(waiter: asyncio.subprocess.Process) -> None:
    """Have it start its processes."""
    assert waiter.stdin is not None
    assert waiter.stdout is not None
    waiter.stdin.write(b"\n")
    await waiter.stdout.readline()


async def test_a_command_that_grows_after_long_waiting_is_found_by_the_machine(
    waiter: asyncio.subprocess.Process,
) -> None:
    """No look at the command is due for long; that the machine has more processes is what makes one."""
    now = Reading(tasks=100, available=1 << 34)
    told = asyncio.Event()
    words: list[str] = []

    def exceeded(what: str) -> None:
        words.append(what)
        told.set()

    with ThreadPoolExecutor(1) as executor:
        watcher = Watcher(executor, lambda: now)
        watch = watcher.watch(waiter.pid, LIMITS, Path("/"), exceeded, Kept(Groups(), none_left_it))
        watch.due = 1e12
        await grown(waiter)
        await asyncio.sleep(3 * EVERY)
        assert words == []
        now = Reading(tasks=100 + TASKS_STEP, available=1 << 34)
        async with asyncio.timeout(PATIENCE):
            await told.wait()
        watcher.close()
    assert words == ["it had more than 1 processes at once"]


@pytest.mark.parametrize(
    ("tasks", "memory", "told"),
    [
        ([100, 100 + TASKS_STEP - 1], [0, 0], False),
        ([100, 100 + TASKS_STEP], [0, 0], True),
        ([100, 60, 60 + TASKS_STEP], [0, 0, 0], True),
        ([100, 100 + TASKS_STEP // 2, 100 + TASKS_STEP], [0, 0, 0], True),
        ([100, 100], [0, MEMORY_STEP - 1], False),
        ([100, 100], [0, MEMORY_STEP], True),
        ([100, 100, 100], [0, -MEMORY_STEP, 0], True),
        ([0, 0], [0, 0], False),
    ],
)
def test_growth_is_told_from_the_least_use_on(tasks: list[int], memory: list[int], told: bool) -> None:
    growth = Growth()
    found = [growth.grew(Reading(each, (1 << 34) - used)) for each, used in zip(tasks, memory, strict=True)]
    assert found == [*[False] * (len(tasks) - 1), told]


def test_the_machine_is_read(tmp_path: Path) -> None:
    here = machine_reading()
    assert here.tasks > 0
    assert here.available > 0
    assert machine_reading(tmp_path) == Reading(0, 0)
    (tmp_path / "loadavg").write_text("0.1 0.2 0.3 2/345 6789\n")
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:       7 kB\n")
    assert machine_reading(tmp_path) == Reading(345, 7 * 1024)
