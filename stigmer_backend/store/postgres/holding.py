"""One daemon at a time writes a database: the lock, its heartbeat, and how the next daemon takes over.

The holder keeps a lock of the server's on the very connection that it appends events over, so that without the lock it cannot append. Each
holder has an epoch, which only grows. The lock goes with the connection: at once where the daemon died, after nine seconds where the way to it
was cut. A daemon that is merely frozen keeps both; whoever waits for it looks at its heartbeat, and ends its connections when that stood still
for `SILENT_SECONDS`. Thawed, it finds another epoch, and stops.
"""

import os
import socket
import threading
import time
from collections.abc import Callable

from psycopg2.extensions import cursor

from stigmer_backend.store.errors import DatabaseInUse, StoreLost
from stigmer_backend.store.postgres.address import Address, first_line
from stigmer_backend.store.postgres.roll_table import begin_epoch, call_roll, look_for_lead, strike_off
from stigmer_backend.store.postgres.wire import FAILED, Patience, Wire
from stigmer_backend.store.roll import Roll

BEAT_SECONDS = 1.0
GRACE_SECONDS = 2.0
"""A holder that is just ending is waited for this long."""
SILENT_SECONDS = 6.0
"""A holder whose heart stood still this long is taken for dead."""

_LOCK = "SELECT pg_try_advisory_lock(1398030158, 1)"


def taken_over(address: Address, holder: str) -> StoreLost:
    """What ends a daemon whose place another one took."""
    return StoreLost(
        f"{address.name} was taken over by {holder}",
        "Nothing that was acknowledged is lost. Use the other daemon; this one can stand by for it (`backend.local.standby`)",
    )


class Hold:
    """The right to write, from `take` to the end of its connection."""

    def __init__(self, address: Address, wire: Wire, token: str, roll: Roll | None = None) -> None:
        self.address = address
        self.wire = wire
        self.epoch = 0
        self.roll = roll
        self._application = application_of(token)
        self._holder = f"process {os.getpid()} on {socket.gethostname()}"

    def take(self, standby: Callable[[str], bool] | None, patience: Patience) -> None:
        """Get the lock. Where another daemon has it, waits as long as `standby` says; without, or then, raises `DatabaseInUse`."""
        begun = called = time.monotonic()
        seen: tuple[object, ...] | None = None
        since = time.monotonic()
        while True:
            try:
                found = self._other()
                if self._locked():
                    if found is None or not found[3] or not self._lives(str(found[3])):
                        return
                    self._unlock()
                if self.roll is not None and standby is not None:
                    if self.roll.lead is None or time.monotonic() - called >= BEAT_SECONDS:
                        called = time.monotonic()
                        call_roll(self.wire, self.roll, 0)
                    else:
                        look_for_lead(self.wire, self.roll)
                holder = str(found[2]) if found else "another daemon"
                if standby is None and time.monotonic() - begun >= GRACE_SECONDS:
                    raise DatabaseInUse(self.address.name, holder)
                if standby is not None and not standby(holder):
                    if self.roll is not None:
                        strike_off(self.wire, self.roll)
                    raise DatabaseInUse(self.address.name, holder)
                if found != seen:
                    seen, since = found, time.monotonic()
                elif standby is not None and found is not None and time.monotonic() - since >= SILENT_SECONDS:
                    self._end_connections(str(found[3]))
            except FAILED as error:
                if not self.wire.is_lost(error):
                    raise
                self.wire.reconnect()
                # The server may have been away for everybody: who has its lock comes back for it, and is let in first.
                patience.pause(GRACE_SECONDS)
                since = time.monotonic()
            patience.pause(BEAT_SECONDS / 4)

    def begin(self, asking: cursor, key: bytes) -> None:
        """Be the holder, under the next epoch with its key, and end what the one before may have left behind. Inside a transaction."""
        asking.execute("SELECT application FROM stigmer_store")
        before = asking.fetchone()
        asking.execute(
            "UPDATE stigmer_store SET epoch = epoch + 1, beat = beat + 1, holder = %s, application = %s RETURNING epoch",
            (self._holder, self._application),
        )
        self.epoch = number(asking)
        asking.execute("UPDATE stigmer_word SET epoch = %s, word = 0", (self.epoch,))
        begin_epoch(asking, self.epoch, key)
        if before is not None and before[0]:
            self._end(asking, str(before[0]))

    def reclaim(self, before: int) -> None:
        """The connection was lost, and is there again: take the lock again. `before` is the server's process of the lost one.

        Raises `StoreLost` where another daemon has it.
        """
        with self.wire.cursor() as asking:
            asking.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = %s AND application_name = %s",
                (before, self._application),
            )
            asking.execute("SELECT epoch, holder FROM stigmer_store")
            found = asking.fetchone()
        self.wire.commit()
        if found is None or found[0] != self.epoch:
            raise taken_over(self.address, "another daemon" if found is None else str(found[1]))
        deadline = time.monotonic() + SILENT_SECONDS
        while not self._locked():
            if time.monotonic() >= deadline:
                raise taken_over(self.address, "another daemon")
            time.sleep(0.05)

    def _locked(self) -> bool:
        with self.wire.cursor() as asking:
            asking.execute(_LOCK)
            found = asking.fetchone()
        self.wire.commit()
        return found == (True,)

    def _lives(self, application: str) -> bool:
        """Whether the holder has other connections: then it lost that with the lock alone, as when the server was restarted, and comes back for it."""
        with self.wire.cursor() as asking:
            asking.execute(
                "SELECT 1 FROM pg_stat_activity WHERE application_name = %s AND application_name <> %s AND datname = current_database() LIMIT 1",
                (application, self._application),
            )
            found = asking.fetchone()
        self.wire.commit()
        return found is not None

    def _unlock(self) -> None:
        with self.wire.cursor() as asking:
            asking.execute("SELECT pg_advisory_unlock(1398030158, 1)")
        self.wire.commit()

    def _other(self) -> tuple[object, ...] | None:
        """Epoch, heartbeat and name of the holder, and how its connections are called; None where it has not written them yet."""
        with self.wire.cursor() as asking:
            asking.execute("SELECT to_regclass('stigmer_store')::text")
            if asking.fetchone() == (None,):
                self.wire.rollback()
                return None
            asking.execute("SELECT epoch, beat, holder, application FROM stigmer_store")
            found = asking.fetchone()
        self.wire.commit()
        return found

    def _end_connections(self, application: str) -> None:
        with self.wire.cursor() as asking:
            self._end(asking, application)
        self.wire.commit()

    def _end(self, asking: cursor, application: str) -> None:
        if application != self._application:
            asking.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s AND pid <> pg_backend_pid()",
                (application,),
            )


