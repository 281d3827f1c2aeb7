"""A daemon that works for hours does not grow: memory and open files, at 10 runs and 20 subscribers."""

import asyncio
import math
import os
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from stigmer_apis.client import TailBatch
from tests.chaos.figures import record
from tests.load.living import Living, living
from tests.support.scale import in_campaign, scaled
from tests.support.waiting import eventually

RUNS = 10
BYTES = 200
"""Of an event: what is folded of a run is full after some minutes."""
SUBSCRIBERS = 20
SECONDS = int(os.environ.get("STIGMER_FLAT_SECONDS", scaled(5, 7200)))
"""STIGMER_FLAT_SECONDS sets another length."""
WARM = int(os.environ.get("STIGMER_FLAT_WARM", scaled(2, 600)))
"""Seconds at the beginning that are not looked at: caches fill."""
MOST_MIB_AN_HOUR = 1.0
"""In two hours the standard error of what is measured is some 0.3; a short run says as little as its own tells."""
MOST_MIB_SHORT = 24.0
"""In a short run, which says nothing of an hour."""


async def subscribe(server: Living, execution_id: str) -> None:
    """Read from where it stands, for some seconds, then come again: as clients do in two hours."""
    last, incarnation = 0, ""
    while True:
        try:
            async with asyncio.timeout(scaled(2, 60)), server.client() as client:
                async for item in client.tail(execution_id, last, incarnation=incarnation):
                    if isinstance(item, TailBatch):
                        assert item.first_seq == last + 1
                        last, incarnation = last + len(item.events), item.incarnation
        except TimeoutError:
            continue


def slope(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """How much y grows with each x, by least squares over the means of twenty stretches, and the standard error of that: caches that fill and are
    emptied move each point, and its neighbours with it."""
    length = max(1, len(points) // 20)
    stretches = [points[start : start + length] for start in range(0, len(points) - length + 1, length)]
    means = [tuple(sum(part) / length for part in zip(*stretch, strict=True)) for stretch in stretches]
    count = len(means)
    mean_x, mean_y = (sum(part) / count for part in zip(*means, strict=True))
    spread = sum((x - mean_x) ** 2 for x, _ in means)
    found = sum((x - mean_x) * (y - mean_y) for x, y in means) / spread
    left = sum((y - mean_y - found * (x - mean_x)) ** 2 for x, y in means)
    return found, math.sqrt(left / (count - 2) / spread)


@pytest.mark.timeout(SECONDS + WARM + 600)
async def test_memory_and_descriptors_are_flat(tmp_path: Path) -> None:
    async with living(tmp_path, "flat", BYTES) as server:
        names = [(await server.local.run("shell", f"echo {number}")).metadata.id for number in range(RUNS)]
        await eventually(lambda: set(names) <= set(server.producer.acknowledged()))
        memory, files = list[tuple[float, float]](), list[tuple[float, float]]()
        async with asyncio.TaskGroup() as tasks:
            subscribers = [tasks.create_task(subscribe(server, names[number % RUNS])) for number in range(SUBSCRIBERS)]
            await asyncio.sleep(WARM)
            begin = time.monotonic()
            while (at := time.monotonic() - begin) < SECONDS:
                memory.append((at / 3600, server.resident / (1 << 20)))
                files.append((at / 3600, server.descriptors))
                await asyncio.sleep(min(5.0, SECONDS / 20))
            for subscriber in subscribers:
                subscriber.cancel()
        grown, opened = memory[-1][1] - memory[0][1], files[-1][1] - files[0][1]
        assert abs(opened) <= 2 * SUBSCRIBERS, files
        told = (
            f"memory {memory[0][1]:.0f} to {memory[-1][1]:.0f} MiB, {files[0][1]:.0f} to {files[-1][1]:.0f} open files"
        )
        if in_campaign():
            (grows, error), (opens, _) = slope(memory), slope(files)
            told += f"; {grows:+.2f} MiB an hour (standard error {error:.2f}), {opens:+.1f} files an hour"
            assert grows - 2 * error < MOST_MIB_AN_HOUR, told
        else:
            assert grown < MOST_MIB_SHORT, told
        events = sum(server.producer.acknowledged().values())
    record(
        f"{RUNS} runs and {SUBSCRIBERS} subscribers over TLS that come and go",
        SECONDS,
        f"s after the first {WARM}",
        f"{told}; {events:,} events",
    )
