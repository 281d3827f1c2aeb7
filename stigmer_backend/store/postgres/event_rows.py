"""Events as rows. Blocking.

What the event log writes is committed before readers see it: nothing that was shown can be gone when another daemon takes the place of this one.
Where the connection is lost, it is asked what became of the transaction, and that is done again, whole, if it was not committed: never twice, and never in part. Each
transaction leaves a number there that tells: the server's own number of it does not, since after a crash it is given to another one.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from psycopg2.errors import DiskFull
from psycopg2.extensions import cursor
from psycopg2.extras import execute_values

from stigmer_backend.store.errors import StoreFull
from stigmer_backend.store.frames import JournalRecord, RecordKind
from stigmer_backend.store.model import Batch, Lane, Mark
from stigmer_backend.store.postgres.address import Address
from stigmer_backend.store.postgres.holding import Hold, number, taken_over
from stigmer_backend.store.postgres.wire import FAILED, Patience, Value, Wire
from stigmer_backend.store.standing import Standing
from stigmer_backend.store.timeline import Tail, Timeline

LANES = {RecordKind.EVENTS: Lane.EVENTS, RecordKind.ENGINE: Lane.ENGINE}

READ_ROWS = 1_024
"""Most rows that one question fetches."""

_PUT = "INSERT INTO stigmer_event (execution, lane, first, count, body) VALUES %s"
_BEAR = "INSERT INTO stigmer_execution (id, events, engine, engine_floor) VALUES %s"
_MARK = """
INSERT INTO stigmer_mark (execution, producer, epoch, step) VALUES %s
ON CONFLICT (execution, producer) DO UPDATE SET epoch = excluded.epoch, step = excluded.step
"""
_MOVE = """
UPDATE stigmer_execution AS known SET events = greatest(known.events, moved.events), engine = greatest(known.engine, moved.engine)
FROM (VALUES %s) AS moved (id, events, engine, events_from, engine_from)
WHERE known.id = moved.id AND (moved.events = 0 OR known.events = moved.events_from)
AND (moved.engine = 0 OR known.engine = moved.engine_from) RETURNING 1
"""
_READ = """
SELECT first, count, body FROM (
    SELECT first, count, body, sum(octet_length(body)) OVER (ORDER BY first) - octet_length(body) AS before FROM (
        SELECT first, count, body FROM stigmer_event WHERE execution = %s AND lane = %s AND first >= coalesce(
            (SELECT max(first) FROM stigmer_event WHERE execution = %s AND lane = %s AND first <= %s), 0)
        ORDER BY first LIMIT %s) AS page) AS chosen
