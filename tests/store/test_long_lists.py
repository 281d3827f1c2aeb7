"""Long lists: jumps into them, ranges of time, ranks that stay right, and stores from before there were ranks."""

import asyncio
import errno
import json
import random
import zlib
from bisect import bisect_left
from pathlib import Path

import pytest

from stigmer_backend.store import FileLayer, Row, Span, StateRead, StateWrite, Store, StoreKind, StoreOptions
from stigmer_backend.store.opening import open_parts
from stigmer_backend.store.persistent_classes import ListTree, RankTree
from stigmer_backend.store.ranks import BLOCK_ROWS, RANKED_FROM, key_at, note_added, note_taken, rank_of, rank_rows
from stigmer_backend.store.record_format import row_key
from tests.store.stores import opened
from tests.support.scale import scaled

KIND = "thing"
LONG = RANKED_FROM + 1_500
PLACES = (0, 1, 2, 700, LONG // 2, LONG - 51, LONG - 2, LONG - 1, LONG, LONG + 5)


def fill(state: StateWrite, begin: int, end: int) -> None:
    for number in range(begin, end):
        parents = ["half"] if number % 2 else []
        state.put(KIND, f"id-{number:05}", b"", created_ns=number * 10, parents=parents, summary=b"%d" % number)


def numbers(rows: list[Row]) -> list[int]:
    return [int(row.summary) for row in rows]


@pytest.mark.parametrize("kind", [StoreKind.FILE, StoreKind.MEMORY], ids=["file", "memory"])
async def test_a_jump_lands_where_walking_would(tmp_path: Path, kind: StoreKind) -> None:
    async with opened(tmp_path, kind=kind) as store:
        for begin in range(0, LONG, 1000):
            await store.write(lambda state, begin=begin: fill(state, begin, min(begin + 1000, LONG)))

        def compare(state: StateRead) -> None:
            for parent, newest in (("", list(range(LONG))[::-1]), ("half", list(range(1, LONG, 2))[::-1])):
                assert state.count(KIND, parent) == len(newest)
                for place in PLACES:
                    assert numbers(state.page(KIND, parent, skip=place)) == newest[place : place + 50]
                    oldest = newest[::-1]
                    assert numbers(state.page(KIND, parent, skip=place, newest_first=False)) == oldest[place:][:50]
                    start = 900
                    after = row_key(newest[start] * 10, f"id-{newest[start]:05}")
                    assert numbers(state.page(KIND, parent, after, skip=place)) == newest[start + 1 + place :][:50]
                    back = state.page(KIND, parent, after, skip=place, newest_first=False)
                    assert numbers(back) == oldest[len(oldest) - start + place :][:50]

        await store.read_state(compare)


async def test_a_range_of_time_is_counted_and_paged_exactly(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await store.write(lambda state: fill(state, 0, LONG))

        def compare(state: StateRead) -> None:
            for first, end in ((0, LONG), (5, 6), (0, 1), (1000, 3000), (17, 17), (30, 20), (LONG - 1, LONG + 9)):
                span = Span(first * 10, end * 10)
                wanted = list(range(first, min(end, LONG)))
                assert state.count(KIND, span=span) == len(wanted)
                assert numbers(state.page(KIND, span=span)) == wanted[::-1][:50]
                assert numbers(state.page(KIND, span=span, newest_first=False)) == wanted[:50]
                assert numbers(state.page(KIND, span=span, skip=7)) == wanted[::-1][7:57]
                assert numbers(state.page(KIND, span=span, skip=7, newest_first=False)) == wanted[7:57]
                before = row_key((end + 5) * 10, "x")
                assert numbers(state.page(KIND, "", before, span=span)) == wanted[::-1][:50]
            assert state.count(KIND, span=Span(5, 15)) == 1
            assert state.count("nothing", span=Span(5, 15)) == 0

        await store.read_state(compare)


async def test_names_come_in_their_order(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:

        def change(state: StateWrite) -> None:
            for number, slug in enumerate(["pear", "fig", "apple", "plum"]):
                state.put(KIND, f"id-{number}", b"", slug=slug, created_ns=number, summary=b"")

        await store.write(change)

        def compare(state: StateRead) -> None:
            assert state.names(KIND, limit=3) == [("apple", "id-2"), ("fig", "id-1"), ("pear", "id-0")]
            assert state.names(KIND, "pear") == [("plum", "id-3")]
            assert state.names(KIND, "g") == [("pear", "id-0"), ("plum", "id-3")]
            assert state.names("nothing") == []

        await store.read_state(compare)


async def test_a_record_is_listed_anew_and_stays_what_it_is(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await store.write(lambda state: state.put(KIND, "a", b"x", created_ns=5, parents=["one"], summary=b"old"))
        await store.write(lambda state: state.relist(KIND, "a", ["two", "three"], b"new"))

        def compare(state: StateRead) -> None:
            record = state.get(KIND, "a")
            assert record is not None
            assert (record.version, record.data, record.parents) == (1, b"x", ("two", "three"))
            assert [state.count(KIND, parent) for parent in ("", "one", "two", "three")] == [1, 0, 1, 1]
            assert state.summary(KIND, "a") == b"new"
            assert state.summary(KIND, "b") is None
            assert state.has_row(KIND, "two", row_key(5, "a"))
            assert not state.has_row(KIND, "one", row_key(5, "a"))

        await store.read_state(compare)


async def test_changes_are_told_once_from_any_revision(tmp_path: Path) -> None:
    store = await Store.open(tmp_path, options=StoreOptions(change_history=3))
    first = store.revision
    await store.write(lambda state: state.put(KIND, "a", b"", created_ns=1, summary=b""))
    second = store.revision
    await store.write(lambda state: state.put(KIND, "b", b"", created_ns=1, summary=b""))
    await store.write(lambda state: state.put(KIND, "a", b"", created_ns=1, summary=b""))

    def told(revision: int) -> list[str] | None:
        changes = store.changes(revision)
        return None if changes is None else [record.id for record in changes.records]

    assert (told(first), told(second), told(store.revision)) == (["b", "a"], ["b", "a"], [])
    assert told(store.revision + 1) is None
    for _ in range(5):
        await store.write(lambda state: state.put(KIND, "a", b"", created_ns=1, summary=b""))
    await store.write(lambda state: state.delete(KIND, "b"))
    assert (told(first), told(second)) == (["a", "b"], ["a", "b"]), "what often changes takes no more"
    third = store.revision
    for name in "cd":
        await store.write(lambda state, name=name: state.put(KIND, name, b"", created_ns=1, summary=b""))
    assert (told(first), told(second), told(third)) == (None, None, ["c", "d"])
    last = store.revision
    await store.close()
    again = await Store.open(tmp_path)
    assert again.changes(last) is not None
    assert again.changes(second) is None
    await again.close()


def test_ranks_against_a_sorted_list() -> None:
    chance = random.Random(11)
    rows, model = ListTree(), list[bytes]()
    ranks: RankTree | None = None

    def compare() -> None:
        assert ranks is not None
        assert sum(ranks.values()) == len(model)
        assert max(ranks.values()) <= BLOCK_ROWS
        for place in (0, len(model) - 1, len(model), *(chance.randrange(len(model)) for _ in range(20))):
            assert key_at(ranks, rows, place) == (model[place] if place < len(model) else None)
        for key in (b"", b"\xff" * 9, *(row_key(chance.randrange(1 << 40), "id") for _ in range(20))):
            assert rank_of(ranks, rows, key) == bisect_left(model, key)

    def put(key: bytes) -> None:
        if key not in rows:
            rows[key] = b""
            model.insert(bisect_left(model, key), key)
            if ranks is not None:
                note_added(ranks, rows, key)

    def take(key: bytes) -> None:
        del rows[key]
        model.remove(key)
        if ranks is not None:
            note_taken(ranks, key)

    for _ in range(3_000):
        put(row_key(chance.randrange(1 << 40), "id"))
    ranks = rank_rows(rows)
    compare()
    newest = 1 << 41
    for _ in range(scaled(8, 80)):
        for _ in range(1_000):
            newest += chance.randrange(1, 9)
            put(row_key(newest if chance.random() < 0.8 else chance.randrange(1 << 40), "id"))
        compare()
        place = chance.randrange(len(model))
        for key in model[place : place + chance.choice((5, 900, 2_500))]:
            take(key)
        compare()


def make_old(directory: Path) -> None:
    """Take away what structure 2 added, and say so."""
    parts = open_parts(directory, StoreOptions(), lambda: 0.0)
    session = parts.state.session()
    session.begin()
    del session.root["ranks"], session.root["structure"]
    session.commit()
    parts.state.durable.settle()
    session.close()
    parts.close(clean=True)
    path = directory / "manifest"
    line = json.dumps({**json.loads(path.read_bytes().splitlines()[0]), "format": 1}).encode()
    path.write_bytes(line + b"\n" + b"crc32 %08x\n" % zlib.crc32(line))


class StoppedFiles(FileLayer):
    """Fails at one sync and from then on, as a process that is killed there."""

    def __init__(self, syncs: int) -> None:
        self.left = syncs

    def sync(self, descriptor: int) -> None:
        self.left -= 1
        if self.left < 0:
            raise OSError(errno.EIO, "stopped")
        super().sync(descriptor)


async def test_an_older_store_gets_its_ranks_however_often_that_is_stopped(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await store.write(lambda state: fill(state, 0, LONG))
        await store.write(lambda state: state.put("other", "x", b"", created_ns=1, summary=b""))
    await asyncio.to_thread(make_old, tmp_path)
    stopped = 0
    while True:
        files = StoppedFiles(stopped)
        try:
            parts = await asyncio.to_thread(open_parts, tmp_path, StoreOptions(files=files), lambda: 0.0)
        except OSError:
            stopped += 1
            continue
        break
    assert stopped >= 3
    files.left = 1000
    parts.close(clean=True)
    async with opened(tmp_path) as store:
        assert not store.report.notes
        page = await store.read_state(lambda state: state.page(KIND, skip=LONG - 3))
        assert numbers(page) == [2, 1, 0]
        span = await store.read_state(lambda state: state.count(KIND, span=Span(10, 2_000)))
        assert span == 199
    assert json.loads((tmp_path / "manifest").read_bytes().splitlines()[0])["format"] == 2
