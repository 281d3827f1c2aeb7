"""A store is examined without touching it."""

import random
import shutil
from pathlib import Path

from stigmer_backend.store import examine
from tests.store.images import database_image
from tests.store.stores import append, create, opened
from tests.support.scale import scaled


def snapshot(directory: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}


async def test_a_store_in_order_has_no_problem_open_killed_or_closed(scratch: Path) -> None:
    async with opened(scratch / "data", chunk_bytes=200) as store:
        await create(store, "aex-a")
        for step in range(2, 50):
            await store.append([append("aex-a", step, step=step)])
        findings = examine(scratch / "data")
        assert [(found.problem, found.size - found.whole) for found in findings] == [("", 0)] * 4
        assert [found.path.name for found in findings] == ["manifest", "state.fs", "events.fs", "0000000001.wal"]
        shutil.copytree(scratch / "data", scratch / "killed")
    for directory in (scratch / "data", scratch / "killed"):
        before = snapshot(directory)
        assert all(not found.problem for found in examine(directory))
        assert snapshot(directory) == before


async def test_any_changed_byte_that_was_synced_is_found(scratch: Path) -> None:
    image, _ = await database_image(scratch)
    async with opened(image.directory):
        pass
    chance = random.Random(6)
    for name in ("state.fs", "events.fs", "manifest"):
        whole = (image.directory / name).read_bytes()
        for offset in chance.sample(range(len(whole)), min(len(whole), scaled(60, 5000))):
            (image.directory / name).write_bytes(whole[:offset] + bytes((whole[offset] ^ 8,)) + whole[offset + 1 :])
            problems = {found.path.name: found.problem for found in examine(image.directory) if found.problem}
            assert problems.keys() == {name}, f"byte {offset} of {name}"
        (image.directory / name).write_bytes(whole)
    for name in ("state.fs", "events.fs", "manifest"):
        (image.directory / name).rename(scratch / "kept")
        assert [found.path.name for found in examine(image.directory) if found.problem] == [name]
        (scratch / "kept").rename(image.directory / name)
