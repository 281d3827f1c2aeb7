"""A page of a long list, in the store."""

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

from stigmer_backend.store import StateRead, StateWrite, Store
from tests.bench import sqlite
from tests.bench.figures import Figure, at_most, ratio_at_most
from tests.bench.rounds import percentile
from tests.bench.run import Bench

KIND = "thing"
PAGE = 50
RECORD = b"r" * 700
SUMMARY = b"s" * 150
BATCH = 1_000


async def pages(bench: Bench) -> Sequence[Figure]:
    """Newest first, 50 rows with their summaries."""
    figures: list[Figure] = []
    for count in (10_000, 100_000, *(() if bench.short else (1_000_000,))):
        figures += await _page_of(bench, count)
    return figures


async def _page_of(bench: Bench, count: int) -> list[Figure]:
    directory = bench.directory()
    store = await Store.open(directory)
    for begin in range(0, count, BATCH):
        await store.write(lambda state, begin=begin: _fill(state, begin))
    await store.close()
    colds: list[float] = []
    for _ in range(bench.size(5, 15)):
        store = await Store.open(directory)
        colds.append(await store.read_state(_timed_page))
        await store.close()
    database = await asyncio.to_thread(_fill_sqlite, bench.directory() / "db", count)
    store = await Store.open(directory)
    repeats = bench.size(300, 2_000)
    await store.read_state(_timed_page)
    hots = [await store.read_state(_timed_page) for _ in range(repeats)]
    rows = [_timed_select(database) for _ in range(repeats)]
    await store.close()
    database.close()
    hot, cold, other = (percentile(values, 0.5) * 1e3 for values in (hots, colds, rows))
    method = f"{PAGE} rows with their summaries of {count:,} records"
    return [
        Figure(
            name=f"page of 50 of {count:,}, cold",
            value=cold,
            unit="ms",
            budget=at_most(1.0),
            method=method + ", the first read after opening, files in the system's cache",
        ),
        Figure(
            name=f"page of 50 of {count:,}, hot",
            value=hot,
            unit="ms",
            baseline=other,
            baseline_name="sqlite, by an index, hot, rows of 700 B",
            ratio=hot / other,
            budget=ratio_at_most(0.2),
            method=method + ", on the reader's thread",
        ),
    ]


def _fill(state: StateWrite, begin: int) -> None:
    for number in range(begin, begin + BATCH):
        state.put(KIND, f"thing-{number:08}", RECORD, created_ns=number * 1_000, summary=SUMMARY)


def _timed_page(state: StateRead) -> float:
    begin = time.perf_counter()
    rows = state.page(KIND, limit=PAGE)
    seconds = time.perf_counter() - begin
    if len(rows) != PAGE:
        raise AssertionError(f"a page of {len(rows)} rows")
    return seconds


def _fill_sqlite(path: Path, count: int) -> sqlite3.Connection:
    database = sqlite.open_resources(path)
    with database:
        rows = ((KIND, f"thing-{number:08}", number * 1_000, RECORD) for number in range(count))
        database.executemany("insert into resources values (?, ?, ?, ?)", rows)
    database.close()
    return sqlite3.connect(path, check_same_thread=False)


def _timed_select(database: sqlite3.Connection) -> float:
    begin = time.perf_counter()
    found = database.execute(
        "select id, data from resources where kind = ? order by created desc, id limit ?", (KIND, PAGE)
    ).fetchall()
    seconds = time.perf_counter() - begin
    if len(found) != PAGE:
        raise AssertionError(f"a page of {len(found)} rows")
    return seconds
