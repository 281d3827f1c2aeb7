"""What it costs that there is much already: the same store at several sizes, beside sqlite with the same payload and the same syncs."""

import json
import random
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import EventBatch
from stigmer_backend.store import Append, DatabaseName, Lane, Store
from tests.bench import sqlite
from tests.bench.figures import Figure
from tests.bench.measures.appending import event_of
from tests.bench.measures.opening import OPEN
from tests.bench.run import Bench

EXECUTIONS = 100
GROUP = 640
"""Events of an append: 64 KiB."""
SIZE = 100
"""Bytes of an event."""
LOOKS = 200
"""Appends and reads that are measured at each size."""

SQLITE_OPEN = """
import json, sqlite3, sys, time
import psutil
before = psutil.Process().memory_info().rss
begin = time.perf_counter()
database = sqlite3.connect(sys.argv[1])
database.execute("select max(seq) from events where execution = 'aex-7'").fetchone()
print(json.dumps([time.perf_counter() - begin, psutil.Process().memory_info().rss - before]))
"""


class Contest:
    """A store and a database that grow beside each other."""

    def __init__(self, store: Store, database: sqlite3.Connection) -> None:
        self.store = store
        self._database = database
        self._row = EventBatch(events=[event_of(SIZE)]).SerializeToString()
        self._body = self._row * GROUP
        self._groups = 0
        self._dice = random.Random(1)

    @property
    def each(self) -> int:
        """Events of each execution."""
        return self._groups // EXECUTIONS * GROUP

    async def begin(self) -> None:
        """Make the executions."""
        for number in range(EXECUTIONS):
            name = _name(number)
            first = Append(name, Lane.EVENTS, self._row, 1, "", 0, 0)
            await self.store.create_execution(lambda state, name=name: state.put_meta(name, b""), name, first)

    async def grow(self, events: int) -> tuple[float, float]:
        """Up to so many events in both; the last appends of both in ms, the middle of them."""
        taken: tuple[list[float], list[float]] = ([], [])
        groups = events // GROUP
        while self._groups < groups:
            name, first = _name(self._groups % EXECUTIONS), self._groups // EXECUTIONS * GROUP + 1
            begin = time.perf_counter()
            await self.store.append([Append(name, Lane.EVENTS, self._body, GROUP, "", 0, 0)])
            between = time.perf_counter()
            sqlite.append(self._database, name, ((first + n, self._row) for n in range(GROUP)))
            if self._groups >= groups - LOOKS:
                taken[0].append((between - begin) * 1e3)
                taken[1].append((time.perf_counter() - between) * 1e3)
            self._groups += 1
        return statistics.median(taken[0]), statistics.median(taken[1])

    async def look(self) -> tuple[float, float]:
        """A reader that comes back anywhere in any execution and wants the next 64 KiB: ms of both, the middle ones."""
        taken: tuple[list[float], list[float]] = ([], [])
        for _ in range(LOOKS):
            name, after = _name(self._dice.randrange(EXECUTIONS)), self._dice.randrange(self.each - GROUP)
            begin = time.perf_counter()
            await self.store.read(name, after, 64 << 10)
            between = time.perf_counter()
            self._rows(name, after, GROUP)
            taken[0].append((between - begin) * 1e3)
            taken[1].append((time.perf_counter() - between) * 1e3)
        return statistics.median(taken[0]), statistics.median(taken[1])

    async def tail(self) -> tuple[float, float]:
        """All of one execution, in pieces: events a second of both."""
        after = 0
        begin = time.perf_counter()
        while batches := await self.store.read("aex-7", after, 256 << 10):
            after = batches[-1].last_seq
        between = time.perf_counter()
        seen = 0
        while found := self._rows("aex-7", seen, 2560):
            seen = found[-1][0]
        return after / (between - begin), seen / (time.perf_counter() - between)

    async def pack(self) -> tuple[float, float]:
        """Write both anew, without what is dead: seconds of both."""
        begin = time.perf_counter()
        await self.store.pack(DatabaseName.EVENTS)
        between = time.perf_counter()
        self._database.execute("vacuum")
        self._database.execute("pragma wal_checkpoint(truncate)")
        return between - begin, time.perf_counter() - between

    def _rows(self, name: str, after: int, count: int) -> list[tuple[int, bytes]]:
        found = self._database.execute(
            "select seq, body from events where execution = ? and seq > ? order by seq limit ?", (name, after, count)
        )
        return found.fetchall()


def _name(number: int) -> str:
    return f"aex-{number}"


async def growth(bench: Bench) -> Sequence[Figure]:
    """Append, read, open, memory and pack at three sizes."""
    directory = bench.directory()
    figures: list[Figure] = []
    store = await Store.open(directory / "store")
    with closing(sqlite.open_events(directory / "events.sqlite")) as database:
        contest = Contest(store, database)
        await contest.begin()
        try:
            for events in (
                bench.size(150_000, 1_000_000),
                bench.size(300_000, 5_000_000),
                bench.size(450_000, 10_000_000),
            ):
                label = f"{events:,} events"
                appended, found, tailed = await contest.grow(events), await contest.look(), await contest.tail()
                await store.close()
                database.execute("pragma wal_checkpoint(truncate)")
                opened = [_median(OPEN, directory / "store"), _median(SQLITE_OPEN, directory / "events.sqlite")]
                store = await Store.open(directory / "store")
                contest.store = store
                packed = await contest.pack()
                figures += [
                    _figure(f"{label}: append of 64 KiB", "ms", appended, f"the last {LOOKS} appends, synced, p50"),
                    _figure(f"{label}: 64 KiB from anywhere", "ms", found, f"{LOOKS} reads at random places, p50"),
                    _figure(
                        f"{label}: all of one run", "ev/s", tailed, f"{contest.each:,} events in pieces of 256 KiB"
                    ),
                    _figure(f"{label}: open", "s", (opened[0][0], opened[1][0]), "in a process of its own, p50"),
                    _figure(
                        f"{label}: memory of an open one",
                        "MB",
                        (opened[0][1] / 1e6, opened[1][1] / 1e6),
                        "what opening adds",
                    ),
                    _figure(f"{label}: pack", "s", packed, "all of it alive and copied; there `vacuum`"),
                ]
        finally:
            await store.close()
    return figures


def _figure(name: str, unit: str, pair: tuple[float, float], method: str) -> Figure:
    ours, theirs = pair
    return Figure(
        name=name,
        value=ours,
        unit=unit,
        baseline=theirs,
        baseline_name="sqlite WAL, synchronous=FULL, a row an event",
        ratio=ours / theirs if theirs else None,
        method=f"{EXECUTIONS} runs with events of {SIZE} B; {method}",
    )


def _median(program: str, path: Path) -> tuple[float, float]:
    """Of three processes: seconds and bytes."""
    found: list[tuple[float, float]] = []
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, check=True)
        seconds, memory = json.loads(done.stdout)
        found.append((seconds, memory))
    return sorted(found)[1]
