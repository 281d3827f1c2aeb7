"""A connection to PostgreSQL that comes back after it was lost, within a patience; and how it is told that it was lost."""

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress

import psycopg2
from psycopg2.extensions import connection, cursor

from stigmer_backend.store.errors import StoreLost
from stigmer_backend.store.postgres.address import Address, is_passing

LOST = (psycopg2.OperationalError, psycopg2.InterfaceError)
"""What a lost connection raises; and so do some refusals, for which `is_lost` asks."""

Value = str | int | bytes | memoryview | bool | list[str] | list[int] | None
"""What goes into a statement, and what a row holds."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0


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
        with suppress(*LOST):
            self._connection.rollback()

    def is_lost(self, error: BaseException) -> bool:
        """Whether `error` says that the connection is gone, rather than that the server refuses."""
        return isinstance(error, LOST) and self._connection.closed != 0

    def reconnect(self) -> None:
        """Connect again, as soon as the server is there. Raises `StoreLost`."""
        with suppress(*LOST):
            self._connection.close()

        self._take(connect_again(self._address, self._dsn, self._patience))

    def close(self) -> None:
        """Close the connection."""
        with suppress(*LOST):
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
