"""Resources by the ten thousand and the million, beside sqlite: the same messages, the same indexes, the same durability."""

import json
import random
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from stigmer_apis._generated.ai.stigmer.agentic.environment.v1.environment_pb2 import Environment
from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import ResourceFilter
from stigmer_apis.protocol import API_VERSION
from stigmer_backend.resources.filters import select
from stigmer_backend.resources.kinds import ENVIRONMENTS
from stigmer_backend.resources.listing import Found, Turn, by_name, by_time
from stigmer_backend.resources.listing_keys import lists_of, row_summary
from stigmer_backend.store import Row, StateRead, StateWrite, Store, row_key
from tests.bench.figures import Figure, at_most
from tests.bench.rounds import in_turn, percentile, timed
from tests.bench.run import Bench

PAGE = 50
BATCH = 1_000
TEAMS = 10
DESCRIPTION = "Settings of a service, as a team keeps them. " * 10
SPACING_NS = 1_000_000
BUDGET = 100_000

TABLES = """
create table resources (kind text, id text, slug text, created integer, data blob, primary key (kind, id));
create index newest on resources (kind, created desc, id);
create unique index names on resources (kind, slug);
create table labels (kind text, label text, created integer, id text, primary key (kind, label, created desc, id)) without rowid;
"""

OPEN_STORE = """
import asyncio, json, sys, time
from pathlib import Path
import psutil
from stigmer_backend.store import Store
async def main():
    before = psutil.Process().memory_info().rss
    begin = time.perf_counter()
    store = await Store.open(Path(sys.argv[1]))
    rows = await store.read_state(lambda state: state.page("environment", limit=50))
    seconds = time.perf_counter() - begin
    print(json.dumps([seconds, psutil.Process().memory_info().rss - before, len(rows)]))
    await store.close()
asyncio.run(main())
"""
OPEN_SQLITE = """
import json, sqlite3, sys, time
import psutil
before = psutil.Process().memory_info().rss
begin = time.perf_counter()
database = sqlite3.connect(sys.argv[1])
rows = database.execute("select id from resources where kind = 'environment' order by created desc, id limit 50").fetchall()
seconds = time.perf_counter() - begin
print(json.dumps([seconds, psutil.Process().memory_info().rss - before, len(rows)]))
"""


@dataclass(frozen=True, slots=True)
class Pair:
    """The same resources in a store and in sqlite."""

    store: Store
    database: sqlite3.Connection
    count: int


def environment(number: int) -> Environment:
    """One of them, of about 700 bytes."""
    wanted = Environment(api_version=API_VERSION, kind=ENVIRONMENTS.name)
    meta = wanted.metadata
    meta.id, meta.slug, meta.name = id_of(number), f"env-{number:08}", f"Environment {number}"
    meta.labels["team"] = f"team-{number % TEAMS}"
    meta.tags.append("bench")
    wanted.spec.description = DESCRIPTION
    for name in ("REGION", "LOG_LEVEL", "ENDPOINT"):
        wanted.spec.data[name].value = f"value of {name} {number}"
    return wanted


def id_of(number: int) -> str:
    """As long as a real one."""
    return f"env-{number:026}"


async def many_resources(bench: Bench) -> Sequence[Figure]:
    """First page, a page in the middle, a filtered page, get, create, open and memory."""
    figures: list[Figure] = []
    for count in (1_000,) if bench.short else (10_000, 100_000, 1_000_000):
        figures += await _of(bench, count)
    return figures


async def _of(bench: Bench, count: int) -> list[Figure]:
    directory, file = bench.directory(), bench.directory() / "db"
    store = await Store.open(directory)
    database = sqlite3.connect(file, check_same_thread=False)
    database.execute("pragma journal_mode = wal")
    database.execute("pragma synchronous = full")
    database.executescript(TABLES)
    for begin in range(0, count, BATCH):
        numbers = range(begin, min(begin + BATCH, count))
        await store.write(lambda state, numbers=numbers: [_put(state, number) for number in numbers] and None)
        _insert(database, numbers)
    pair = Pair(store, database, count)
    figures = [figure for questions in QUESTIONS for figure in await _ask(bench, pair, *questions)]
    figures += await _create(bench, pair)
    await store.close()
    database.close()
    return figures + _open(bench, count, directory, file)


def _put(state: StateWrite, number: int) -> None:
    message = environment(number)
    state.put(
        ENVIRONMENTS.table,
        message.metadata.id,
        message.SerializeToString(),
        slug=message.metadata.slug,
        created_ns=number * SPACING_NS,
        parents=lists_of(message),
        summary=row_summary(message.metadata.slug),
    )