WHERE before < %s AND first + count - 1 > %s ORDER BY first
"""


class RowJournal:
    """The event log's journal: rows in a transaction that is under way. Nothing is replayed, so there is only ever one."""

    def __init__(self, hold: Hold) -> None:
        self.number = 1
        self._hold = hold
        self._wire = hold.wire
        self._word = 0
        self.size = 0
        self.synced = 0

    def write(self, records: Iterable[JournalRecord]) -> None:
        """Commit a group: readers see it after this, and whoever takes this daemon's place has it.

        Raises `StoreFull`, with nothing of the group written, and `StoreLost`, after which it may be there or not.
        """
        group = list(records)
        try:
            self._commit(group)
        except DiskFull as error:
            self._wire.rollback()
            raise StoreFull(self._hold.address.name, str(error).strip()) from error
        self.size += sum(len(record.body) for record in group) + len(group)

    def sync(self) -> None:
        """Nothing to do: what was written is committed."""
        self.synced = self.size

    def following(self) -> "RowJournal":
        """Itself: what is committed stays where it is."""
        return self

    def create(self, random_bytes: Callable[[int], bytes]) -> None:
        """Count from nothing again: rows that were committed are nobody's to move, and a removal is done."""
        self.number += 1
        self.size = self.synced = 0

    def remove(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Give up what was not acknowledged."""
        self._wire.rollback()

    def _commit(self, group: Sequence[JournalRecord]) -> None:
        """Once, whatever becomes of the connection. Raises `DiskFull`, `StoreLost`."""
        while True:
            try:
                self._put(group)
                self._wire.commit()
            except DiskFull:
                raise
            except FAILED as error:
                if self._come_back(error):
                    return
            else:
                return

    def _put(self, group: Sequence[JournalRecord]) -> None:
        with self._wire.cursor() as asking:
            self._word += 1
            asking.execute("UPDATE stigmer_word SET word = %s WHERE epoch = %s", (self._word, self._hold.epoch))
            if asking.rowcount != 1:
                raise taken_over(self._hold.address, "another daemon")
            self._write_rows(asking, group)

    def _write_rows(self, asking: cursor, group: Sequence[JournalRecord]) -> None:
        events: list[tuple[Value, ...]] = []
        born: list[str] = []
        marks: dict[tuple[str, str], Mark] = {}
        heads: dict[str, dict[Lane, tuple[int, int]]] = {}
        for record in group:
            match record.kind:
                case RecordKind.REMOVE:
                    _remove(asking, record.execution)
                    continue
                case RecordKind.DROP_ENGINE:
                    _drop_engine(asking, record)
                    continue
                case RecordKind.EVENTS | RecordKind.ENGINE:
                    lane = LANES[record.kind]
            if record.birth:
                born.append(record.execution)
            if record.producer:
                marks[record.execution, record.producer] = Mark(record.epoch, record.producer_seq)
            if record.count:
                events.append((record.execution, lane.value, record.first_seq, record.count, record.body))
                moved = heads.setdefault(record.execution, {})
                begun = moved[lane][0] if lane in moved else record.first_seq - 1
                moved[lane] = begun, record.first_seq + record.count - 1
        if born:
            execute_values(asking, _BEAR, [(execution, 0, 0, 0) for execution in dict.fromkeys(born)])
        if events:
            execute_values(asking, _PUT, events, page_size=len(events))
        if heads:
            rows = [(execution, *_ends(moved)) for execution, moved in heads.items()]
            known = execute_values(
                asking, _MOVE, rows, "(%s, %s::bigint, %s::bigint, %s::bigint, %s::bigint)", len(rows), True
            )
            if known is None or len(known) != len(rows):
                raise taken_over(self._hold.address, "somebody who wrote to it without asking")
        if marks:
            execute_values(
                asking,
                _MARK,
                [(name, producer.encode(), mark.epoch, mark.producer_seq) for (name, producer), mark in marks.items()],
                page_size=len(marks),
            )

    def _come_back(self, error: Exception) -> bool:
        """Connect again, with the lock, and return whether the transaction that was under way was committed. Raises `StoreLost`."""
        if not self._wire.is_lost(error):
            raise error
        before = self._wire.pid
        while True:
            self._wire.reconnect()
            try:
                self._hold.reclaim(before)
                return self._was_committed()
            except FAILED as again:
                if not self._wire.is_lost(again):
                    raise

    def _was_committed(self) -> bool:
        """What became of the transaction that was under way. It has ended: the lock, which is held again, went with its connection."""
        with self._wire.cursor() as asking:
            asking.execute("SELECT word FROM stigmer_word")
            word = number(asking)
        self._wire.commit()
        return word == self._word


class RowEvents:
    """The events at rest, as the store reads them (`events_port.EventsBase`)."""

    def __init__(self, address: Address, application: str, patience: Patience) -> None:
        self.path = Path(address.name)
        self.durable = self
        self._address = address
        self._application = application
        self._patience = patience

    def session(self) -> "RowSession":
        """A new connection. Raises `ServerRefused`."""
        return RowSession(Wire(self._address, self._application, self._patience, reading=True))

    def settle(self) -> None:
        """Nothing to do: what is committed is on the server's disk."""

    def close(self) -> None:
        """Nothing to do: each session closes its own."""


class RowSession:
    """One connection for reading. A transaction, which the first question begins, looks at one moment."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.archive = RowLook(wire)

    def begin(self) -> None:
        """A look begins."""
        self._wire.rollback()

    def commit(self) -> None:
        """A look ends; nothing is ever written here."""
        self._wire.rollback()

    def abort(self) -> None:
        """A look ends."""
        self._wire.rollback()

    def mends(self, error: BaseException) -> bool:
        """As `Session.mends`."""
        if not self._wire.is_lost(error):
            return False
        self._wire.reconnect()
        return True

    def forget(self) -> None:
        """Nothing to do: nothing is cached."""

    def close(self) -> None:
        """Close the connection."""
        self._wire.close()


class RowLook:
    """As `archive.Archive`, on rows. An event is there from its acknowledgement on, so that nothing is ever moved here."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def standing(self, execution: str) -> Standing | None:
        """How `execution` stands, or None if it is not here."""
        with self._wire.cursor() as asking:
            asking.execute("SELECT events, engine, engine_floor FROM stigmer_execution WHERE id = %s", (execution,))
            found = asking.fetchone()
            if found is None:
                return None
            asking.execute("SELECT producer, epoch, step FROM stigmer_mark WHERE execution = %s", (execution,))
            rows = asking.fetchall()
        events, engine, floor = map(_whole, found)
        marks = {_bytes(name).decode(): Mark(_whole(epoch), _whole(step)) for name, epoch, step in rows}
        return Standing({Lane.EVENTS: events, Lane.ENGINE: engine}, floor, marks)

    def timeline(self, execution: str) -> Timeline | None:
        """A timeline as it would be with nothing in memory; asked again where the connection was lost."""
        while True:
            try:
                self._wire.rollback()
                standing = self.standing(execution)
            except FAILED as error:
                if not self._wire.is_lost(error):
                    raise
                self._wire.reconnect()
                continue
            finally:
                self._wire.rollback()
            if standing is None:
                return None
            lanes = {lane: Tail(head, standing.floor(lane)) for lane, head in standing.heads.items()}
            return Timeline(execution, lanes, dict(standing.marks))

    def read(self, execution: str, lane: Lane, after_seq: int, max_bytes: int) -> list[Batch]:
        """Messages from the body that holds `after_seq + 1`, neighbours joined, at least one body and up to about `max_bytes`."""
        with self._wire.cursor() as asking:
            place = (execution, lane.value)
            asking.execute(_READ, (*place, *place, after_seq + 1, READ_ROWS, max_bytes, after_seq))
            rows = asking.fetchall()
        found = [Batch(_whole(first), _whole(count), _bytes(body)) for first, count, body in rows]
        return joined(found)

    def flush(
        self, timelines: Iterable[Timeline], removed: Iterable[str], journal: int | None, chunk_bytes: int
    ) -> None:
        """Nothing to do: it is all here since its acknowledgement."""


def joined(parts: Sequence[Batch]) -> list[Batch]:
    """Neighbours as one batch each."""
    runs: list[list[Batch]] = []
    for part in parts:
        if runs and runs[-1][-1].last_seq + 1 == part.first_seq:
            runs[-1].append(part)
        else:
            runs.append([part])
    return [
        run[0]
        if len(run) == 1
        else Batch(run[0].first_seq, run[-1].last_seq - run[0].first_seq + 1, b"".join([part.body for part in run]))
        for run in runs
    ]


def _ends(moved: dict[Lane, tuple[int, int]]) -> tuple[int, int, int, int]:
    """Of both lanes: the last number, and the number that it goes on from; 0 for a lane that is as it was."""
    events_from, events = moved.get(Lane.EVENTS, (0, 0))
    engine_from, engine = moved.get(Lane.ENGINE, (0, 0))
    return events, engine, events_from, engine_from


def _drop_engine(asking: cursor, record: JournalRecord) -> None:
    asking.execute(
        "DELETE FROM stigmer_event WHERE execution = %s AND lane = %s AND first <= %s",
        (record.execution, Lane.ENGINE.value, record.first_seq),
    )
    asking.execute(
        "UPDATE stigmer_execution SET engine_floor = greatest(engine_floor, %s) WHERE id = %s",
        (record.first_seq, record.execution),
    )


def _remove(asking: cursor, execution: str) -> None:
    for statement in (
        "DELETE FROM stigmer_event WHERE execution = %s",
        "DELETE FROM stigmer_mark WHERE execution = %s",
        "DELETE FROM stigmer_execution WHERE id = %s",
    ):
        asking.execute(statement, (execution,))


def _whole(value: Value) -> int:
    if not isinstance(value, int):
        raise TypeError(f"{value!r} where a number was stored")
    return value


def _bytes(value: Value) -> bytes:
    if not isinstance(value, bytes | memoryview):
        raise TypeError(f"{value!r} where bytes were stored")
    return bytes(value)
