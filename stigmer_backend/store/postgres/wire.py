"""A connection to PostgreSQL that comes back after it was lost, within a patience; and how it is told that it was lost."""

import logging
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress

import psycopg2
from psycopg2.extensions import connection, cursor

from stigmer_backend.store.errors import StoreLost
from stigmer_backend.store.postgres.address import Address, is_passing

FAILED = psycopg2.Error
"""What the driver raises. Some of a server's last words are of no narrower class; whether the connection is lost, `is_lost` says."""

_log = logging.getLogger(__name__)

Value = str | int | bytes | memoryview | bool | list[str] | list[int] | None
"""What goes into a statement, and what a row holds."""

_ENDINGS = ("57P01", "57P02", "57P03", "08000", "08003", "08006")
"""With what a server ends a connection."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 0.4


class Patience:
    """How long a server may be away. Shared by the connections of a store; its end ends all waiting."""

    def __init__(self, address: Address, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._address = address
        self.seconds = seconds
        self._clock = clock
        self._ended = threading.Event()

    def end(self) -> None:
        """The store closes: nobody waits any more."""
        self._ended.set()

    def pause(self, seconds: float) -> None:
        """Wait a moment. Raises `StoreLost` once nobody waits any more."""
        if self._ended.wait(seconds):
            raise StoreLost(f"{self._address.name} is not waited for any more", "Start the daemon again")

    def until(self, attempt: Callable[[], bool]) -> None:
        """Try until `attempt` returns True, with pauses. Raises `StoreLost` when the patience is over, and what `attempt` raises."""
        deadline, pause = self._clock() + self.seconds, _FIRST_PAUSE
        while not attempt():
            if pause == _FIRST_PAUSE:
                _log.warning("%s does not answer; waiting for it", self._address.name)
            if self._clock() >= deadline or self._ended.wait(pause):
                raise StoreLost(
                    f"{self._address.name} has been away for {self.seconds:.0f} seconds",
                    "Start the server or mend the way to it, then start the daemon again",
                )
            pause = min(2 * pause, _LONGEST_PAUSE)


class Wire:
    """One connection, for one thread at a time."""

    def __init__(self, address: Address, application: str, patience: Patience, *, reading: bool = False) -> None:
        """Connect. `reading` makes each transaction a look at one moment. Raises `ServerRefused`."""
        self._address = address
        self._dsn = address.dsn(application)
        self._patience = patience
        self._reading = reading
        self.pid = 0
        """The server's process of this connection, also after its end."""
        try:
            self._take(psycopg2.connect(self._dsn))
        except psycopg2.Error as error:
            raise address.refusal(error) from error

    @contextmanager
    def cursor(self) -> Generator[cursor]:
        """A cursor, in the transaction that is under way or begins."""
        with self._connection.cursor() as opened:
            yield opened

    def commit(self) -> None:
        """End the transaction. An error of a lost connection leaves its outcome open."""
        self._connection.commit()

    def rollback(self) -> None:
        """Give the transaction up."""
        with suppress(FAILED):
            self._connection.rollback()

    def is_lost(self, error: BaseException) -> bool:
        """Whether `error` says that the connection is gone, rather than that the server refuses."""
        if not isinstance(error, FAILED):
            return False
        if self._connection.closed != 0 or error.pgcode in _ENDINGS:
            return True
        # After a crash of the server the driver does not notice at once: an error that the server gave no code is no refusal of a statement.
        return error.pgcode is None and not isinstance(error, psycopg2.ProgrammingError)

    def reconnect(self) -> None:
        """Connect again, as soon as the server is there. Raises `StoreLost`."""
        with suppress(FAILED):
            self._connection.close()

        self._take(connect_again(self._address, self._dsn, self._patience))

    def close(self) -> None:
        """Close the connection."""
        with suppress(FAILED):
            self._connection.close()

    def _take(self, opened: connection) -> None:
        if self._reading:
            opened.set_session(isolation_level="REPEATABLE READ", readonly=True)
        self._connection, self.pid = opened, opened.get_backend_pid()


def connect_again(address: Address, dsn: str, patience: Patience) -> connection:
    """Connect as soon as the server is there. Raises `StoreLost`."""
    found: list[connection] = []

    def attempt() -> bool:
        try:
            found.append(psycopg2.connect(dsn))
        except psycopg2.OperationalError as error:
            if is_passing(error):
                return False
            refusal = address.refusal(error)
            raise StoreLost(f"{address.name}: {refusal.what}", refusal.remedy) from error
        return True

    patience.until(attempt)
    return found[0]