def _insert(database: sqlite3.Connection, numbers: range) -> None:
    def rows() -> Iterator[tuple[object, ...]]:
        for number in numbers:
            message = environment(number)
            slug = message.metadata.slug
            yield ENVIRONMENTS.table, message.metadata.id, slug, number * SPACING_NS, message.SerializeToString()

    def labels() -> Iterator[tuple[object, ...]]:
        for number in numbers:
            yield ENVIRONMENTS.table, f"team=team-{number % TEAMS}", number * SPACING_NS, id_of(number)
            yield ENVIRONMENTS.table, "tag=bench", number * SPACING_NS, id_of(number)

    with database:
        database.executemany("insert into resources values (?, ?, ?, ?, ?)", rows())
        database.executemany("insert into labels values (?, ?, ?, ?)", labels())


# -- reading -------------------------------------------------------------------------------------------------------------


def _parsed(state: StateRead, found: Found) -> list[Environment]:
    stored = (state.data(ENVIRONMENTS.table, row.id) for row in found.rows)
    return [ENVIRONMENTS.decode(data) for data in stored if data is not None]


def _filter(state: StateRead, wanted: ResourceFilter, turn: Turn) -> list[Environment]:
    chosen = select(ENVIRONMENTS, wanted, lambda state, row: True, BUDGET)
    return _parsed(state, by_time(state, chosen, turn, newest_first=True))


def _first(state: StateRead, count: int) -> list[Environment]:
    return _filter(state, ResourceFilter(), Turn(None, 0, PAGE))


