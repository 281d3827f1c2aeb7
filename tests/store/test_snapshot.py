"""A snapshot is the store as if it had been killed at that moment, whatever is written meanwhile."""

import asyncio
import os
from pathlib import Path

import pytest

from stigmer_backend.store import NoFiles, Snapshot, StateWrite, Store, StoreKind
from stigmer_backend.store.digest import write_digest
from stigmer_backend.store.files import FileLayer
from tests.store.stores import append, assert_dense, create, opened, read_all
from tests.support.scale import scaled
from tests.support.waiting import eventually

RUNS = 4


def put_down(snapshot: Snapshot, directory: Path) -> None:
    """The files of a snapshot as a store's directory."""
    (directory / "journal").mkdir(parents=True)
    for file in snapshot.files:
        (directory / file.path).write_bytes(os.pread(file.descriptor, file.size, 0))
        if file.written is not None:
            write_digest(directory / file.path, file.size, file.written.tid, file.written.chain, FileLayer())
    (directory / "manifest").write_bytes(snapshot.manifest)


async def test_snapshots_under_load_hold_what_was_acknowledged_before_and_nothing_torn(scratch: Path) -> None:
    """Small journals and chunks, so that files are rotated away while they are looked at."""
    acknowledged = dict.fromkeys((f"aex-{number}" for number in range(RUNS)), 1)
    enough = asyncio.Event()

    async def write(store: Store, execution: str) -> None:
        while not enough.is_set():
            step = acknowledged[execution] + 1
            await store.append([append(execution, step, step=step)])
            acknowledged[execution] = step

    async def touch(store: Store) -> None:
        count = 0
        while not enough.is_set():
            count += 1
            data = b"%d" % count

            def change(state: StateWrite, data: bytes = data) -> None:
                state.put("note", "n", data, created_ns=1, summary=b"")

            await store.write(change)
            await create(store, f"aex-born-{count}")

    found: list[tuple[Snapshot, dict[str, int]]] = []
    async with opened(scratch / "data", chunk_bytes=300, rotate_bytes=4000) as store, asyncio.TaskGroup() as group:
        for execution in acknowledged:
            await create(store, execution)
            group.create_task(write(store, execution))
        group.create_task(touch(store))
        for _ in range(scaled(12, 200)):
            known = dict(acknowledged)
            found.append((await store.snapshot(), known))
            await asyncio.sleep(0.01)
        enough.set()
    for number, (snapshot, known) in enumerate(found):
        with snapshot:
            put_down(snapshot, scratch / f"s{number}")
        async with opened(scratch / f"s{number}") as copy:
            assert not copy.report.cuts
            for execution, head in known.items():
                messages = await read_all(copy, execution)
                assert_dense(messages)
                assert len(messages) >= head
            records = await copy.read_state(
                lambda state: [row.id for row in state.page("execution", "", limit=100_000)]
            )
            for execution in records:
                assert await copy.head(execution) > 0


async def test_a_store_in_memory_has_nothing_to_copy_and_one_that_nobody_waits_for_is_closed(scratch: Path) -> None:
    async with opened(scratch, kind=StoreKind.MEMORY) as store:
        with pytest.raises(NoFiles, match="in memory"):
            await store.snapshot()
    async with opened(scratch / "data") as store:
        before = len(os.listdir("/proc/self/fd"))
        taking = asyncio.ensure_future(store.snapshot())
        await asyncio.sleep(0)
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)
        await create(store, "aex-a")
        await eventually(lambda: len(os.listdir("/proc/self/fd")) == before)
