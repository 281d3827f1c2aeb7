"""Each write, sync, rename and opening of a file fails in turn, once and for good: nothing acknowledged is lost, nothing is acknowledged falsely."""

import asyncio
import errno
import math
import os
import shutil
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from stigmer_backend.store import FileLayer, Lane, StateWrite, Store, StoreFull, StoreOptions, StoreStopped
from tests.chaos.figures import record
from tests.store.stores import append, assert_dense, create, opened, read_all
from tests.support.scale import scaled

pytestmark = pytest.mark.timeout(scaled(300, 7200))

STEPS = scaled(24, 70)
"""Three calls each: more than 200 in a campaign."""
NAMES = ["aex-a", "aex-b"]


class FaultyFiles(FileLayer):
    """Files of which one operation fails, counted from `arm`."""

    def __init__(self, operation: str, at: int, code: int, times: float) -> None:
        self.operation = operation
        self.at = at
        self.code = code
        self.times = times
        self.armed = False
        self.count = 0
        self.failed = 0

    def write_at(self, descriptor: int, data: bytes, offset: int) -> None:
        if self._fails("write"):
            super().write_at(descriptor, data[: len(data) // 2], offset)
            self._raise()
        super().write_at(descriptor, data, offset)

    def sync(self, descriptor: int) -> None:
        if self._fails("sync"):
            self._raise()

    def sync_directory(self, path: Path) -> None:
        if self._fails("sync"):
            self._raise()

    def open(self, path: Path | str, flags: int) -> int:
        if self._fails("open"):
            self._raise()
        return super().open(path, flags)

    def rename(self, source: Path, target: Path) -> None:
        if self._fails("rename"):
            self._raise()
        super().rename(source, target)

    def _fails(self, operation: str) -> bool:
        if not self.armed or operation != self.operation:
            return False
        self.count += 1
        return self.at <= self.count < self.at + self.times

    def _raise(self) -> None:
        self.failed += 1
        raise OSError(self.code, os.strerror(self.code))


@dataclass
class Promises:
    """What was acknowledged."""

    heads: dict[str, int] = field(default_factory=dict[str, int])
    version: int = 0


def sizes(files: FileLayer) -> StoreOptions:
    """Small enough for several rotations and saved indexes."""
    return StoreOptions(
        files=files, chunk_bytes=200, rotate_bytes=1500, index_bytes=1000, hot_executions=1, retry_seconds=0.01
    )


def count_up(state: StateWrite) -> int:
    """A change that can be seen."""
    return state.put("counter", "c", b"x" * 200, created_ns=1, summary=b"")


@asynccontextmanager
async def opened_with(directory: Path, files: FileLayer) -> AsyncGenerator[Store]:
    """A store on these files, closed at the end."""
    store = await Store.open(directory, options=sizes(files))
    try:
        yield store
    finally:
        await store.close()


async def script(store: Store, promises: Promises) -> int:
    """Create, append, write and settle; repeat each call while the disk is full, and return how often that was."""
    refused = 0

    async def call(make: Callable[[], Awaitable[object]]) -> object:
        nonlocal refused
        while True:
            try:
                return await make()
            except StoreFull:
                refused += 1

    for name in NAMES:
        await call(lambda name=name: create(store, name))
        promises.heads[name] = 1
    for step in range(2, STEPS):
        for name in NAMES:
            group = [append(name, step, step=step), append(name, step - 1, step=step, lane=Lane.ENGINE)]
            await call(lambda group=group: store.append(group))
            promises.heads[name] = step
        promises.version = int(str(await call(lambda: store.write(count_up))))
        if step % 9 == 0:
            await call(lambda: store.settle(NAMES[0]))
    return refused


async def check(directory: Path, promises: Promises) -> None:
    """Everything promised is there, once, and groups are whole; the producer can go on from its last step."""
    async with opened(directory, readers=1) as store:
        for name in NAMES:
            if name not in promises.heads and await store.read_state(lambda state: state.count("execution")) < 2:
                continue
            events = await read_all(store, name)
            assert_dense(events)
            assert len(events) >= promises.heads.get(name, 0)
            engine = await read_all(store, name, Lane.ENGINE)
            assert_dense(engine)
            assert len(engine) == len(events) - 1
            again = append(name, len(events), step=len(events))
            assert (await store.append([again]))[0].duplicate
        counter = await store.read_state(lambda state: state.get("counter", "c"))
        assert (counter.version if counter else 0) >= promises.version


@pytest.mark.parametrize("operation", ["sync", "write", "rename", "open"])
@pytest.mark.parametrize("times", [1, math.inf], ids=["once", "for good"])
async def test_a_failing_disk_stops_the_store_and_loses_nothing(scratch: Path, operation: str, times: float) -> None:
    stopped = 0
    at = 1
    while True:
        directory = scratch / f"{at}"
        files = FaultyFiles(operation, at, errno.EIO, times)
        store = await Store.open(directory, options=sizes(files))
        files.armed = True
        promises = Promises()
        if await stops(store, promises):
            stopped += 1
        if not await closes(store) and files.failed == 0:
            pytest.fail("it did not close, and nothing had failed")
        if files.failed == 0:
            break
        await check(directory, promises)
        at += 1 if operation != "write" else scaled(2, 1)
    assert stopped > 0
    record(
        f"each {operation} of the store failing, {'once' if times == 1 else 'and from then on'}",
        at,
        "places of a script",
        f"{stopped:,} stops, nothing acknowledged is lost",
    )


async def stops(store: Store, promises: Promises) -> bool:
    """Run the script, and say whether the store stopped; then it has to say why, and to refuse everything."""
    try:
        await script(store, promises)
    except StoreStopped:
        reason = await asyncio.wait_for(store.failed(), 30)
        await refuses_everything(store)
        return store.failure == reason
    return False


async def closes(store: Store) -> bool:
    """Close the store, and say whether that went well."""
    try:
        await store.close()
    except StoreStopped:
        return False
    return True


async def test_a_failure_is_noted_at_once(scratch: Path) -> None:
    """The process may be killed before it closes the store: what was shown and not synced may be gone then too."""
    files = FaultyFiles("sync", 1, errno.EIO, 1)
    store = await Store.open(scratch / "data", options=sizes(files))
    await create(store, NAMES[0])
    files.armed = True
    with pytest.raises(StoreStopped):
        await store.append([append(NAMES[0], 2, step=2)])
    await asyncio.wait_for(store.failed(), 30)
    shutil.copytree(scratch / "data", scratch / "killed")
    assert await closes(store)
    async with opened(scratch / "killed") as again:
        assert again.incarnation != store.incarnation


async def refuses_everything(store: Store) -> None:
    """A store that stopped answers nothing."""
    for call in (
        lambda: store.append([append(NAMES[0], 9)]),
        lambda: store.write(count_up),
        lambda: store.read_state(lambda state: None),
        lambda: store.wait_beyond(NAMES[0], 10**6),
        lambda: store.wait_revised(1 << 62),
    ):
        with pytest.raises(StoreStopped):
            await asyncio.wait_for(call(), 30)


@pytest.mark.parametrize("times", [1, 3])
async def test_a_full_disk_refuses_cleanly_and_goes_on(scratch: Path, times: int) -> None:
    refused = 0
    at = 1
    while True:
        directory = scratch / f"{at}"
        files = FaultyFiles("write", at, errno.ENOSPC, times)
        async with opened_with(directory, files) as store:
            files.armed = True
            promises = Promises()
            refused += await asyncio.wait_for(script(store, promises), 60)
            assert store.failure is None
            assert promises.heads == dict.fromkeys(NAMES, STEPS - 1)
            files.armed = False
        await check(directory, promises)
        if files.failed == 0:
            break
        at += scaled(2, 1)
    assert refused > 0
    record(
        f"the disk full at each write of the store, {times} {'time' if times == 1 else 'times'}",
        at,
        "places of a script",
        f"{refused:,} calls refused, all went on",
    )
