"""Many subscribers over TLS on a line that is cut again and again: each sees each event once, in order."""

import asyncio
import random
from collections import Counter
from pathlib import Path

import pytest

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event, LogLine
from stigmer_apis.client import Client, ClientOptions, TailBatch, TailEnd, TailReset
from stigmer_apis.client.remote import Remote
from tests.chaos.figures import record
from tests.load.proxy import Proxy, proxied
from tests.remote.served import Networked, networked
from tests.support.scale import scaled
from tests.support.scripted_runner import ScriptedRunner

SUBSCRIBERS = scaled(10, 100)
EVENTS = scaled(500, 10_000)
GROUP = 10
"""Events of an append."""
SECONDS = scaled(4, 60)
"""How long the events take to be made, about."""


def line(number: int) -> Event:
    """One that can be told from the others."""
    return Event(log_line=LogLine(component="test", text=f"line {number}"))


async def subscribe(server: Networked, proxy: Proxy, key: str, execution_id: str, dice: random.Random) -> list[str]:
    """The texts of all lines, as one subscriber is told them who is cut once it is connected. Raises `AssertionError` for a number that is not the next one."""
    seen, last = list[str](), 0
    remote = Remote(proxy.endpoint, key)
    async with Client(server.served.home, remote=remote, options=ClientOptions(patience=60.0)) as client:
        cutting = asyncio.create_task(proxy.cut_again_and_again(dice, 0.1, 2.0))
        try:
            async for item in client.tail(execution_id):
                match item:
                    case TailBatch(first_seq, events):
                        assert first_seq == last + 1
                        last += len(events)
                        seen += [event.log_line.text for event in events if event.HasField("log_line")]
                    case TailReset():
                        raise AssertionError(f"a subscriber was sent back: {item}")
                    case TailEnd(final_seq):
                        assert final_seq == last
                    case _:
                        pass
        finally:
            cutting.cancel()
    return seen


async def produce(runner: ScriptedRunner, execution_id: str) -> None:
    """Make the events, in groups with pauses."""
    await runner.begin(execution_id)
    for first in range(0, EVENTS, GROUP):
        await runner.append(execution_id, [line(number) for number in range(first, first + GROUP)], wait=False)
        await asyncio.sleep(SECONDS * GROUP / EVENTS)
    await runner.complete(execution_id)


@pytest.mark.timeout(scaled(120, 3600))
async def test_each_subscriber_sees_each_event_once(short_tmp: Path) -> None:
    async with networked(short_tmp) as server, asyncio.TaskGroup() as background:
        runner = ScriptedRunner(server.served.home, "run-a", server.served.tokens.issue_runner("run-a"))
        await runner.connect()
        execution_id = (await server.served.run()).metadata.id
        cuts = 0
        async with asyncio.TaskGroup() as tasks:
            beating = background.create_task(beat(runner))
            subscribers = [
                tasks.create_task(cut_subscriber(server, execution_id, number)) for number in range(SUBSCRIBERS)
            ]
            tasks.create_task(produce(runner, execution_id))
        wanted = [f"line {number}" for number in range(EVENTS)]
        for subscriber in subscribers:
            seen, cut = subscriber.result()
            assert seen == wanted, (Counter(seen) - Counter(wanted), Counter(wanted) - Counter(seen))
            cuts += cut
        beating.cancel()
        await runner.disconnect()
        assert cuts >= SUBSCRIBERS
    record(
        "subscribers over TLS through proxies that cut every 0.1 to 2 s",
        cuts,
        "cuts",
        f"{SUBSCRIBERS} subscribers, {EVENTS:,} events: each saw each once, in order",
    )


async def beat(runner: ScriptedRunner) -> None:
    """Keep the runner's lease."""
    while True:
        await runner.heartbeat()
        await asyncio.sleep(1)


async def cut_subscriber(server: Networked, execution_id: str, number: int) -> tuple[list[str], int]:
    """What one subscriber saw behind a proxy of its own, and how often it was cut."""
    async with proxied(server.listener.port) as proxy:
        key = server.key(name=f"subscriber {number}")
        return await subscribe(server, proxy, key, execution_id, random.Random(number)), proxy.cuts
