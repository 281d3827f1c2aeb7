"""Records, slugs, lists and counts."""

import asyncio
import threading
from pathlib import Path

import pytest

from stigmer_backend.store import (
    Conflict,
    Record,
    Row,
    SlugTaken,
    StateRead,
    StateWrite,
    StoreKind,
    UnknownRecord,
)
from tests.store.stores import KINDS, opened


def row(state: StateWrite, number: int, parent: str = "org-1", kind: str = "session") -> int:
    """A record whose time is its number."""
    return state.put(
        kind, f"id-{number:03}", b"data", created_ns=number, parents=[parent], summary=b"summary %d" % number
    )


@pytest.mark.parametrize("kind", KINDS)
async def test_a_record_comes_back_as_it_was_put(tmp_path: Path, kind: StoreKind) -> None:
    async with opened(tmp_path, kind=kind) as store:
        version = await store.write(
            lambda state: state.put(
                "agent", "agt-1", b"\0data\xff", slug="my-agent", created_ns=7, parents=["org-1", "org-2"], summary=b"s"
            )
        )
        assert version == 1
        record = await store.read_state(lambda state: state.get("agent", "agt-1"))
        assert record == Record(b"\0data\xff", 1, 7, "my-agent", ("org-1", "org-2"))
        assert await store.read_state(lambda state: state.by_slug("agent", "my-agent")) == "agt-1"
        assert await store.read_state(lambda state: state.get("agent", "agt-2")) is None
        assert await store.read_state(lambda state: state.get("session", "agt-1")) is None
        assert await store.read_state(lambda state: state.by_slug("agent", "other")) is None


