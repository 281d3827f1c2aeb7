"""Space comes back: live, with nothing lost and nothing answered otherwise, whatever stops it."""

import asyncio
import errno
import os
import random
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from stigmer_backend.store import (
    DatabaseName,
    FileLayer,
    NoFiles,
    PackAbandoned,
    StateRead,
    StateWrite,
    Store,
    StoreClosed,
    StoreDamaged,
    StoreFull,
    StoreKind,
    StoreOptions,
    StoreStopped,
    UnknownExecution,
    examine,
)
from tests.chaos.figures import record
from tests.store.power import PowerFiles
from tests.store.stores import append, assert_dense, create, opened, read_all
from tests.store.test_power_cut import start_again
from tests.support.scale import scaled

pytestmark = pytest.mark.timeout(scaled(300, 3600))

KEPT, GONE = "aex-kept", "aex-gone"
TURNS = 12


def turn(number: int) -> Callable[[StateWrite], int]:
    """A change of two records, one of which comes and goes."""

    def change(state: StateWrite) -> int:
        if number % 2:
            state.delete("agent", "agt-passing")
        else:
            state.put("agent", "agt-passing", b"p" * 3000, created_ns=2, summary=b"p")
        return state.put(
            "agent", "agt", b"%d:" % number + b"x" * 2000, slug="reviewer", created_ns=1, summary=b"%d" % number
        )

    return change


async def fill(store: Store) -> None:
    """Two executions, one of which is removed, and a record that changed often."""
    for name in (KEPT, GONE):
        await create(store, name)
        for step in range(2, 80):
            await store.append([append(name, step, step=step, size=200)])
        await store.settle(name)
    await store.remove_events([GONE])
    for number in range(TURNS):
        await store.write(turn(number))


async def check(store: Store, least: int = 79, version: int = TURNS) -> None:
    """What has to be there: at least so many events, and a record of at least this version."""
    found = await read_all(store, KEPT)
    assert_dense(found, 200) if len(found) < 2 else assert_dense(found[:1])
    assert len(found) >= least
    with pytest.raises(UnknownExecution):
        await store.head(GONE)
    record = await store.read_state(lambda state: state.get("agent", "agt"))
    assert record is not None
    assert record.version >= version
    assert record.data.startswith(b"%d:" % (record.version - 1))
    assert await store.read_state(lambda state: state.by_slug("agent", "reviewer")) == "agt"


def names(directory: Path, pattern: str) -> set[str]:
    """What the files are called."""
    return {path.name for path in directory.glob(pattern)}


async def test_space_comes_back_and_everything_else_stays(tmp_path: Path) -> None:
    async with opened(tmp_path, chunk_bytes=1000) as store:
        await fill(store)
        revision = store.revision
        for name in DatabaseName:
            usage = await store.usage(name)
            assert usage.dead > 0
            packed = await store.pack(name)
            assert packed.after < packed.before
            assert (await store.usage(name)).dead < 200
        assert store.revision == revision
        await check(store)
        assert names(tmp_path, "*.fs*") == {
            f"{name}.2.fs{side}" for name in ("state", "events") for side in ("", ".digest", ".index", ".lock")
        }
        await store.append([append(KEPT, 80, step=80, size=200)])
        await store.write(turn(TURNS))
        assert not [found.problem for found in examine(tmp_path) if found.problem]
    for _ in range(2):
        async with opened(tmp_path, chunk_bytes=1000) as store:
            await check(store, 80, TURNS + 1)
            assert (await store.append([append(KEPT, 80, step=80)]))[0].duplicate
            assert (await store.pack(DatabaseName.STATE)).after > 0
    assert names(tmp_path, "*.fs") == {"state.4.fs", "events.2.fs"}


async def test_a_store_without_files_has_no_space_to_give() -> None:
    async with opened(Path("nowhere"), kind=StoreKind.MEMORY) as store:
        with pytest.raises(NoFiles):
            await store.pack(DatabaseName.STATE)


