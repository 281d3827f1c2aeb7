"""Damage in the middle is set apart: what stands on it is named and read-only, everything else goes on."""

from pathlib import Path

import pytest

from stigmer_backend.store import DatabaseName, StateRead, Store, StoreDamaged, examine
from tests.store.stores import append, create, opened, read_all

GOOD, BAD = "aex-good", "aex-bad"


async def fill(store: Store) -> None:
    """Two executions with chunks, and two records."""
    for name in (GOOD, BAD):
        await create(store, name)
        for step in range(2, 60):
            await store.append([append(name, step, step=step, size=150)])
        await store.settle(name)
    for name in ("one", "two"):
        await store.write(
            lambda state, name=name: state.put(
                "agent", name, f"data of {name} ".encode() * 20, created_ns=1, summary=b""
            )
        )
    await store.pack(DatabaseName.EVENTS)  # So that all of it is synced.


def flip(path: Path, words: bytes, *, forget_index: bool = True) -> None:
    """Change a byte of the last place where `words` stand, and forget the index, so that the opening looks."""
    data = bytearray(path.read_bytes())
    data[data.rindex(words) + 1] ^= 1
    path.write_bytes(data)
    if forget_index:
        path.with_name(path.name + ".index").unlink()


def kept_in(directory: Path) -> list[str]:
    """What the files there are called."""
    return [path.name for path in directory.iterdir()]


async def test_damaged_events_are_named_read_only_and_removed_while_the_rest_goes_on(tmp_path: Path) -> None:
    async with opened(tmp_path, chunk_bytes=1000) as store:
        await fill(store)
    flip(tmp_path / "events.2.fs", b"\n32:...")
    for _ in range(2):  # It is found and told at each opening.
        async with opened(tmp_path, chunk_bytes=1000) as store:
            assert store.report.damaged_executions == (BAD,)
            assert any(BAD in line and "read-only" in line for line in store.report.lines())
            found = await store.read(BAD, 0, 1 << 20)
            assert found[0].first_seq == 1
            assert found[-1].last_seq < 32
            with pytest.raises(StoreDamaged):
                await store.read(BAD, found[-1].last_seq, 1 << 20)
            later = await store.read(BAD, 50, 1 << 20)
            assert later[-1].last_seq == 59
            with pytest.raises(StoreDamaged, match=BAD):
                await store.append([append(BAD, 60, step=60)])
            assert len(await read_all(store, GOOD)) == 59
            assert await store.read_state(lambda state: state.data("agent", "one"))
            with pytest.raises(StoreDamaged):
                await store.pack(DatabaseName.EVENTS)
            assert any(found.problem for found in examine(tmp_path))
    async with opened(tmp_path, chunk_bytes=1000) as store:
        await store.append([append(GOOD, 60, step=60, size=150)])
        await store.remove_events([BAD])
        await store.pack(DatabaseName.EVENTS)
        assert not store.report.damage
        assert not any("lost" in line for line in store.report.lines())
        assert len(await read_all(store, GOOD)) == 60
    assert kept_in(tmp_path / "cut") == ["events.2.fs.whole.1"]
    assert not [found.problem for found in examine(tmp_path) if found.problem]
    async with opened(tmp_path) as store:
        assert not store.report.damage
        assert len(await read_all(store, GOOD)) == 60


async def test_a_damaged_record_is_named_and_the_others_are_as_they_were(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await fill(store)
    flip(tmp_path / "state.fs", b"data of one data")
    async with opened(tmp_path) as store:
        assert any("agent one is lost" in line for line in store.report.lines())
        with pytest.raises(StoreDamaged):
            await store.read_state(lambda state: state.get("agent", "one"))
        assert await store.read_state(lambda state: state.data("agent", "two")) == b"data of two " * 20
        await store.write(lambda state: state.put("agent", "three", b"3", created_ns=2, summary=b""))
        assert len(await read_all(store, BAD)) == 59
    async with opened(tmp_path) as store:
        assert await store.read_state(lambda state: state.data("agent", "three")) == b"3"


async def test_a_damaged_record_is_deleted_with_its_rows_and_its_slug_and_a_pack_leaves_it_behind(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as store:
        await fill(store)
        await store.write(
            lambda state: state.put(
                "agent",
                "lost",
                b"data of lost data " * 20,
                slug="digger",
                created_ns=7,
                parents=("above",),
                summary=b"s",
            )
        )
        await store.pack(DatabaseName.STATE)
    flip(tmp_path / "state.2.fs", b"data of lost data")
    async with opened(tmp_path) as store:
        with pytest.raises(StoreDamaged):
            await store.pack(DatabaseName.STATE)
        await store.write(lambda state: state.delete("agent", "lost"))

        def look(state: StateRead) -> list[str]:
            assert not state.has("agent", "lost")
            assert state.by_slug("agent", "digger") is None
            assert state.count("agent", "above") == 0
            return state.children("agent", "")

        assert sorted(await store.read_state(look)) == ["one", "two"]
        await store.pack(DatabaseName.STATE)
        assert not store.report.damage
        await store.write(
            lambda state: state.put("agent", "new", b"3", slug="digger", created_ns=8, parents=("above",), summary=b"")
        )
    assert not [found.problem for found in examine(tmp_path) if found.problem]


async def test_damage_behind_a_saved_index_is_found_by_a_look_at_every_byte_and_told_at_once_from_then_on(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, chunk_bytes=1000) as store:
        await fill(store)
        assert await store.scrub(DatabaseName.EVENTS) == []
    flip(tmp_path / "events.2.fs", b"\n32:...", forget_index=False)
    async with opened(tmp_path, chunk_bytes=1000) as store:
        assert not store.report.damage  # The opening believes the index.
        assert await store.scrub(DatabaseName.EVENTS) == [BAD]
        assert store.report.damaged_executions == (BAD,)
        assert await store.scrub(DatabaseName.EVENTS) == []
        with pytest.raises(StoreDamaged, match=BAD):
            await store.append([append(BAD, 60, step=60)])
        await store.append([append(GOOD, 60, step=60, size=150)])
    async with opened(tmp_path, chunk_bytes=1000) as store:
        assert store.report.damaged_executions == (BAD,)
        assert len(await read_all(store, GOOD)) == 60
