"""What a server of PostgreSQL may do to a store: refuse it, be restarted under it, stay away, be full."""

import asyncio
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from stigmer_backend.store import (
    FormatTooNew,
    OpenRefused,
    ServerRefused,
    Store,
    StoreFull,
    StoreOptions,
    StoreStopped,
)
from tests.store.stores import append, assert_dense, create, read_all
from tests.support import require
from tests.support.postgres_server import (
    PASSWORD,
    SECRETIVE,
    PostgresServer,
    database_for,
    missing,
    running,
    shared,
)
from tests.support.scale import scaled
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
def server() -> Generator[PostgresServer]:
    """A server that a test may stop, of this module's own."""
    if reason := missing():
        require.missing(reason)
    with running() as started:
        yield started


async def refusal(uri: str, directory: Path) -> str:
    """What is said of a database that cannot be opened."""
    with pytest.raises(OpenRefused) as raised:
        await Store.open_at(uri, directory)
    return str(raised.value)


async def test_each_refusal_says_what_and_how_to_mend_it(tmp_path: Path) -> None:
    server = shared()
    for uri, what, remedy in (
        ("postgresql:///x?host=/nowhere", "no server answers", "Start it"),
        ("postgresql://127.0.0.1:1/x", "Connection refused", "look at the host and the port"),
        (server.uri("nix"), "no such database", "createdb -E UTF8"),
        (server.uri("postgres", "nobody-there"), "no such user", "createuser"),
        (server.uri("postgres", SECRETIVE), "none is known", "PGPASSFILE"),
        (server.database("SQL_ASCII"), "encoding is SQL_ASCII", "createdb -E UTF8"),
        ("postgresql://me:secret@h/d", "holds a password", "PGPASSFILE"),
        ("postgresql://h/d?nonsense=1", "means nothing", "postgresql://USER@HOST"),
    ):
        said = await refusal(uri, tmp_path)
        assert what in said, said
        assert remedy in said, said
        assert "secret" not in said
        assert "\n" not in said


async def test_a_password_comes_from_the_file_that_libpq_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = shared()
    file = tmp_path / "passwords"
    file.write_text(f"*:*:*:{SECRETIVE}:wrong\n")
    file.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(file))
    name = server.database().partition("/d")[2].partition("?")[0]
    server.sql(f"GRANT ALL ON SCHEMA public TO {SECRETIVE}", f"d{name}")
    uri = server.uri(f"d{name}", SECRETIVE)
    assert "refuses the password" in await refusal(uri, tmp_path)
    file.write_text(f"*:*:*:{SECRETIVE}:{PASSWORD}\n")
    store = await Store.open_at(uri, tmp_path)
    await create(store, "aex-a")
    await store.close()


async def test_the_database_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    server, uri = shared(), database_for(tmp_path)
    await (await Store.open_at(uri, tmp_path)).close()
    name = uri.rpartition("/")[2] if "?" not in uri else uri.partition("?")[0].rpartition("/")[2]
    server.sql("UPDATE stigmer_store SET format = 9, needs = '9.0'", name)
    with pytest.raises(FormatTooNew, match=r"use Stigmer 9\.0"):
        await Store.open_at(uri, tmp_path)


@pytest.mark.timeout(scaled(180, 3600))
async def test_a_restart_under_load_loses_and_doubles_nothing(server: PostgresServer, tmp_path: Path) -> None:
    """Every append and every change that is acknowledged is there, once; what waits meanwhile goes through after."""
    store = await Store.open_at(server.database(), tmp_path)
    ended = asyncio.Event()

    async def appends(execution: str) -> int:
        await create(store, execution)
        seq = 1
        while not ended.is_set():
            seq += 1
            await store.append([append(execution, seq, step=seq)])
        return seq

    async def changes() -> int:
        version = 0
        while not ended.is_set():
            before = version
            version = await store.write(
                lambda state, before=before: state.put(
                    "counter", "c", b"", created_ns=1, summary=b"", expected_version=before
                )
            )
        return version

    async with asyncio.TaskGroup() as group:
        writers = {name: group.create_task(appends(name)) for name in ("aex-a", "aex-b", "aex-c")}
        counting = group.create_task(changes())
        for turn in range(scaled(3, 60)):
            seen = store.revision
            await eventually(lambda seen=seen: store.revision > seen + 3)
            await asyncio.to_thread(server.stop, "fast" if turn % 2 else "immediate")
            await asyncio.to_thread(server.start)
        seen = store.revision
        await eventually(lambda: store.revision > seen + 3)
        ended.set()
    for name, writer in writers.items():
        found = await read_all(store, name)
        assert len(found) == writer.result()
        assert_dense(found)
    record = await store.read_state(lambda state: state.get("counter", "c"))
    assert record is not None
    assert record.version == counting.result()
    await store.close()


async def test_a_server_that_stays_away_stops_the_store_with_a_reason(server: PostgresServer, tmp_path: Path) -> None:
    uri = server.database()
    store = await Store.open_at(uri, tmp_path, options=StoreOptions(patience_seconds=1.0))
    await create(store, "aex-a")
    await asyncio.to_thread(server.stop)
    try:
        with pytest.raises(StoreStopped, match=r"has been away for 1 seconds.*Start the server") as stopped:
            await store.append([append("aex-a", 2, step=2)])
        assert "Check the disk" not in str(stopped.value)
        assert "has been away" in await store.failed()
        begun = time.monotonic()
        await store.close()
        assert time.monotonic() - begun < 60
    finally:
        await asyncio.to_thread(server.start)
    store = await Store.open_at(uri, tmp_path)
    assert not store.report.clean
    assert not store.report.incarnation_changed
    assert_dense(await read_all(store, "aex-a"))
    await store.close()


_FULL = """
CREATE FUNCTION full_disk() RETURNS trigger AS $$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = '53100'; END $$ LANGUAGE plpgsql;
CREATE TRIGGER full_disk BEFORE INSERT ON stigmer_event FOR EACH ROW EXECUTE FUNCTION full_disk();
CREATE TRIGGER full_disk BEFORE INSERT ON object_state FOR EACH ROW EXECUTE FUNCTION full_disk();
"""


async def test_a_full_disk_of_the_server_refuses_and_goes_on_once_there_is_space(tmp_path: Path) -> None:
    server, uri = shared(), database_for(tmp_path)
    name = uri.partition("?")[0].rpartition("/")[2]
    store = await Store.open_at(uri, tmp_path)
    await create(store, "aex-a")
    server.sql(_FULL, name)
    with pytest.raises(StoreFull, match="no space left"):
        await store.append([append("aex-a", 2, step=2)])
    with pytest.raises(StoreFull, match="no space left"):
        await store.write(lambda state: state.put("agent", "agt-1", b"", created_ns=1, summary=b""))
    server.sql("DROP FUNCTION full_disk CASCADE", name)
    await store.append([append("aex-a", 2, step=2)])
    await store.write(lambda state: state.put("agent", "agt-1", b"", created_ns=1, summary=b"", expected_version=0))
    assert_dense(await read_all(store, "aex-a"))
    await store.close()


async def test_nothing_is_taken_for_a_new_store_where_one_was(tmp_path: Path) -> None:
    server, uri = shared(), database_for(tmp_path)
    store = await Store.open_at(uri, tmp_path)
    await create(store, "aex-a")
    await store.close()
    name = uri.partition("?")[0].rpartition("/")[2]
    server.sql("TRUNCATE object_state CASCADE", name)
    with pytest.raises((OpenRefused, ServerRefused), match="missing"):
        await Store.open_at(uri, tmp_path)
