"""Kill -9 of the daemon at random moments, while producers append and subscribers read."""

import asyncio
import random
import signal
from pathlib import Path

import pytest

from tests.chaos.acting_runner import ActingRunner
from tests.chaos.daemon import DaemonProcess, client_of
from tests.chaos.figures import record
from tests.chaos.link import numbers_of
from tests.chaos.reading import everything
from tests.support.scale import scaled
from tests.support.workstation import Workstation, new_workstation

EXECUTIONS = 4
SEED = "kills-3"
FINISH_SECONDS = 60.0


async def kill_again_and_again(workstation: Workstation, kills: int, dice: random.Random) -> int:
    """So many daemons one after the other, each killed; one that answers is left running. Returns how many died before they answered."""
    early = 0
    for _ in range(kills):
        daemon = DaemonProcess.start(workstation)
        if dice.random() < 0.2:
            early += 1
            await asyncio.sleep(dice.uniform(0, 0.8))
        else:
            await daemon.answers()
            await asyncio.sleep(dice.expovariate(4.0))
        daemon.kill()
    return early


@pytest.mark.timeout(scaled(1200, 4 * 3600))
async def test_nothing_acknowledged_is_lost_or_doubled(tmp_path: Path) -> None:
    """Producers over the real link, the ledger of what was acknowledged kept outside, a subscriber on each execution all the while."""
    kills = scaled(20, 1_000)
    dice = random.Random(SEED)
    with new_workstation() as workstation:
        producer = ActingRunner.start(workstation, tmp_path, SEED)
        daemon = DaemonProcess.start(workstation)
        await daemon.answers()
        async with client_of(workstation) as client:
            ids = [(await client.run("shell", f"echo {n}")).metadata.id for n in range(EXECUTIONS)]
            async with asyncio.TaskGroup() as tasks:
                readers = [tasks.create_task(everything(client, name, follow=True)) for name in ids]
                await asyncio.to_thread(
                    workstation.until, lambda: set(ids) <= set(producer.acknowledged()), "leases of all"
                )
                daemon.kill()
                early = await kill_again_and_again(workstation, kills, dice)
                daemon = DaemonProcess.start(workstation)
                await daemon.answers()
                producer.child.send_signal(signal.SIGTERM)
                assert await asyncio.to_thread(producer.child.wait, FINISH_SECONDS) == 0, producer.log()
            acknowledged = producer.acknowledged()
            total = 0
            for name, reader in zip(ids, readers, strict=True):
                stored = await everything(client, name, follow=False)
                numbers = numbers_of(stored)
                assert numbers == list(range(1, len(numbers) + 1)), f"lost or doubled in {name}"
                assert len(numbers) >= acknowledged[name], f"{name} lost what was acknowledged"
                assert reader.result() == stored, f"the subscriber of {name} saw something else"
                total += len(numbers)
            assert min(acknowledged.values()) > kills // 2
        record(
            "kill -9 of the daemon, producers over the link",
            kills,
            f"kills, {early} of them while it started",
            f"{total:,} events in {EXECUTIONS} executions, {sum(acknowledged.values()):,} acknowledged: 0 lost, 0 doubled, sequences dense; each subscriber saw each event once",
        )
