"""A process that fills what little space it has, is given more, and goes on. Run as a script, with a directory and a way.

`limit`: the largest file that the process may write is small, then larger. `mount`: the directory is a small memory disk, in a mount
namespace of the process's own, then larger. It prints how many messages it stored.
"""

import asyncio
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from stigmer_backend.store import Append, Lane, Store, StoreFull, StoreOptions
from tests.store.stores import append, create, read_all

NAME = "aex-a"
SMALL, LARGE = 400 << 10, 4 << 20
SIZE = 500


def limit(size: int) -> Callable[[Path], None]:
    """Let no file become larger than `size`."""
    return lambda directory: resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def mount(options: str) -> Callable[[Path], None]:
    """Mount a memory disk."""

    def do(directory: Path) -> None:
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(directory)], check=True)

    return do


WAYS = {
    "limit": (limit(SMALL), limit(LARGE)),
    "mount": (mount(f"size={SMALL}"), mount(f"remount,size={LARGE}")),
}


def step_of(step: int) -> list[Append]:
    """A step of both lanes."""
    return [append(NAME, step, step=step, size=SIZE), append(NAME, step - 1, step=step, lane=Lane.ENGINE, size=SIZE)]


async def fill(store: Store, step: int) -> int:
    """Append until there is no space, and return the step that was refused; the state refuses or takes a change."""
    while True:
        try:
            await store.append(step_of(step))
            await store.write(
                lambda state, step=step: state.put("filler", f"f{step}", b"x" * SIZE, created_ns=1, summary=b"")
            )
        except StoreFull:
            return step
        step += 1


async def main(directory: Path, less: Callable[[Path], None], more: Callable[[Path], None]) -> None:
    options = StoreOptions(chunk_bytes=4 << 10, rotate_bytes=64 << 10, index_bytes=32 << 10, retry_seconds=0.02)
    less(directory)
    store = await Store.open(directory / "data", options=options)
    await create(store, NAME)
    refused = await fill(store, 2)
    head = await store.head(NAME)
    assert head in (refused - 1, refused)
    assert len(await read_all(store, NAME)) == head
    assert store.failure is None
    more(directory)
    for step in range(refused, refused + 200):
        await store.append(step_of(step))
        await store.write(lambda state, step=step: state.put("filler", f"f{step}", b"y", created_ns=1, summary=b""))
    await store.close()
    store = await Store.open(directory / "data", options=options)
    for lane in Lane:
        found = await read_all(store, NAME, lane)
        assert [int(text.split(b":")[0]) for text in found] == list(range(1, len(found) + 1))
        assert len(found) == refused + 199 - (lane is Lane.ENGINE)
    assert await store.read_state(lambda state: state.count("filler")) >= 200
    await store.close()
    print("stored", refused + 199)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), *WAYS[sys.argv[2]]))
