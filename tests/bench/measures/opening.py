"""Opening a store that is large already."""

import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from stigmer_backend.store import Append, Lane, Store
from tests.bench.figures import Figure, at_most
from tests.bench.run import Bench

GROUP = b"g" * (64 << 10)

OPEN = """
import asyncio, json, sys, time
from pathlib import Path
import psutil
from stigmer_backend.store import Store
async def main():
    before = psutil.Process().memory_info().rss
    begin = time.perf_counter()
    store = await Store.open(Path(sys.argv[1]))
    seconds = time.perf_counter() - begin
    print(json.dumps([seconds, psutil.Process().memory_info().rss - before]))
    await store.close()
asyncio.run(main())
"""


async def open_time(bench: Bench) -> Sequence[Figure]:
    """After a proper close, in a process of its own."""
    directory = bench.directory()
    megabytes = bench.size(100, 1_000)
    store = await Store.open(directory)
    for number in range(10):
        name = f"aex-{number}"
        await store.create_execution(
            lambda state, name=name: state.put_meta(name, b""), name, Append(name, Lane.EVENTS, b"x", 1, "", 0, 0)
        )
    for number in range(megabytes * 16):
        await store.append([Append(f"aex-{number % 10}", Lane.EVENTS, GROUP, 640, "", 0, 0)])
    for begin in range(0, megabytes * 100, 1_000):
        await store.write(
            lambda state, begin=begin: [
                state.put("thing", f"t-{n:08}", b"r" * 700, created_ns=n, summary=b"s" * 150)
                for n in range(begin, begin + 1_000)
            ]
        )
    await store.close()
    size = sum(path.stat().st_size for path in directory.rglob("*") if path.is_file()) / 1e6
    results = [_open(directory) for _ in range(bench.size(3, 7))]
    method = f"{size:,.0f} MB of events and {megabytes * 100:,} records, closed before, files in the system's cache"
    return [
        Figure(
            name="open a store",
            value=statistics.median(r[0] for r in results),
            unit="s",
            budget=at_most(0.1),
            method=method,
        ),
        Figure(
            name="open a store: memory",
            value=statistics.median(r[1] for r in results) / 1e6,
            unit="MB",
            budget=at_most(20),
            method=method + ", resident memory that opening adds",
        ),
    ]


def _open(directory: Path) -> tuple[float, float]:
    done = subprocess.run([sys.executable, "-c", OPEN, str(directory)], capture_output=True, check=True)
    seconds, memory = json.loads(done.stdout)
    return seconds, memory
