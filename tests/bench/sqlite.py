"""sqlite as a baseline: WAL, and a sync with each commit where the store syncs too."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path


def open_events(path: Path, *, durable: bool = True) -> sqlite3.Connection:
    """A database with a table of events, a row an event."""
    database = _open(path, durable=durable)
    database.execute(
        "create table events (execution text, seq integer, body blob, primary key (execution, seq)) without rowid"
    )
    return database


def open_resources(path: Path, *, durable: bool = False) -> sqlite3.Connection:
    """A database with a table of resources and an index by time of creation."""
    database = _open(path, durable=durable)
    database.execute("create table resources (kind text, id text, created integer, data blob, primary key (kind, id))")
    database.execute("create index newest on resources (kind, created desc, id)")
    return database


def append(database: sqlite3.Connection, execution: str, rows: Iterable[tuple[int, bytes]]) -> None:
    """One transaction."""
    with database:
        database.executemany("insert into events values (?, ?, ?)", ((execution, seq, body) for seq, body in rows))


def _open(path: Path, *, durable: bool) -> sqlite3.Connection:
    database = sqlite3.connect(path)
    database.execute("pragma journal_mode = wal")
    database.execute(f"pragma synchronous = {'full' if durable else 'off'}")
    return database
