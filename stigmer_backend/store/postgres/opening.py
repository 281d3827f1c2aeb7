"""How a store in PostgreSQL is opened. Blocking.

The order is: connection, lock, tables, epoch, resources, first events that are missing, structure, heartbeat. What is wrong is refused before
anything is changed, but that tables are made where there are none.
"""

from collections.abc import Callable
from contextlib import ExitStack, suppress

import psycopg2

from stigmer_backend.store.errors import DatabaseMissing, FormatTooNew
from stigmer_backend.store.event_log import EventLog
from stigmer_backend.store.manifest import NEEDS, Left
from stigmer_backend.store.options import StoreOptions
from stigmer_backend.store.parts import Parts, complete_births, in_transaction, look
from stigmer_backend.store.postgres.address import Address
from stigmer_backend.store.postgres.event_rows import RowEvents, RowJournal
from stigmer_backend.store.postgres.holding import Heart, Hold, application_of
from stigmer_backend.store.postgres.objects import ObjectsDatabase
from stigmer_backend.store.postgres.roll_table import call_roll
from stigmer_backend.store.postgres.tables import begin_again, is_empty, leave, prepare_tables
from stigmer_backend.store.postgres.wire import FAILED, Patience, Wire
from stigmer_backend.store.report import RecoveryReport
from stigmer_backend.store.state import prepare_state, state_is_prepared
from stigmer_backend.store.structure import STRUCTURE, structure_of, upgrade_state

NO_FILES = "the store is in PostgreSQL and has no files of its own: back the database up with `pg_dump`"


def open_in_postgresql(
    options: StoreOptions,
    clock: Callable[[], float],
    random_bytes: Callable[[int], bytes],
    unlock: Callable[[], None],
) -> Parts:
    """Open the store in the database `options.database`, or make it there; `unlock` is called at its end.

    Raises `OpenRefused`, and then nothing is left open.
    """
    address = Address(options.database)
    patience = Patience(address, options.patience_seconds)
    token = random_bytes(8).hex()
    application = application_of(token)
    with ExitStack() as undo:
        try:
            wire = Wire(address, application, patience)
            undo.callback(wire.close)
            hold = Hold(address, wire, token, options.roll)
            hold.take(options.standby, patience)
            report = RecoveryReport(shared=True)
            incarnation = _begin(hold, report, random_bytes)
            state = ObjectsDatabase(hold, application, patience, options.cache_objects, options.cache_bytes)
            undo.callback(state.close)
            _prepare_state(state, hold, report)
        except psycopg2.Error as error:
            raise address.refusal(error) from error
        events = RowEvents(address, application, patience)
        log = EventLog(RowJournal(hold), [], events, [], [], options, clock, random_bytes)
        undo.callback(lambda: log.close(clean=False))
        complete_births(log, state, report)
        report.notes += upgrade_state(state)
        if options.roll is not None:
            call_roll(wire, options.roll, hold.epoch)
        heart = Heart(hold, Wire(address, application, patience))
        heart.start()
        undo.pop_all()

    def note(left: Left) -> None:
        if left is not Left.CLEAN:
            patience.end()
            return
        with suppress(FAILED):  # Where that cannot be said, the next opening takes it for a stop that was not clean.
            leave(wire, hold.epoch)

    def release() -> None:
        heart.ask_to_end()
        patience.end()
        heart.end()
        wire.close()
        unlock()

    return Parts(
        state,
        events,
        log,
        incarnation,
        report,
        None,
        None,
        note,
        release,
        heart.listen,
        place=address.name,
        without_files=NO_FILES,
    )


def _begin(hold: Hold, report: RecoveryReport, random_bytes: Callable[[int], bytes]) -> str:
    """Prepare the tables, take the next epoch, and return the incarnation: a new one for a copy that was put back."""
    with hold.wire.cursor() as asking:
        report.created = prepare_tables(asking, hold.address, random_bytes(16).hex(), random_bytes(16).hex())
        hold.begin(asking, random_bytes(32))
        before = begin_again(asking, random_bytes(16).hex())
    hold.wire.commit()
    report.clean, report.incarnation_changed = before.clean, before.moved
    return before.incarnation


def _prepare_state(state: ObjectsDatabase, hold: Hold, report: RecoveryReport) -> None:
    """Be its writer, and make its structure if this is a new store; or if its making was stopped."""
    name = hold.address.name
    prepared = look(state, state_is_prepared)
    if not prepared and not is_empty(hold.wire):
        raise DatabaseMissing(f"RelStorage's part of {name}", "there are events of runs beside it")
    if prepared and (found := look(state, structure_of)) > STRUCTURE:
        raise FormatTooNew(name, found, STRUCTURE, NEEDS)
    state.begin()
    if not prepared:
        in_transaction(state, prepare_state)
