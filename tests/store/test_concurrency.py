"""Many at once: each sees every message once, in order, whatever the others do."""

import asyncio
import random
from pathlib import Path

import pytest

from stigmer_backend.store import Lane, Store, StoreKind
from tests.store.stores import KINDS, append, assert_dense, create, opened, read_all, split
from tests.support.scale import scaled

EXECUTIONS = 12
STEPS = scaled(60, 1500)


async def produce(store: Store, name: str, counts: list[int], chance: random.Random) -> None:
    """Append in both lanes, sometimes twice, sometimes in a hurry, and move things to `events.fs` in between."""
    head = 1
    for step, count in enumerate(counts, 2):
        group = [append(name, head + 1, count, step=step), append(name, step - 1, step=step, lane=Lane.ENGINE)]
        placed = await store.append(group, urgent=chance.random() < 0.3)
        assert placed[0].first_seq == head + 1
        head += count
        if chance.random() < 0.1:
            assert all(found.duplicate for found in await store.append(group))
        if chance.random() < 0.05:
            await store.settle(name)


async def follow(store: Store, name: str, total: int, chance: random.Random) -> list[bytes]:
    """Everything that a cursor sees from the first message to the last."""
    seen: list[bytes] = []
    while len(seen) < total:
        assert await store.wait_beyond(name, len(seen)) > len(seen)
        for batch in await store.read(name, len(seen), chance.choice((1, 300, 1 << 20))):
            assert batch.first_seq <= len(seen) + 1 <= batch.last_seq
            seen += split(batch)[len(seen) + 1 - batch.first_seq :]
        if chance.random() < 0.1:
            await asyncio.sleep(0.002)
    return seen


@pytest.mark.parametrize("kind", KINDS)
async def test_every_subscriber_sees_each_message_once(tmp_path: Path, kind: StoreKind) -> None:
    chance = random.Random(8)
    plans = {f"aex-{n}": [chance.choice((1, 1, 1, 5)) for _ in range(STEPS)] for n in range(EXECUTIONS)}
    async with opened(
        tmp_path, kind=kind, chunk_bytes=400, rotate_bytes=8000, hot_executions=4, delta_sync_seconds=0.005
    ) as store:
        for name in plans:
            await create(store, name)
        followers: list[asyncio.Task[list[bytes]]] = []
        async with asyncio.TaskGroup() as group:
            for name, counts in plans.items():
                group.create_task(produce(store, name, counts, chance))
                for _ in range(2):
                    followers.append(group.create_task(follow(store, name, 1 + sum(counts), chance)))
        for number, (name, counts) in enumerate(plans.items()):
            found = await read_all(store, name)
            assert_dense(found)
            assert len(found) == 1 + sum(counts)
            assert [follower.result() for follower in followers[2 * number : 2 * number + 2]] == [found, found]
            assert_dense(await read_all(store, name, Lane.ENGINE))


async def test_a_subscriber_that_does_not_read_holds_up_nobody(tmp_path: Path) -> None:
    """A cursor costs the store nothing while it stands still, and goes on from where it was, from `events.fs` by then."""
    async with opened(tmp_path, chunk_bytes=1000, rotate_bytes=20_000, hot_executions=2) as store:
        for name in ("aex-slow", "aex-a", "aex-b", "aex-c"):
            await create(store, name)
        assert await store.wait_beyond("aex-slow", 0) == 1
        for seq in range(2, 1000):
            await store.append([append("aex-slow", seq)])
        for name in ("aex-a", "aex-b", "aex-c"):
            await store.append([append(name, 2)])
        assert_dense(found := await read_all(store, "aex-slow", max_bytes=500))
        assert len(found) == 999
