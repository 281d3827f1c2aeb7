"""All executions that have not ended: found at the opening, kept while they live, finished at their end."""

import logging
from collections.abc import Callable

from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import FoldState
from stigmer_backend.executions.board import Board
from stigmer_backend.executions.event_batches import decode_events, without_first
from stigmer_backend.executions.ledger import Ledger
from stigmer_backend.executions.live import LiveExecution
from stigmer_backend.executions.options import ExecutionOptions
from stigmer_backend.executions.pauses import Pauses
from stigmer_backend.executions.runs import RUN_KINDS, AnyExecution, first_fold, run_kind, show_status
from stigmer_backend.executions.snapshots import LIVE, Snapshot, decode_snapshot, encode_snapshot
from stigmer_backend.executions.tasks import Tasks
from stigmer_backend.executions.terminals import Terminals
from stigmer_backend.resources.executions import show_labels
from stigmer_backend.resources.listing_keys import UNSEEN_LIST, relisted
from stigmer_backend.resources.removal import COMMANDS
from stigmer_backend.resources.stamps import Stamps, touch
from stigmer_backend.store import StateRead, StateWrite, Store, StoreFull, UnknownExecution

RUNNER = "runner"
"""The name under which whoever holds the lease appends."""

_READ_BYTES = 1 << 20
_log = logging.getLogger(__name__)

Listener = Callable[[LiveExecution], None]
Ending = Callable[[StateWrite, str], None]
"""What else is done in the transaction that stores the end of an execution."""


