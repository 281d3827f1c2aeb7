"""A daemon that works for hours does not grow: memory and open files, at 10 runs and 20 subscribers."""

import asyncio
import os
import time
from pathlib import Path

import pytest

from stigmer_apis.client import TailBatch
from stigmer_apis.errors import Unavailable
from tests.load.flatness import FlatLog, Load, Moment, file_slope, keep, memory_slope, read, told
from tests.load.living import Living, living
from tests.support.scale import in_campaign, scaled
from tests.support.waiting import eventually

RUNS = 10
SUBSCRIBERS = 20
BYTES = scaled(2_000, 500)
"""Of an event: what is folded of a run is full after two seconds, or after some minutes."""
PAUSE = scaled(4, 20) / 1000
"""Most seconds between two appends: 1,000 events a second in a short run, and 400 in two hours, which then take no more than a quarter of a core."""
SECONDS = int(os.environ.get("STIGMER_FLAT_SECONDS", scaled(5, 7200)))
"""STIGMER_FLAT_SECONDS sets another length."""
WARM = int(os.environ.get("STIGMER_FLAT_WARM", scaled(2, 600)))
"""Seconds at the beginning that are not looked at: caches fill."""
LOG = os.environ.get("STIGMER_FLAT_LOG", "")
"""A file that each moment is written to at once (`flatness.py`), so that a slope can be read before the end."""
MOST_MIB_AN_HOUR = 1.0
"""In two hours the standard error of what is measured is some 0.3; a short run says as little as its own tells."""
MOST_MIB_SHORT = 16
"""In a short run, which says nothing of an hour: what is on its way moves by some MiB."""


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
        except (TimeoutError, Unavailable):  # On a machine busy with other work a greeting may come too late.
            continue


@pytest.mark.timeout(SECONDS + WARM + 600)
async def test_memory_and_descriptors_are_flat(tmp_path: Path) -> None:
    path = Path(LOG) if LOG else tmp_path / "flat.log"
    async with living(tmp_path, "flat", BYTES, PAUSE) as server:
        names = [(await server.local.run("shell", f"echo {number}")).metadata.id for number in range(RUNS)]
        await eventually(lambda: set(names) <= set(server.producer.acknowledged()))
        log = FlatLog(path, Load(runs=RUNS, subscribers=SUBSCRIBERS, bytes=BYTES, warm=WARM))
        async with asyncio.TaskGroup() as tasks:
            subscribers = [tasks.create_task(subscribe(server, names[number % RUNS])) for number in range(SUBSCRIBERS)]
            await asyncio.sleep(WARM)
            begin = time.monotonic()
            while (at := time.monotonic() - begin) < SECONDS:
                events = sum(server.producer.acknowledged().values())
                log.note(
                    Moment(
                        seconds=at,
                        memory=server.resident,
                        files=server.descriptors,
                        events=events,
                        worked=server.worked,
                    )
                )
                await asyncio.sleep(min(5.0, SECONDS / 20))
            for subscriber in subscribers:
                subscriber.cancel()
    moments = log.moments
    assert read(path) == (log.load, moments)
    assert abs(moments[-1].files - moments[0].files) <= 2 * SUBSCRIBERS, told(moments)
    if in_campaign():
        memory = memory_slope(moments)
        assert memory.an_hour - 2 * memory.error < MOST_MIB_AN_HOUR, told(moments)
        files = file_slope(moments)
        assert files.an_hour - 2 * files.error < 1, told(moments)
    else:
        assert moments[-1].memory - moments[0].memory < MOST_MIB_SHORT << 20, told(moments)
    keep(log.load, moments)
