"""A daemon packs by itself what is mostly dead, and nothing else."""

from pathlib import Path

from stigmer_backend.maintenance.tending import Tending, TendingOptions
from stigmer_backend.store import DatabaseName, StateWrite, Store
from tests.store.stores import opened


async def change(store: Store, times: int) -> None:
    """The same record again and again: all but the last are dead."""

    def put(state: StateWrite) -> None:
        state.put("agent", "agt", b"x" * 4000, created_ns=1, summary=b"")

    for _ in range(times):
        await store.write(put)


async def test_what_is_mostly_dead_is_packed_and_then_left(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        tending = Tending(store, TendingOptions(least_bytes=20_000))
        assert not await tending.look(DatabaseName.STATE), "it is small"
        await change(store, 10)
        before = store.size_of(DatabaseName.STATE)
        assert await tending.look(DatabaseName.STATE)
        assert store.size_of(DatabaseName.STATE) < before / 2
        assert not await tending.look(DatabaseName.STATE), "nothing has changed"
        await store.write(
            lambda state: [state.put("agent", f"a{n}", b"y" * 4000, created_ns=1, summary=b"") for n in range(20)]
        )
        assert not await tending.look(DatabaseName.STATE), "most of it lives"
        assert not await tending.look(DatabaseName.EVENTS)
