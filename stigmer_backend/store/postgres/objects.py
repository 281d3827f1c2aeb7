"""Resources in PostgreSQL: the same objects as in `state.fs`, through RelStorage.

Every transaction also writes one object of its own, the writer's word: the epoch of the daemon and a number that it uses once. So a daemon whose
place was taken cannot commit any more (the word changed under it, which is a conflict), and after a lost connection the word tells whether the
transaction was committed.
"""

import errno
import logging
import struct
import time
from pathlib import Path
from typing import cast

from psycopg2.errors import DiskFull
from relstorage.adapters.interfaces import IDBDriver, ReplicaClosedException
from relstorage.adapters.postgresql import PostgreSQLAdapter
from relstorage.options import Options
from relstorage.storage import RelStorage
from ZODB.DB import DB
from ZODB.POSException import ConflictError, StorageError

from stigmer_backend.store.database import Database, Repeat, Session
from stigmer_backend.store.errors import StoreLost
from stigmer_backend.store.persistent_classes import Cell
from stigmer_backend.store.postgres.address import first_line
from stigmer_backend.store.postgres.holding import Hold, taken_over
from stigmer_backend.store.postgres.wire import FAILED, Patience, connect_again

CACHE_MEGABYTES = 16
"""Of records, shared by the connections of a daemon."""

RETRY_SECONDS = 0.05
"""Between two tries of what failed though the server answers."""

CALM_SECONDS = 5.0
"""Errors that are further apart have nothing to do with each other."""

_WRITER = "writer"
_WORD = struct.Struct(">QQ")
_TROUBLE = (FAILED, ReplicaClosedException, StorageError, ConflictError)
"""What RelStorage raises where its connection is gone, or somebody else committed."""


class ObjectsDatabase(Database):
    """The resources' database. The path is its name, for a person."""

    def __init__(self, hold: Hold, application: str, patience: Patience, objects: int, size: int) -> None:
        """Open it, with RelStorage's tables made where there are none. Raises what the server refuses."""
        self.hold = hold
        self.patience = patience
        self._dsn = hold.address.dsn(application)
        logging.getLogger("relstorage").setLevel(
            logging.CRITICAL
        )  # It tells of each lost connection by a traceback; `wire` says it once.
        options = Options(keep_history=False, driver="psycopg2", cache_local_mb=CACHE_MEGABYTES)
        storage = RelStorage(_Adapter(self._dsn, options), "stigmer", options=options)
        super().__init__(Path(hold.address.name), storage, self, objects, size)
        self._words = 0
        self.revision = 0

    @property
    def last_transaction(self) -> int:
        """Number of the last commit. It grows with every one; it is not a time."""
        return self.revision

    def settle(self) -> None:
        """Nothing to do: what is committed is on the server's disk."""

    def session(self) -> "ObjectsSession":
        """A new connection."""
        return ObjectsSession(self._db, self)

    def begin(self) -> None:
        """Be the writer: from here on no earlier daemon can commit. Before anything else is written."""
        session = self.session()
        session.begin()
        try:
            word = _WORD.pack(self.hold.epoch, 0)
            if _WRITER in session.root:
                cast(Cell, session.root[_WRITER]).data = word
            else:
                session.root[_WRITER] = Cell(word)
            session.commit()
        finally:
            session.abort()
            session.close()

    def next_word(self) -> bytes:
        """A word that was never used."""
        self._words += 1
        return _WORD.pack(self.hold.epoch, self._words)

    def check(self, word: bytes) -> None:
        """Raises `StoreLost` if `word`, which was found, is another daemon's."""
        epoch, _ = _WORD.unpack(word)
        if epoch != self.hold.epoch:
            raise taken_over(self.hold.address, "another daemon")

    def wait(self) -> None:
        """Return when the server lets us in. Raises `StoreLost`."""
        connect_again(self.hold.address, self._dsn, self.patience).close()


class _Adapter(PostgreSQLAdapter):
    """RelStorage's, which also knows the words of a server that crashed: the driver's widest class of errors, with no code."""

    def _select_driver(self, options: object = None) -> IDBDriver:
        driver = super()._select_driver(options)
        driver.close_exceptions = (*driver.close_exceptions, FAILED)
        return driver


class ObjectsSession(Session):
    """One connection to the resources."""

    def __init__(self, db: DB, database: ObjectsDatabase) -> None:
        super().__init__(db)
        self._database = database
        self._troubled_since = self._troubled_at = 0.0

    def begin(self) -> None:
        """As `Session.begin`; waits for the server where it is away. Raises `StoreLost`."""
        while True:
            try:
                self._under_way = True
                super().begin()
            except _TROUBLE as error:
                self.mends(error)
            else:
                return

    def commit(self) -> None:
        """As `Session.commit`; where the connection is lost meanwhile, finds out what became of it. Raises `Repeat`, `StoreLost`, and `OSError` for a full disk."""
        word = self._database.next_word()
        try:
            writer = cast(Cell, self.root[_WRITER])
            self._database.check(writer.data)
            writer.data = word
            super().commit()
            self._note(writer)
        except DiskFull as error:
            raise OSError(errno.ENOSPC, first_line(error)) from error
        except _TROUBLE as error:
            self.mends(error)
            if not self._was_committed(word):
                raise Repeat from error

    def mends(self, error: BaseException) -> bool:
        """As `Session.mends`. Raises `StoreLost` where it is no better after the patience."""
        if not isinstance(error, _TROUBLE):
            return False
        self.abort()
        self._database.wait()
        now = time.monotonic()
        if now - self._troubled_at > CALM_SECONDS:
            self._troubled_since = now
        self._troubled_at = now
        if now - self._troubled_since > self._database.patience.seconds:
            raise StoreLost(
                f"{self._database.path} answers, and fails again and again: {first_line(error)}",
                "Look at the server's log",
            ) from error
        self._database.patience.pause(RETRY_SECONDS)
        return True

    def _was_committed(self, word: bytes) -> bool:
        while True:
            self.begin()
            try:
                writer = cast(Cell, self.root[_WRITER])
                found = writer.data
                self._database.check(found)
                if found == word:
                    self._note(writer)
            except _TROUBLE as error:
                self.mends(error)
            else:
                return found == word
            finally:
                self.abort()

    def _note(self, writer: Cell) -> None:
        """The word's own version is the transaction's number."""
        self._database.revision = int.from_bytes(writer._p_serial)