class Registry:
    """The live executions, by id."""

    def __init__(self, store: Store, tasks: Tasks, board: Board, stamps: Stamps, options: ExecutionOptions) -> None:
        self._store = store
        self._tasks = tasks
        self._board = board
        self._stamps = stamps
        self._options = options
        self._lives: dict[str, LiveExecution] = {}
        self._saving: set[str] = set()
        self._listeners: list[Listener] = []
        self._gone: list[Listener] = []
        self._finals: list[Ending] = []

    def on_end(self, listener: Listener) -> None:
        """Call `listener` at the end of each execution, when its terminal phase is durable."""
        self._listeners.append(listener)

    def on_final(self, step: Ending) -> None:
        """Carry out `step` in the transaction that stores the end of each execution, however that came: it happens exactly then."""
        self._finals.append(step)

    def on_stored(self, listener: Listener) -> None:
        """Call `listener` when the end of an execution is stored: the last that is heard of it."""
        self._gone.append(listener)

    def get(self, execution_id: str) -> LiveExecution | None:
        """The execution, if it has not ended, or is being finished."""
        return self._lives.get(execution_id)

    def all(self) -> list[LiveExecution]:
        """All of them, the oldest first."""
        return sorted(self._lives.values(), key=lambda live: (live.created_ns, live.id))

    def refresh(self) -> None:
        """Bring what `LiveExecution.glance` shows up to date."""
        for live in self._lives.values():
            live.refresh()

    def __len__(self) -> int:
        return len(self._lives)

    async def open(self) -> None:
        """Find the executions that have not ended. Those whose last event is there already are finished."""

        def living(state: StateRead) -> list[str]:
            return [row.id for row in state.page(LIVE, limit=max(1, state.count(LIVE)), newest_first=False)]

        for execution_id in await self._store.read_state(living):
            live = await self._load(execution_id)
            if live is None:
                continue
            self._lives[execution_id] = live
        for live in self.all():
            self._join(live)
            if live.ended:
                self._begin_end(live)

    def add(self, live: LiveExecution) -> None:
        """An execution was created."""
        self._lives[live.id] = live
        self._join(live)
        self._board.add(live.id)

    def folded(self, live: LiveExecution) -> None:
        """Events of `live` were folded."""
        if live.ended:
            self._begin_end(live)
            return
        self._touch(live)
        if live.unsaved_bytes >= self._options.snapshot_bytes and live.id not in self._saving:
            self._saving.add(live.id)
            self._tasks.start(self._save(live), f"snapshot {live.id}")

    def _join(self, live: LiveExecution) -> None:
        """Let its parent know it."""
        parent = self._lives.get(live.parent_id)
        if parent is not None:
            parent.children[live.id] = live

    def _touch(self, live: LiveExecution) -> None:
        """An execution changed, and with it what its parents show of it."""
        self._board.touch(live.id)
        waits = live.glance().attention_count
        if waits == live.told_attention:
            return
        live.told_attention = waits
        above = self._lives.get(live.parent_id)
        while above is not None:
            self._board.touch(above.id)
            above.changed.ring()
            above = self._lives.get(above.parent_id)

    # -- opening ---------------------------------------------------------------------------------------------------------

    async def _load(self, execution_id: str) -> LiveExecution | None:
        kind = run_kind(execution_id)

        def look(state: StateRead) -> tuple[bytes, bytes, int, int] | None:
            record, kept = state.get(kind.table, execution_id), state.get(LIVE, execution_id)
            if record is None or kept is None:
                return None
            return record.data, kept.data, record.created_ns, record.version

        found = await self._store.read_state(look)
        if found is None:
            return None
        data, kept, created_ns, version = found
        execution = kind.decode(data)
        snapshot = decode_snapshot(kept) or first_snapshot(execution)
        mark = await self._store.mark(execution_id, RUNNER)
        live = LiveExecution(execution, created_ns, version, snapshot, 0 if mark is None else mark.epoch)
        while batches := await self._store.read(execution_id, live.head, _READ_BYTES):
            for batch in batches:
                body = without_first(batch.body, live.head + 1 - batch.first_seq)
                live.take(live.head + 1, decode_events(body), len(body))
        return live

    # -- snapshots and the end -------------------------------------------------------------------------------------------

    async def _save(self, live: LiveExecution) -> None:
        """Write the fold down. On a full disk it is left for the next time: the events hold everything."""
        try:
            data = encode_snapshot(live.snapshot())
            live.unsaved_bytes = 0

            def keep(state: StateWrite) -> None:
                if state.get(LIVE, live.id) is not None:
                    state.put(LIVE, live.id, data, created_ns=live.created_ns, summary=b"")

            await self._store.write(keep)
        except StoreFull as full:
            _log.warning("the state of %s could not be written down: %s", live.id, full)
        finally:
            self._saving.discard(live.id)

    def _begin_end(self, live: LiveExecution) -> None:
        if live.finishing:
            return
        live.finishing = live.closing = True
        self._board.end(live.id, live.summary())
        for listener in self._listeners:
            listener(live)
        self._tasks.start(self._finish(live), f"finish {live.id}")

    async def _finish(self, live: LiveExecution) -> None:
        """Commit the final status with its row, and forget what was only for the time while it lived.

        A stop in between repeats it at the next opening: the record of the table `live_execution` goes last.
        """
        pauses = Pauses(self._options)
        while True:
            try:
                await self._store.drop_engine_lane(live.id)
                self._board.set_unseen(await self._store.write(self._final(live)))
                break
            except StoreFull as full:
                _log.warning("the end of %s waits for space: %s", live.id, full)
                await pauses.next()
            except UnknownExecution:
                break
        self._lives.pop(live.id, None)
        above = self._lives.get(live.parent_id)
        if above is not None:
            above.children.pop(live.id, None)
        live.changed.ring()
        for listener in self._gone:
            listener(live)
        try:
            await self._store.settle(live.id)
        except (StoreFull, UnknownExecution) as error:
            _log.info("the events of %s stay in the journal for now: %s", live.id, error)

    def _final(self, live: LiveExecution) -> Callable[[StateWrite], int]:
        """What stores the end; it returns how many failures are not seen then."""
        fold = FoldState.FromString(live.state.SerializeToString())
        shown, commands = live.summary(), live.ledger.encode()
        stamp, kind = self._stamps.now(), run_kind(live.id)

        def commit(state: StateWrite) -> int:
            record = state.get(kind.table, live.id)
            if record is None:
                return unseen_in(state)
            execution = kind.decode(record.data)
            show_status(execution, fold)
            touch(execution.status.audit.status_audit, stamp)
            show_labels(shown, execution)
            state.put(
                kind.table,
                live.id,
                execution.SerializeToString(),
                slug=record.slug,
                created_ns=record.created_ns,
                parents=(*relisted(record.parents, execution), *((UNSEEN_LIST,) if shown.unseen else ())),
                summary=shown.SerializeToString(),
            )
            if commands:
                state.put(COMMANDS, live.id, commands, created_ns=record.created_ns, summary=b"")
            if state.get(LIVE, live.id) is not None:
                state.delete(LIVE, live.id)
            for step in self._finals:
                step(state, live.id)
            return unseen_in(state)

        return commit


def unseen_in(state: StateRead) -> int:
    """How many executions failed and were not seen."""
    return sum(state.count(kind.table, UNSEEN_LIST) for kind in RUN_KINDS)


def first_snapshot(execution: AnyExecution) -> Snapshot:
    """An execution before its first event."""
    return Snapshot(first_fold(execution), Ledger(), Terminals())
