"""The tables beside RelStorage's, and the one row that says whose store it is.

stigmer_store       one row: format, ids, how it was left, and who has it
stigmer_word        one row: the epoch of who has it, and a number that each of its transactions uses once
stigmer_execution   an execution: the last number of each lane, and of the engine's the last one dropped
stigmer_mark        how far each producer of an execution came
stigmer_event       neighbouring messages of a lane, by the number of the first
"""

from dataclasses import dataclass

from psycopg2.extensions import cursor

from stigmer_backend.store.errors import FormatTooNew, ServerRefused
from stigmer_backend.store.manifest import NEEDS
from stigmer_backend.store.postgres.address import Address
from stigmer_backend.store.postgres.wire import Wire

FORMAT = 1
"""Of these tables."""

OLDEST_SERVER = 130000
"""PostgreSQL 13, the oldest that has not been given up."""

_MAKE = """
CREATE TABLE IF NOT EXISTS stigmer_store (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    format integer NOT NULL, needs text NOT NULL,
    id text NOT NULL, incarnation text NOT NULL, clean boolean NOT NULL,
    epoch bigint NOT NULL, beat bigint NOT NULL, holder text NOT NULL, application text NOT NULL
);
CREATE TABLE IF NOT EXISTS stigmer_word (
    one boolean PRIMARY KEY DEFAULT true CHECK (one), epoch bigint NOT NULL, word bigint NOT NULL
) WITH (fillfactor = 10);
CREATE TABLE IF NOT EXISTS stigmer_execution (
    id text COLLATE "C" PRIMARY KEY, events bigint NOT NULL, engine bigint NOT NULL, engine_floor bigint NOT NULL
);
CREATE TABLE IF NOT EXISTS stigmer_mark (
    execution text COLLATE "C", producer bytea, epoch bigint NOT NULL, step bigint NOT NULL,
    PRIMARY KEY (execution, producer)
);
CREATE TABLE IF NOT EXISTS stigmer_event (
    execution text COLLATE "C", lane smallint, first bigint, count bigint NOT NULL, body bytea NOT NULL,
    PRIMARY KEY (execution, lane, first)
);
ALTER TABLE stigmer_event ALTER COLUMN body SET STORAGE EXTERNAL;
"""
_PLACE = "ALTER TABLE stigmer_store ADD COLUMN IF NOT EXISTS place text NOT NULL DEFAULT ''"
"""In which database the row was: a copy that is put back is another one."""


def prepare_tables(asking: cursor, address: Address, store_id: str, incarnation: str) -> bool:
    """Make the tables where there are none, and return whether it made them. Inside a transaction, with the lock held.

    Raises `ServerRefused` for a server or database that cannot be used, `FormatTooNew`.
    """
    asking.execute(
        "SELECT current_setting('server_encoding'), current_setting('server_version_num')::int, to_regclass('stigmer_store')::text"
    )
    encoding, version, there = asking.fetchone() or ("", 0, None)
    if encoding != "UTF8":
        raise ServerRefused(
            address.name,
            f"its encoding is {encoding}, not UTF8",
            "Make another one: `createdb -E UTF8 -T template0 DATABASE`",
        )
    if isinstance(version, int) and version < OLDEST_SERVER:
        raise ServerRefused(
            address.name, f"its server is of version {version // 10000}", "Use PostgreSQL 13 or newer; 15 is tested"
        )
    if there is not None:
        asking.execute("SELECT format, needs FROM stigmer_store")
        found = asking.fetchone()
        if found is not None:
            asking.execute(_PLACE)
            if isinstance(found[0], int) and found[0] > FORMAT:
                raise FormatTooNew(address.name, found[0], FORMAT, str(found[1]))
            return False
    asking.execute(_MAKE)
    asking.execute(_PLACE)
    asking.execute(
        "INSERT INTO stigmer_store (format, needs, id, incarnation, clean, epoch, beat, holder, application)"
        " VALUES (%s, %s, %s, %s, true, 0, 0, '', '')",
        (FORMAT, NEEDS, store_id, incarnation),
    )
    asking.execute("INSERT INTO stigmer_word (epoch, word) VALUES (0, 0)")
    return True


@dataclass(frozen=True, slots=True)
class Before:
    """What the database tells of the daemon that had it last."""

    incarnation: str
    """The store's from here on."""
    clean: bool
    """It closed the store properly."""
    moved: bool
    """This is a copy that was put back: what was shown after it was made is gone."""


def begin_again(asking: cursor, fresh: str) -> Before:
    """Take the store over: from here on it is not left properly. Its incarnation is `fresh` for a copy that was put back. Inside a transaction.

    A stop that was not in order takes nothing away: what readers saw was committed.
    """
    asking.execute(
        "SELECT clean, place <> '' AND place <> here.oid::text, here.oid::text, incarnation"
        " FROM stigmer_store, pg_database here WHERE here.datname = current_database()"
    )
    clean, moved, here, incarnation = asking.fetchone() or (False, False, "", fresh)
    now = fresh if moved else str(incarnation)
    asking.execute("UPDATE stigmer_store SET clean = false, incarnation = %s, place = %s", (now, here))
    return Before(now, clean is True, moved is True)


def leave(wire: Wire, epoch: int) -> None:
    """Write down that the store was closed properly."""
    with wire.cursor() as asking:
        asking.execute(
            "UPDATE stigmer_store SET clean = true, holder = '', application = '' WHERE epoch = %s", (epoch,)
        )
    wire.commit()


def is_empty(wire: Wire) -> bool:
    """Whether there is no execution."""
    with wire.cursor() as asking:
        asking.execute("SELECT 1 FROM stigmer_execution LIMIT 1")
        found = asking.fetchone()
    wire.commit()
    return found is None
