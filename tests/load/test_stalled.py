"""A subscriber that does not read costs little and delays nobody."""

import asyncio
import time
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import TailRequest
from stigmer_apis.client import TailBatch
from tests.chaos.figures import record
from tests.load.living import Living, living
from tests.support.scale import scaled
from tests.support.waiting import eventually

SECONDS = scaled(3, 600)
"""Three times: warm up, without it, with it."""
MOST_BYTES = 8 << 20


class Follower:
    """Reads an execution as it grows, and how late each event came."""

    def __init__(self) -> None:
        self.last = 0
        self.late: list[float] = []

    async def follow(self, server: Living, execution_id: str) -> None:
        """Until cancelled."""
        async with server.client() as client:
            async for item in client.tail(execution_id):
                if isinstance(item, TailBatch):
                    assert item.first_seq == self.last + 1
                    self.last += len(item.events)
                    self.late.append(time.time() - item.events[-1].time_unix_micros / 1e6)

    def latest(self) -> float:
        """The 99th percentile of the lateness since the last time, in seconds."""
        ordered = sorted(self.late) or [0.0]
        self.late = []
        return ordered[int(len(ordered) * 0.99)]


@pytest.mark.timeout(scaled(120, 3600))
async def test_a_stalled_subscriber_costs_little_and_delays_nobody(tmp_path: Path) -> None:
    async with living(tmp_path, "stall") as server, AsyncExitStack() as stack:
        name = (await server.local.run("shell", "true")).metadata.id
        follower = Follower()
        following = asyncio.create_task(follower.follow(server, name))
        stack.callback(following.cancel)
        await eventually(lambda: follower.last > 1000)
        await asyncio.sleep(SECONDS)
        warm = server.resident
        await asyncio.sleep(SECONDS)
        before, begin, late_before = server.resident, follower.last, follower.latest()
        wire, _ = await server.remote().dial(30.0)
        stack.push_async_callback(wire.channel.close)
        stalled = wire.executions.Tail(TailRequest(execution_id=name, follow=True), metadata=wire.metadata())
        await stalled.wait_for_connection()
        await asyncio.sleep(SECONDS)
        more, told, late = server.resident - before - max(0, before - warm), follower.last - begin, follower.latest()
        assert not following.done()
        assert told > 100 * SECONDS, "the reader that reads goes on"
        assert more <= MOST_BYTES
        goal = max(server.producer.acknowledged().values())
        await eventually(lambda: follower.last >= goal)
        stalled.cancel()
    record(
        "one subscriber over TLS reads nothing while another reads",
        SECONDS,
        f"s, {told / SECONDS:,.0f} events/s",
        f"{max(0, more) / (1 << 20):.1f} MiB more in the daemon than in the time before; the other's events are late by {late * 1000:.0f} ms (p99; {late_before * 1000:.0f} ms before)",
    )