async def test_readers_writers_and_packs_beside_each_other(tmp_path: Path) -> None:
    """Every answer is the one of its moment: records are never older than was acknowledged, lanes always dense, long queries see one moment."""
    done = asyncio.Event()
    acknowledged = {"version": 0, "head": 0}
    looks = 0

    async with opened(tmp_path, chunk_bytes=600, rotate_bytes=40_000, readers=3, delta_sync_seconds=0.002) as store:
        await fill(store)

        async def write_state() -> None:
            number = TURNS
            while not done.is_set():
                acknowledged["version"] = await store.write(turn(number))
                number += 1

        async def write_events() -> None:
            chance, step = random.Random(1), 80
            while not done.is_set():
                await store.append([append(KEPT, step, step=step, size=200)], urgent=chance.random() < 0.5)
                acknowledged["head"] = step
                step += 1
                if chance.random() < 0.02:
                    await store.settle(KEPT)

        async def read() -> None:
            nonlocal looks
            while not done.is_set():
                version, head = acknowledged["version"], acknowledged["head"]
                await check(store, head, version)
                looks += 1

        async def look_long() -> None:
            """A query that begins before a pack and ends behind it sees one moment."""

            def query(state: StateRead) -> bool:
                first = state.get("agent", "agt")
                time.sleep(0.02)
                passing = state.get("agent", "agt-passing")
                assert first is not None
                return (passing is not None) == (int(first.data.split(b":")[0]) % 2 == 0)

            while not done.is_set():
                assert await store.read_state(query)

        async def pack() -> None:
            for number in range(scaled(12, 300)):
                await store.pack(list(DatabaseName)[number % 2])
            done.set()

        async with asyncio.TaskGroup() as group:
            for work in (write_state, write_events, read, read, look_long, pack):
                group.create_task(work())
        await check(store, acknowledged["head"], acknowledged["version"])
    async with opened(tmp_path) as store:
        await check(store, acknowledged["head"], acknowledged["version"])
    assert not [found.problem for found in examine(tmp_path) if found.problem]
    record(
        "readers and writers beside packs", scaled(12, 300), "packs", f"{looks:,} looks, each the answer of its moment"
    )


class CountedFiles(FileLayer):
    """Files that call `at_each` before each operation that counts, once armed."""

    def __init__(self, at_each: Callable[[int], None]) -> None:
        self.at_each = at_each
        self.armed = False
        self.count = 0

    def write_at(self, descriptor: int, data: bytes, offset: int) -> None:
        self._count()
        super().write_at(descriptor, data, offset)

    def sync(self, descriptor: int) -> None:
        self._count()

    def sync_directory(self, path: Path) -> None:
        self._count()

    def rename(self, source: Path, target: Path) -> None:
        self._count()
        super().rename(source, target)

    def remove(self, path: Path) -> None:
        self._count()
        super().remove(path)

    def _count(self) -> None:
        if self.armed:
            self.count += 1
            self.at_each(self.count)


async def test_a_kill_at_each_step_leaves_a_whole_store(tmp_path: Path) -> None:
    """A copy of the directory is what a kill leaves to the next process: one before each operation on a file."""
    data, images = tmp_path / "data", tmp_path / "images"
    images.mkdir()
    files = CountedFiles(lambda count: shutil.copytree(data, images / f"{count}") and None)
    async with opened(data, chunk_bytes=1000, files=files) as store:
        await fill(store)
        files.armed = True
        for name in DatabaseName:
            await store.pack(name)
        files.armed = False
    kills = sorted(images.iterdir(), key=lambda path: int(path.name))
    assert len(kills) > 20
    for image in kills[:: scaled(3, 1)]:
        async with opened(image, readers=1) as store:
            await check(store)
            assert not store.report.cuts
        assert len(list(image.glob("*.fs"))) == 2, "what was being made or replaced is gone"
        assert not [found.problem for found in examine(image) if found.problem]
    record("kill -9 before operations on files in two packs", len(kills[:: scaled(3, 1)]), "places", "nothing lost")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO], ids=["full", "broken"])