async def test_a_change_keeps_the_time_and_moves_rows(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await store.write(lambda state: state.put("run", "r", b"1", created_ns=5, parents=["a", "b"], summary=b"one"))
        version = await store.write(
            lambda state: state.put(
                "run", "r", b"2", slug="new", created_ns=99, parents=["b", "c"], summary=b"two", expected_version=1
            )
        )
        assert version == 2

        def look(state: StateRead) -> list[list[bytes]]:
            return [[shown.summary for shown in state.page("run", parent)] for parent in ("", "a", "b", "c")]

        assert await store.read_state(look) == [[b"two"], [], [b"two"], [b"two"]]
        record = await store.read_state(lambda state: state.get("run", "r"))
        assert record == Record(b"2", 2, 5, "new", ("b", "c"))
        await store.write(lambda state: state.set_summary("run", "r", b"three"))
        assert await store.read_state(look) == [[b"three"], [], [b"three"], [b"three"]]
        assert (await store.read_state(lambda state: state.get("run", "r"))) == record
        await store.write(lambda state: state.delete("run", "r"))
        assert await store.read_state(look) == [[], [], [], []]
        assert await store.read_state(lambda state: (state.get("run", "r"), state.by_slug("run", "new"))) == (
            None,
            None,
        )


async def test_versions_slugs_and_missing_records_are_refused(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await store.write(lambda state: state.put("agent", "a", b"", slug="x", created_ns=1, summary=b""))
        with pytest.raises(Conflict) as conflict:
            await store.write(lambda state: state.put("agent", "a", b"", created_ns=1, summary=b"", expected_version=0))
        assert (conflict.value.expected, conflict.value.found) == (0, 1)
        with pytest.raises(Conflict):
            await store.write(lambda state: state.put("agent", "b", b"", created_ns=1, summary=b"", expected_version=3))
        with pytest.raises(SlugTaken) as taken:
            await store.write(lambda state: state.put("agent", "b", b"", slug="x", created_ns=1, summary=b""))
        assert taken.value.holder == "a"
        await store.write(lambda state: state.put("session", "b", b"", slug="x", created_ns=1, summary=b""))
        with pytest.raises(UnknownRecord):
            await store.write(lambda state: state.delete("agent", "b"))
        with pytest.raises(UnknownRecord):
            await store.write(lambda state: state.set_summary("agent", "b", b""))
        for name in ("a\0b", "x" * 2000, ""):
            with pytest.raises(ValueError, match=r"zero byte|needs an id"):
                await store.write(lambda state, name=name: state.put("agent", name, b"", created_ns=1, summary=b""))
        assert await store.read_state(lambda state: state.count("agent")) == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_pages_go_both_ways_and_continue(tmp_path: Path, kind: StoreKind) -> None:
    async with opened(tmp_path, kind=kind) as store:

        def fill(state: StateWrite) -> None:
            for number in range(300):
                row(state, number, f"org-{number % 2}")

        await store.write(fill)

        def walk(state: StateRead, parent: str, limit: int, newest_first: bool) -> list[str]:
            found: list[Row] = []
            while page := state.page("session", parent, found[-1].key if found else None, limit, newest_first):
                assert len(page) <= limit
                found += page
            return [shown.id for shown in found]

        rising = [f"id-{number:03}" for number in range(300)]
        for limit in (1, 7, 50, 1000):
            assert await store.read_state(lambda state, limit=limit: walk(state, "", limit, False)) == rising
            assert await store.read_state(lambda state, limit=limit: walk(state, "", limit, True)) == rising[::-1]
            assert await store.read_state(lambda state, limit=limit: walk(state, "org-1", limit, False)) == rising[1::2]
        assert await store.read_state(lambda state: state.children("session", "org-0")) == rising[::2][::-1]
        assert await store.read_state(lambda state: (state.count("session"), state.count("session", "org-1"))) == (
            300,
            150,
        )
        assert await store.read_state(lambda state: state.page("session", "org-9")) == []
        assert await store.read_state(lambda state: state.page("other", "", None, 5, False)) == []


async def test_a_page_continues_behind_a_row_that_is_gone(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await store.write(lambda state: [row(state, number) for number in range(10)])
        middle = (await store.read_state(lambda state: state.page("session", limit=5)))[-1]
        await store.write(lambda state: state.delete("session", middle.id))
        newer = await store.read_state(lambda state: state.page("session", after=middle.key, newest_first=False))
        older = await store.read_state(lambda state: state.page("session", after=middle.key))
        assert [shown.id for shown in newer] == ["id-006", "id-007", "id-008", "id-009"]
        assert [shown.id for shown in older] == ["id-004", "id-003", "id-002", "id-001", "id-000"]


async def test_ids_that_begin_alike_keep_their_order_both_ways(tmp_path: Path) -> None:
    names = ["a", "a!", "aa", "aaa", "ab", "b", "a\x01", "ä", "äb", "z" * 50]
    async with opened(tmp_path) as store:
        await store.write(lambda state: [state.put("agent", name, b"", created_ns=4, summary=b"") for name in names])
        expected = sorted(names, key=str.encode)
        assert [found.id for found in await store.read_state(lambda state: state.page("agent"))] == expected
        backwards = await store.read_state(lambda state: state.page("agent", newest_first=False))
        assert [found.id for found in backwards] == expected[::-1]


async def test_a_failing_change_leaves_nothing_and_does_not_hold_up_others(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        gate = threading.Event()

        def slow(state: StateWrite) -> None:
            gate.wait(30)

        def failing(state: StateWrite) -> None:
            row(state, 500)
            raise RuntimeError("half-way")

        first = asyncio.create_task(store.write(slow))
        await asyncio.sleep(0)
        calls = [store.write(lambda state, number=number: row(state, number)) for number in range(20)]
        tasks = [asyncio.create_task(call) for call in [*calls[:10], store.write(failing), *calls[10:]]]
        await asyncio.sleep(0)
        gate.set()
        await first
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(done[10], RuntimeError)
        assert [version for version in done if version == 1] == [1] * 20
        assert await store.read_state(lambda state: state.count("session")) == 20
        assert await store.read_state(lambda state: state.get("session", "id-500")) is None


async def test_concurrent_changes_of_one_record_meet_at_their_version(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await store.write(lambda state: state.put("counter", "c", b"0", created_ns=1, summary=b""))

        async def add() -> None:
            while True:
                record = await store.read_state(lambda state: state.get("counter", "c"))
                assert record is not None
                data, version = b"%d" % (int(record.data) + 1), record.version
                try:
                    await store.write(
                        lambda state, data=data, version=version: state.put(
                            "counter", "c", data, created_ns=1, summary=b"", expected_version=version
                        )
                    )
                except Conflict:
                    continue
                return

        await asyncio.gather(*[add() for _ in range(20)])
        record = await store.read_state(lambda state: state.get("counter", "c"))
        assert record is not None
        assert (record.data, record.version) == (b"20", 21)


async def test_a_query_sees_one_moment(tmp_path: Path) -> None:
    async with opened(tmp_path, readers=2) as store:
        await store.write(lambda state: state.put_meta("left", b"0") or state.put_meta("right", b"0"))
        begun, go_on = threading.Event(), threading.Event()

        def look(state: StateRead) -> tuple[bytes | None, bytes | None]:
            left = state.get_meta("left")
            begun.set()
            go_on.wait(30)
            return left, state.get_meta("right")

        query = asyncio.create_task(store.read_state(look))
        assert await asyncio.to_thread(begun.wait, 30)
        await store.write(lambda state: state.put_meta("left", b"1") or state.put_meta("right", b"1"))
        go_on.set()
        assert await query == (b"0", b"0")
        assert await store.read_state(lambda state: (state.get_meta("left"), state.get_meta("right"))) == (b"1", b"1")


async def test_a_long_query_holds_up_no_other(tmp_path: Path) -> None:
    async with opened(tmp_path, readers=2) as store:
        begun, go_on = threading.Event(), threading.Event()

        def long(state: StateRead) -> None:
            begun.set()
            go_on.wait(30)

        query = asyncio.create_task(store.read_state(long))
        assert await asyncio.to_thread(begun.wait, 30)
        for _ in range(10):
            await asyncio.wait_for(store.read_state(lambda state: state.get_meta("a")), 20)
        assert not query.done()
        go_on.set()
        await query


async def test_the_revision_grows_and_wakes_those_who_wait(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        before = store.revision
        waiting = asyncio.create_task(store.wait_revised(before))
        await store.write(lambda state: state.put_meta("a", b"1"))
        assert await waiting == store.revision > before
        unchanged = store.revision
        await store.write(lambda state: state.get_meta("a"))
        assert store.revision == unchanged
        last = store.revision
    async with opened(tmp_path) as store:
        assert store.revision == last


async def test_idle_readers_do_not_fall_behind(tmp_path: Path) -> None:
    async with opened(tmp_path, readers=3) as store:
        for number in range(1100):
            await store.write(lambda state, number=number: state.put_meta(f"key {number % 7}", b"%d" % number))
        assert await store.read_state(lambda state: state.get_meta("key 0")) == b"1099"
