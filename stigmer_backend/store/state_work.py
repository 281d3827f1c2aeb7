"""What the state's writer thread does: many changes in one transaction and one sync."""

from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from stigmer_backend.store.births import clear_births, put_birth
from stigmer_backend.store.database import Database, Repeat
from stigmer_backend.store.errors import StoreDamaged, StoreFull, SwitchUnknown
from stigmer_backend.store.event_log import AppendCall
from stigmer_backend.store.files import is_full
from stigmer_backend.store.log_work import LogCall
from stigmer_backend.store.model import Append, Changed
from stigmer_backend.store.state import StateWrite
from stigmer_backend.store.worker import Captured, Waiting


@dataclass(frozen=True, slots=True)
class StateChange:
    """A change, and the birth of the execution that it creates, if it creates one."""

    change: Callable[[StateWrite], object]
    birth: Waiting[LogCall] | None = None


@dataclass(frozen=True, slots=True)
class StateStandstill:
    """Do something with the file between two transactions. What it raises goes to whoever asked; but for `SwitchUnknown`."""

    work: Callable[[], object]


StateCall = StateChange | StateStandstill

Answer = Callable[[list[Waiting[StateCall]]], None]
Bear = Callable[[Waiting[LogCall]], None]
"""Hands a birth on to the event log's thread."""

Revised = Callable[[int, Iterable[Changed]], None]
"""Says that the state moved to a revision, which is on the disk, and which records that changed."""


class StateWork:
    """The state's writer as the work of a `Worker`.

    The changes of a group share a transaction. If one fails after it wrote something, the transaction is given up and each
    is run again in one of its own, so that the others go through; a change can therefore run twice, and must not have effects
    of its own.

    A birth is kept with the change, and handed on to the event log when the change is on the disk: nothing that happens to the
    caller comes in between.
    """

    def __init__(self, database: Database, answer: Answer, bear: Bear, revised: Revised) -> None:
        self._database = database
        self._session = database.session()
        self._answer = answer
        self._bear = bear
        self._revised = revised
        self._born: deque[str] = deque()
        self._changed: dict[Changed, None] = {}

    def born(self, execution: str) -> None:
        """The journal has the first event of `execution` now: it is forgotten here with the next change. From any thread."""
        self._born.append(execution)

    @property
    def has_born(self) -> bool:
        """Whether a first event is still kept that the journal has. From any thread."""
        return bool(self._born)

    def handle(self, group: list[Waiting[StateCall]]) -> None:
        """Carry out a group, sync, and answer."""
        changes = [(waiting, waiting.command) for waiting in group if isinstance(waiting.command, StateChange)]
        if not self._together(changes):
            for change in changes:
                self._together([change])
                self._database.durable.settle()  # Recovery counts on it: each transaction is synced before the next begins.
        self._database.durable.settle()
        for waiting, change in changes:
            if change.birth is not None and waiting.error is None:
                self._bear(change.birth)
        self._revised(self._database.last_transaction, self._changed)
        self._changed = {}
        self._answer([waiting for waiting, _ in changes])
        for waiting in group:
            if isinstance(waiting.command, StateStandstill):
                self._stand_still(waiting, waiting.command)

    def due(self) -> float | None:
        """Nothing is ever put off."""
        return None

    def idle(self) -> None:
        """At the end: forget the first events that the journal has."""
        if self._born:
            self._together([])
            self._database.durable.settle()

    def unanswered(self) -> list[Waiting[StateCall]]:
        """None: a group is answered whole."""
        return []

    def close(self) -> None:
        """Close the connection. After the thread has ended."""
        self._session.close()

    def _stand_still(self, waiting: Waiting[StateCall], call: StateStandstill) -> None:
        with Captured() as captured:
            waiting.answer = call.work()
        waiting.error = captured.error
        if isinstance(captured.error, SwitchUnknown):
            raise captured.error
        self._answer([waiting])

    def _together(self, group: list[tuple[Waiting[StateCall], StateChange]]) -> bool:
        """Run the changes in one transaction; False, with nothing written, if one of them failed half-way."""
        while True:
            with suppress(Repeat):
                return self._attempt(group)

    def _attempt(self, group: list[tuple[Waiting[StateCall], StateChange]]) -> bool:
        """As `_together`. Raises `Repeat`, with nothing written, where the database was away meanwhile."""
        self._session.begin()
        born = [self._born.popleft() for _ in range(len(self._born))]
        clear_births(self._session, born)
        view = StateWrite(self._session)
        wrote = bool(born)
        for waiting, call in group:
            view.touched = False
            with Captured() as captured:
                waiting.answer = call.change(view)
                if call.birth is not None:
                    view.touched = True
                    put_birth(self._session, _first(call.birth))
            waiting.error = captured.error
            if captured.error is not None and self._session.mends(captured.error):
                self._born.extend(born)
                raise Repeat
            if captured.error is not None and view.touched:
                self._session.abort()
                self._born.extend(born)
                return False
            wrote = wrote or view.touched
        if not wrote:
            self._session.abort()
            return True
        try:
            self._session.commit()
        except Repeat:
            self._born.extend(born)
            raise
        except StoreDamaged as error:
            self._session.abort()
            self._born.extend(born)
            if len(group) > 1:
                return False
            for waiting, _ in group:
                waiting.error = error
        except OSError as error:
            self._session.abort()
            self._born.extend(born)
            if not is_full(error):
                raise
            for waiting, _ in group:
                waiting.error = StoreFull(self._database.path, str(error))
        else:
            self._changed |= view.changed
        return True


def _first(birth: Waiting[LogCall]) -> Append:
    if not isinstance(birth.command, AppendCall):
        raise TypeError(f"a birth is an append, not {birth.command!r}")
    return birth.command.appends[0]