async def test_each_failing_operation_leaves_the_old_file_or_stops_the_store(tmp_path: Path, code: int) -> None:
    """Once and for good. A pack fails by name; where nobody can know, the store stops. Nothing acknowledged is lost."""
    template = tmp_path / "template"
    async with opened(template, chunk_bytes=1000) as store:
        await fill(store)
    refused = stopped = at = 0
    while True:
        at += scaled(3, 1)

        def fail(count: int, at: int = at) -> None:
            if count >= at:
                raise OSError(code, os.strerror(code))

        files = CountedFiles(fail)
        data = tmp_path / f"{at}"
        shutil.copytree(template, data)
        store = await Store.open(data, options=StoreOptions(files=files, chunk_bytes=1000, readers=1))
        files.armed = True
        try:
            for name in DatabaseName:
                await store.pack(name)
        except (StoreFull, OSError):
            refused += 1
        except StoreStopped:
            stopped += 1
        files.armed = False
        if store.failure is None:
            await check(store)
            assert await store.write(turn(TURNS)) == TURNS + 1
        await store.close()
        async with opened(data) as again:
            await check(again)
        if files.count < at:
            break
    assert refused > 5
    what = "full" if code == errno.ENOSPC else "broken"
    record(
        f"a disk that is {what} from each operation of a pack on",
        at,
        "places",
        f"{refused} packs refused, {stopped} stores stopped, nothing lost",
    )


class Cuts:
    """Takes images of what a power cut may leave, while it is armed."""

    def __init__(self, target: Path, seed: int) -> None:
        self.taken: list[Path] = []
        self.armed = False
        self._target = target
        self._chance = random.Random(seed)

    def at_each(self, files: PowerFiles) -> None:
        """After each operation on a file."""
        if self.armed and self._chance.random() < 0.4:
            self.taken.append(self._target / f"{len(self.taken)}")
            files.image(self.taken[-1], self._chance)


async def test_a_power_cut_in_a_pack_loses_nothing(scratch: Path) -> None:
    images = 0
    for run in range(scaled(2, 40)):
        target, data = scratch / f"images-{run}", scratch / f"data-{run}"
        target.mkdir()
        cuts = Cuts(target, run)
        async with opened(data, chunk_bytes=1000, files=PowerFiles(data, cuts.at_each)) as store:
            await fill(store)
            cuts.armed = True
            for name in DatabaseName:
                await store.pack(name)
            cuts.armed = False
        for image in cuts.taken:
            start_again(image)
            async with opened(image, readers=1) as store:
                await check(store)
        images += len(cuts.taken)
    assert images
    record("the power cut in a pack", images, "images", "nothing lost")


async def test_a_damaged_file_is_not_packed_over(tmp_path: Path) -> None:
    async with opened(tmp_path, chunk_bytes=1000) as store:
        await fill(store)
        await store.pack(DatabaseName.EVENTS)
    path = tmp_path / "events.2.fs"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    async with opened(tmp_path) as store:
        with pytest.raises(StoreDamaged):
            await store.pack(DatabaseName.EVENTS)
        assert (await store.pack(DatabaseName.STATE)).after > 0
    assert path.read_bytes() == bytes(data)
    assert not (tmp_path / "events.3.fs").exists()


async def test_a_store_that_closes_gives_a_pack_up(tmp_path: Path) -> None:
    store = await Store.open(tmp_path, options=StoreOptions(chunk_bytes=1000))
    await fill(store)
    packs = [asyncio.ensure_future(store.pack(name)) for name in DatabaseName]
    await asyncio.sleep(0)
    await store.close()
    for pack in packs:
        with suppress(PackAbandoned, StoreClosed, asyncio.CancelledError):
            await pack
    async with opened(tmp_path) as again:
        await check(again)