def application_of(token: str) -> str:
    """How the server lists the connections of a daemon."""
    return f"stigmer {token}"


class Heart:
    """A thread with a connection of its own that shows every second that the holder lives, and notices that another took its place."""

    def __init__(self, hold: Hold, wire: Wire) -> None:
        self._hold = hold
        self._wire = wire
        self._ended = threading.Event()
        self._stop: Callable[[str, str], None] | None = None
        self._lost: StoreLost | None = None
        self._thread = threading.Thread(target=self._run, name="store-heart", daemon=True)

    def start(self) -> None:
        """Begin to beat."""
        self._thread.start()

    def listen(self, stop: Callable[[str, str], None]) -> None:
        """Call `stop` when the store is lost; at once if it is already."""
        self._stop = stop
        if self._lost is not None:
            stop(str(self._lost), self._lost.remedy)

    def ask_to_end(self) -> None:
        """From here on nothing is told."""
        self._ended.set()

    def end(self) -> None:
        """Stop beating. Blocks for a moment."""
        self._ended.set()
        self._thread.join()
        if self._hold.roll is not None:
            strike_off(self._wire, self._hold.roll)
        self._wire.close()

    def _run(self) -> None:
        while not self._ended.wait(BEAT_SECONDS):
            try:
                self._beat()
            except StoreLost as lost:
                if not self._ended.is_set():
                    self._tell(lost)
                return
            except FAILED as error:
                self._tell(
                    StoreLost(f"{self._hold.address.name} failed: {first_line(error)}", "Look at the server's log")
                )
                return

    def _beat(self) -> None:
        try:
            with self._wire.cursor() as asking:
                asking.execute("UPDATE stigmer_store SET beat = beat + 1 WHERE epoch = %s", (self._hold.epoch,))
                beaten = asking.rowcount
                asking.execute("SELECT holder FROM stigmer_store")
                found = asking.fetchone()
            self._wire.commit()
            if beaten == 1 and self._hold.roll is not None:
                call_roll(self._wire, self._hold.roll, self._hold.epoch)
        except FAILED as error:
            if not self._wire.is_lost(error):
                raise
            self._wire.reconnect()
            return
        if beaten != 1:
            raise taken_over(self._hold.address, str(found[0]) if found else "another daemon")

    def _tell(self, lost: StoreLost) -> None:
        self._lost = lost
        if self._stop is not None:
            self._stop(str(lost), lost.remedy)


def number(asking: cursor) -> int:
    """The one number that a query answered."""
    found = asking.fetchone()
    if found is None or not isinstance(found[0], int):
        raise TypeError(f"the server answered {found!r} where a number was asked for")
    return found[0]