def _middle(state: StateRead, count: int) -> list[Environment]:
    place = row_key(count // 2 * SPACING_NS, id_of(count // 2))
    return _filter(state, ResourceFilter(), Turn(place, count // 2, PAGE))


def _jump(state: StateRead, count: int) -> list[Environment]:
    return _filter(state, ResourceFilter(), Turn(None, 0, PAGE, skip=count // 2))


def _label(state: StateRead, count: int) -> list[Environment]:
    return _filter(state, ResourceFilter(labels={"team": "team-3"}, tags=["bench"]), Turn(None, 0, PAGE))


def _by_name(state: StateRead, count: int) -> list[Environment]:
    chosen = select(ENVIRONMENTS, ResourceFilter(), lambda state, row: True, BUDGET)
    found = by_name(state, chosen, Turn(f"env-{count // 2:08}".encode(), 0, PAGE), _name_of)
    return _parsed(state, found)


def _name_of(state: StateRead, row: Row) -> str:
    return row.summary.decode()


def _get(state: StateRead, count: int) -> list[Environment]:
    data = state.data(ENVIRONMENTS.table, id_of(random.randrange(count)))
    return [] if data is None else [ENVIRONMENTS.decode(data)]


NEWEST = "select data from resources where kind = 'environment'"
ORDER = "order by created desc, id limit 50"
LABELLED = (
    "select data from labels as one join labels as two using (kind, created, id) join resources using (kind, id) "
    "where one.kind = 'environment' and one.label = 'team=team-3' and two.label = 'tag=bench' "
    "order by one.created desc, one.id limit 50"
)

Read = Callable[[StateRead, int], list[Environment]]
Select = Callable[[int], tuple[str, tuple[object, ...]]]

QUESTIONS: tuple[tuple[str, str, Read, Select], ...] = (
    ("first page", f"{PAGE} newest, parsed", _first, lambda count: (f"{NEWEST} {ORDER}", ())),
    (
        "page in the middle",
        f"{PAGE} from a token in the middle, parsed",
        _middle,
        lambda count: (f"{NEWEST} and created < ? {ORDER}", (count // 2 * SPACING_NS,)),
    ),
    (
        "jump to the middle",
        f"{PAGE} from a number in the middle, parsed",
        _jump,
        lambda count: (f"{NEWEST} {ORDER} offset ?", (count // 2,)),
    ),
    (
        "page by label and tag",
        f"{PAGE} newest of two lists' intersection, parsed",
        _label,
        lambda count: (LABELLED, ()),
    ),
    (
        "page by name",
        f"{PAGE} in the order of names from the middle, parsed",
        _by_name,
        lambda count: (f"{NEWEST} and slug > ? order by slug limit 50", (f"env-{count // 2:08}",)),
    ),
    (
        "get",
        "one by a random id, parsed",
        _get,
        lambda count: (f"{NEWEST} and id = ?", (id_of(random.randrange(count)),)),
    ),
)


async def _ask(bench: Bench, pair: Pair, name: str, method: str, read: Read, select: Select) -> list[Figure]:
    repeats = bench.size(30, 300)

    async def ours() -> float:
        def look(state: StateRead) -> float:
            with timed() as watch:
                if not read(state, pair.count):
                    raise AssertionError(f"{name}: nothing was found")
            return watch.seconds * 1e3

        return percentile([await pair.store.read_state(look) for _ in range(repeats)], 0.5)

    async def theirs() -> float:
        taken: list[float] = []
        for _ in range(repeats):
            with timed() as watch:
                rows = pair.database.execute(*select(pair.count)).fetchall()
                found = [Environment.FromString(data) for (data,) in rows]
            if not found:
                raise AssertionError(f"{name}: sqlite found nothing")
            taken.append(watch.seconds * 1e3)
        return percentile(taken, 0.5)

    rounds = await in_turn(bench.size(3, 5), {"store": ours, "sqlite": theirs})
    return [
        Figure(
            name=f"{name} of {pair.count:,} resources",
            value=rounds.median("store"),
            unit="ms",
            baseline=rounds.median("sqlite"),
            baseline_name="sqlite, by an index, parsed too",
            ratio=rounds.ratio("store", "sqlite"),
            method=f"{method}; hot, p50, each a query of its own on the reader's thread; sqlite in one loop on one thread",
        )
    ]


# -- writing and opening -------------------------------------------------------------------------------------------------


async def _create(bench: Bench, pair: Pair) -> list[Figure]:
    """One at a time, each on the disk before the next."""
    repeats = bench.size(50, 300)
    following = {"store": pair.count, "sqlite": pair.count}

    async def measure(who: str, create: Callable[[int], Awaitable[None]]) -> float:
        taken: list[float] = []
        for _ in range(repeats):
            number = following[who]
            following[who] += 1
            begin = time.perf_counter()
            await create(number)
            taken.append((time.perf_counter() - begin) * 1e3)
        return percentile(taken, 0.5)

    async def ours(number: int) -> None:
        await pair.store.write(lambda state: _put(state, number))

    async def theirs(number: int) -> None:
        _insert(pair.database, range(number, number + 1))

    rounds = await in_turn(
        bench.size(3, 5), {"store": lambda: measure("store", ours), "sqlite": lambda: measure("sqlite", theirs)}
    )
    return [
        Figure(
            name=f"create among {pair.count:,} resources",
            value=rounds.median("store"),
            unit="ms",
            baseline=rounds.median("sqlite"),
            baseline_name="sqlite, WAL, synced",
            ratio=rounds.ratio("store", "sqlite"),
            method="one at a time, with a label, a tag, a name and a time to index, on the disk when it returns; p50",
        )
    ]


def _open(bench: Bench, count: int, directory: Path, file: Path) -> list[Figure]:
    rounds = bench.size(3, 5)
    ours = [_in_a_process(OPEN_STORE, directory) for _ in range(rounds)]
    theirs = [_in_a_process(OPEN_SQLITE, file) for _ in range(rounds)]
    size = sum(path.stat().st_size for path in directory.rglob("*") if path.is_file()) / 1e6
    other = sum(path.stat().st_size for path in file.parent.iterdir()) / 1e6
    method = "in a process of its own, after a proper close, files in the system's cache, to the first page of rows"
    return [
        Figure(
            name=f"open with {count:,} resources",
            value=statistics.median(one[0] for one in ours) * 1e3,
            unit="ms",
            baseline=statistics.median(one[0] for one in theirs) * 1e3,
            baseline_name="sqlite",
            budget=at_most(100),
            method=method,
        ),
        Figure(
            name=f"memory with {count:,} resources",
            value=statistics.median(one[1] for one in ours) / 1e6,
            unit="MB",
            baseline=statistics.median(one[1] for one in theirs) / 1e6,
            baseline_name="sqlite",
            method=method,
        ),
        Figure(
            name=f"disk with {count:,} resources",
            value=size,
            unit="MB",
            baseline=other,
            baseline_name="sqlite",
            method="all files, nothing packed",
        ),
    ]


def _in_a_process(script: str, path: Path) -> tuple[float, float]:
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, check=True)
    seconds, memory, rows = json.loads(done.stdout)
    if rows != PAGE:
        raise AssertionError(f"a page of {rows} rows")
    return seconds, memory
