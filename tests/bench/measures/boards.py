"""The app over homes with a long past."""

import asyncio
import time
from collections.abc import Sequence

from stigmer_backend.executions.listing import ORDERED_ROWS
from tests.bench.figures import Figure, ratio_at_most
from tests.bench.rounds import in_turn
from tests.bench.run import Bench
from tests.bench.screen import started
from tests.bench.seeding import seed_executions, seed_rows
from tests.support.workstation import Workstation, new_workstation

FEW = 10
LIST_KEYS = b"\x1b"
"""From the composer to the list: escape."""
MOST = 1_000_000
"""Executions without events of their own: what the lists of so many cost."""
FILTER_KEYS, GROUP_KEYS, SORT_KEYS = b"/phase:completed\r", b"bj\r", b"sjjjj\r"


async def long_boards(bench: Bench) -> Sequence[Figure]:
    """Opening the board over many executions, and going to the last one, beside a board with ten."""
    counts = (10_000,) if bench.short else (10_000, 100_000)
    figures: list[Figure] = []
    with new_workstation() as few:
        await seed_executions(few, FEW)
        for count in counts:
            with new_workstation() as many:
                await seed_executions(many, count)
                figures += await _compare(bench, few, many, count)
        count = 20_000 if bench.short else MOST
        with new_workstation() as many:
            await seed_rows(many, count)
            figures += await _look_about(bench, few, many, count)
    return figures


async def _look_about(bench: Bench, few: Workstation, many: Workstation, count: int) -> list[Figure]:
    """From the key to the screen: the end, a filter, groups, another order, beside the same over ten."""
    for workstation in (few, many):
        await asyncio.to_thread(workstation.run, "server", "start")

    async def look_few() -> float:
        return await asyncio.to_thread(_steps, few, FEW, apart["few"])

    async def look_many() -> float:
        return await asyncio.to_thread(_steps, many, count, apart["many"])

    apart: dict[str, dict[str, list[float]]] = {"few": {}, "many": {}}
    rounds = await in_turn(bench.size(3, 7), {"many": look_many, "few": look_few})
    figures = [
        Figure(
            name=f"board over {count:,} executions without events",
            value=rounds.median("many"),
            unit="ms",
            baseline=rounds.median("few"),
            baseline_name=f"a board over {FEW}",
            ratio=rounds.ratio("many", "few"),
            budget=ratio_at_most(1.25),
            method="process start to the newest rows on the screen, daemon running",
        )
    ]
    for step, values in apart["many"].items():
        ten = sorted(apart["few"][step])[len(apart["few"][step]) // 2]
        value = sorted(values)[len(values) // 2]
        figures.append(
            Figure(
                name=f"board over {count:,} executions: {step}",
                value=value,
                unit="ms",
                baseline=ten,
                baseline_name=f"a board over {FEW}",
                ratio=value / ten,
                method="from the last key to what it asks for on the screen",
            )
        )
    return figures


def _steps(workstation: Workstation, count: int, took: dict[str, list[float]]) -> float:
    """Milliseconds to the newest rows; what each step takes goes into `took`."""
    begin = time.perf_counter()
    with started(workstation.command("tui"), workstation.environ()) as screen:
        opened = screen.until(lambda text: text.count("echo seed") >= 5, "the newest rows") - begin
        screen.settle()
        screen.write(LIST_KEYS)
        screen.settle()
        for step, before, keys, shows in (
            ("to the oldest", b"", b"G", f"echo seed {count - 1}"),
            ("by phase", b"", FILTER_KEYS, f"{count:,} of {count:,} runs match"),
            ("by agent", LIST_KEYS, GROUP_KEYS, "1 by agent"),
            ("by cost", b"bk\r", SORT_KEYS, "cost   " if count <= ORDERED_ROWS else "of the newest"),
        ):
            screen.write(before)
            screen.settle()
            begin = time.perf_counter()
            screen.write(keys)
            at = screen.until(lambda text, shows=shows: shows in text, step)
            took.setdefault(step, []).append((at - begin) * 1e3)
            screen.settle()
        return opened * 1e3


async def _compare(bench: Bench, few: Workstation, many: Workstation, count: int) -> list[Figure]:
    for workstation in (few, many):
        await asyncio.to_thread(workstation.run, "server", "start")
    ends: list[float] = []

    async def open_few() -> float:
        return (await asyncio.to_thread(_open, few, FEW))[0]

    async def open_many() -> float:
        opened, end = await asyncio.to_thread(_open, many, count)
        ends.append(end)
        return opened

    rounds = await in_turn(bench.size(3, 7), {"many": open_many, "few": open_few})
    return [
        Figure(
            name=f"board over {count:,} executions",
            value=rounds.median("many"),
            unit="ms",
            baseline=rounds.median("few"),
            baseline_name=f"a board over {FEW}",
            ratio=rounds.ratio("many", "few"),
            budget=ratio_at_most(1.25),
            method='process start to the newest rows on the screen, daemon running; "as fast as ten" is held to a quarter more',
        ),
        Figure(
            name=f"board over {count:,} executions: to the oldest",
            value=sorted(ends)[len(ends) // 2],
            unit="ms",
            method="from the key `G` to the oldest row on the screen",
        ),
    ]


def _open(workstation: Workstation, count: int) -> tuple[float, float]:
    """Milliseconds to the newest rows, and from there to the oldest one."""
    begin = time.perf_counter()
    with started(workstation.command("tui"), workstation.environ()) as screen:
        opened = screen.until(lambda text: text.count("echo seed") >= 5, "the newest rows") - begin
        screen.settle()
        screen.write(LIST_KEYS)
        screen.settle()
        begin = time.perf_counter()
        screen.write(b"G")
        end = screen.until(lambda text: f"echo seed {count - 1}" in text, "the oldest row") - begin
        return opened * 1e3, end * 1e3
