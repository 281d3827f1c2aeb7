"""A ZODB database and the connections to it.

Every connection has a transaction manager of its own, made explicit: the thread-local one mixes what concurrent tasks do.
"""

from pathlib import Path
from typing import Protocol

import transaction
from persistent.mapping import PersistentMapping
from ZODB.Connection import Connection
from ZODB.DB import DB
from ZODB.interfaces import IStorage

LARGE_RECORD = 1 << 30
"""ZODB warns above this; our largest records are messages, whose size is limited elsewhere."""


class Durable(Protocol):
    """What the store asks of a storage beyond ZODB's own interface."""

    def settle(self) -> None:
        """Return when every commit is on the disk. An `OSError` means that this is unknown."""
        ...


class Repeat(Exception):
    """Nothing of the transaction was written, for a reason that has passed: do the whole of it again."""


class Session:
    """One connection and its transactions. For one thread at a time."""

    def __init__(self, db: DB) -> None:
        self._transactions = transaction.TransactionManager(explicit=True)
        self._connection: Connection = db.open(self._transactions)
        self._under_way = False

    @property
    def root(self) -> PersistentMapping[object]:
        """The root of the database as of the last `begin`."""
        return self._connection.root()

    def begin(self) -> None:
        """Start a transaction: from here on the database looks as it does now."""
        self._transactions.begin()
        self._under_way = True

    def commit(self) -> None:
        """Write what was changed. Visible to others at once, durable after the storage's `settle`.

        After an error nothing was written, and the transaction still has to be aborted. Raises `Repeat` where the database was away meanwhile.
        """
        self._transactions.commit()
        self._under_way = False

    def abort(self) -> None:
        """End the transaction, if one is under way, and forget its changes."""
        if self._under_way:
            self._under_way = False
            self._transactions.abort()

    def mends(self, error: BaseException) -> bool:
        """Whether `error` was the connection's, which is there again: the transaction has ended, and can be done once more. Never with files."""
        return False

    def forget(self) -> None:
        """Drop what is cached: it is read again when it is asked for. Outside a transaction, or right behind a `begin`."""
        self._connection.cacheMinimize()

    def close(self) -> None:
        """Abort, and give the connection back."""
        self.abort()
        self._connection.close()


class Database:
    """One of the store's databases."""

    def __init__(self, path: Path, storage: IStorage, durable: Durable, cache_objects: int, cache_bytes: int) -> None:
        self.path = path
        self.durable = durable
        self._storage = storage
        self._db = DB(
            storage,
            cache_size=cache_objects,
            cache_size_bytes=cache_bytes,
            large_record_size=LARGE_RECORD,
            pool_size=16,
        )

    @property
    def last_transaction(self) -> int:
        """Number of the last commit. It grows with every one; it is not a time."""
        return int.from_bytes(self._storage.lastTransaction())

    def session(self) -> Session:
        """A new connection."""
        return Session(self._db)

    def close(self) -> None:
        """Close the database and its files."""
        self._db.close()
