"""The power is cut at any moment, with any part of what was not synced on the disk or not: what was acknowledged is there."""

import asyncio
import json
import random
import shutil
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from stigmer_backend.store import Lane, Mark, StateWrite, Store, StoreOptions, UnknownExecution
from tests.store.power import PowerFiles
from tests.store.stores import append, assert_dense, create, opened, read_all
from tests.support.scale import scaled

pytestmark = pytest.mark.timeout(scaled(300, 7200))

NAMES = ["aex-a", "aex-b", "aex-c"]
STEPS = 40
RUNS = scaled(5, 100)
IMAGES = 25
"""Of each run."""


@dataclass
class Promises:
    """What was acknowledged so far."""

    heads: dict[str, int] = field(default_factory=dict[str, int])
    version: int = 0

    def copy(self) -> "Promises":
        """As they are now."""
        return Promises(dict(self.heads), self.version)


@dataclass
class Cuts:
    """Takes images at random moments, each with what was promised by then."""

    target: Path
    chance: random.Random
    promises: Promises = field(default_factory=Promises)
    taken: list[tuple[Path, Promises]] = field(default_factory=list[tuple[Path, Promises]])
    heir: tuple[PowerFiles, "Cuts"] | None = None
    """What a kill at one of these moments left to the next process, which takes images of its own."""
    odds: float = 0

    def at_each(self, files: PowerFiles) -> None:
        """After each operation on a file."""
        if self.chance.random() >= self.odds or len(self.taken) >= IMAGES:
            return
        if self.heir is None and self.taken:
            cuts = Cuts(self.target / "heir", self.chance, self.promises.copy(), odds=0.3)
            self.heir = files.killed(self.target / "killed", cuts.at_each), cuts
            cuts.target.mkdir()
        path = self.target / f"{len(self.taken)}"
        files.image(path, self.chance)
        self.taken.append((path, self.promises.copy()))


async def write_execution(store: Store, name: str, cuts: Cuts) -> None:
    """Steps of both lanes, from where they are."""
    if await store.read_state(lambda state: state.get("execution", name)) is None:
        await create(store, name)
    first = await store.head(name)
    cuts.promises.heads[name] = first
    for step in range(first + 1, STEPS):
        size = cuts.chance.choice((20, 700))
        group = [append(name, step, step=step, size=size), append(name, step - 1, step=step, lane=Lane.ENGINE)]
        await store.append(group, urgent=cuts.chance.random() < 0.7)
        cuts.promises.heads[name] = step
        if cuts.chance.random() < 0.05:
            await store.settle(name)


async def write_state(store: Store, cuts: Cuts) -> None:
    """Changes of one record among others, some refused half-way."""

    def change(state: StateWrite) -> int:
        state.put("filler", f"f{cuts.chance.randrange(40)}", b"x" * 300, created_ns=1, summary=b"s")
        if cuts.chance.random() < 0.1:
            raise RuntimeError("refused half-way")
        return state.put("counter", "c", b"", created_ns=1, summary=b"")

    for _ in range(STEPS):
        try:
            cuts.promises.version = await store.write(change)
        except RuntimeError:
            continue


def start_again(directory: Path) -> None:
    """A power cut means another start of the machine."""
    path = directory / "manifest"
    line = json.dumps({**json.loads(path.read_bytes().splitlines()[0]), "boot": "before"}).encode()
    path.write_bytes(line + b"\n" + b"crc32 %08x\n" % zlib.crc32(line))


async def check(directory: Path, promised: Promises, incarnation: str) -> int:
    """Open an image twice: the first time repairs, the second finds it in order. Returns how many ends were cut."""
    start_again(directory)
    async with opened(directory, readers=1) as store:
        cuts = len(store.report.cuts)
        assert (store.incarnation == incarnation) == store.report.clean, (
            "what was shown may be gone, unless all was closed"
        )
    async with opened(directory, readers=1) as store:
        assert store.report.cuts == []
        for name in NAMES:
            try:
                events = await read_all(store, name)
            except UnknownExecution:
                assert name not in promised.heads
                continue
            engine = await read_all(store, name, Lane.ENGINE)
            assert len(events) >= promised.heads.get(name, 0), "an acknowledged event is lost"
            assert len(engine) == len(events) - 1, "a group was torn in two"
            assert [int(text.split(b":")[0]) for text in events] == list(range(1, len(events) + 1))
            assert_dense(engine)
            assert await store.mark(name, "runner") == Mark(1, len(events))
        counter = await store.read_state(lambda state: state.get("counter", "c"))
        assert (counter.version if counter else 0) >= promised.version, "an acknowledged change is lost"
    return cuts


async def live(files: PowerFiles, cuts: Cuts) -> str:
    """Open a store, write to it for a while, and return its incarnation."""
    options = StoreOptions(
        files=files, chunk_bytes=1500, rotate_bytes=9000, index_bytes=4000, hot_executions=1, delta_sync_seconds=0.002
    )
    store = await Store.open(files.root, options=options)
    cuts.odds = 0.04
    async with asyncio.TaskGroup() as group:
        group.create_task(write_state(store, cuts))
        for name in NAMES:
            group.create_task(write_execution(store, name, cuts))
    await store.close()
    return store.incarnation


async def test_what_was_acknowledged_survives_a_power_cut(scratch: Path) -> None:
    """Also one that comes while the next process repairs what a kill left, or soon after."""
    images = torn = 0
    for run in range(RUNS):
        first = Cuts(scratch / "images", random.Random(run))
        first.target.mkdir()
        incarnation = await live(PowerFiles(scratch / "data", first.at_each), first)
        assert first.heir is not None
        files, second = first.heir
        assert await live(files, second) == incarnation
        for path, promised in first.taken + second.taken:
            torn += await check(path, promised, incarnation)
        images += len(first.taken) + len(second.taken)
        shutil.rmtree(scratch / "data")
        shutil.rmtree(first.target)
    assert torn > 0
    print(f"{images} images of power cuts: nothing acknowledged lost, {torn} torn ends cut")
